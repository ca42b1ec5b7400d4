"""What the README shows is true: its examples run, its commands exist, its files are there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from house import ROOT, House
from lora_files import cross_attention, write_lora

from imagineer_tui.arguments import build_parser
from imagineerd.sets.library import read_sets

README = (ROOT / "README.md").read_text()
COMMANDS = sorted(set(re.findall(r"`(imagineer [^`]+)`", README)))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_two_commands_do_all_the_set_up() -> None:
    deal, tests, *_ = [line for block in blocks("sh") for line in block.splitlines()]

    assert deal.endswith('.venv/bin/pip install . && .venv/bin/imagineer deal zodiac --theme "night sky"')
    assert "-m pytest" in tests


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_it_names_exists(command: str) -> None:
    words = re.findall(r'"[^"]*"|\S+', command)[1:]

    assert build_parser().parse_args([word.strip('"').replace("TAKE", "7") for word in words])


def test_the_script_draws_a_deck_and_saves_it(faking: House, tmp_path: Path) -> None:
    (script,) = blocks("python")

    subprocess.run([sys.executable, "-c", script], env=faking.environ, cwd=tmp_path, check=True, timeout=60)

    assert len(list(tmp_path.glob("*.png"))) == 12


def test_mixes_and_grids_are_drawn_as_it_says(faking: House) -> None:
    (block,) = [block for block in blocks("sh") if "mix save" in block]
    folder = faking.paths.data_dir / "loras"
    for name in ("Ink", "Gold"):
        write_lora(folder / f"{name}.safetensors", cross_attention(128), {"modelspec.trigger_phrase": f"{name} style"})

    for line in block.splitlines():
        command = [sys.executable, "-P", "-m", "imagineer_tui", *shlex.split(line)[1:]]
        subprocess.run(command, env=faking.environ, check=True, timeout=60, stdout=subprocess.DEVNULL)

    with faking.client() as client:
        themes, weights, generated, deck = client.batches(4).batches
        (raven,) = client.jobs(batch_id=generated.id).jobs
        assert (themes.slots, weights.slots) == (6, 8)
        assert deck.mixes == generated.mixes == weights.mixes == ("card-gothic",)
        assert raven.spec.prompt == "a raven king, Ink style, Gold style"
        assert all((Path(batch.folder) / "sheet.png").is_file() for batch in (themes, weights))


def test_the_set_of_ones_own_can_be_dealt(tmp_path: Path) -> None:
    (entry,) = blocks("yaml")
    (tmp_path / "config.yaml").write_text(entry)
    (tmp_path / "fables.csv").write_text("animal,deed,place\nfox,praised a raven,an old oak\n")

    fables = read_sets(ROOT / "sets", tmp_path).sets["fables"]

    assert [lora.name for lora in fables.loras] == ["Storybook"]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_a_file_it_points_to_is_there(target: str) -> None:
    assert (ROOT / target).exists()
