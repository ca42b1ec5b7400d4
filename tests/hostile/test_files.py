"""Files that people write or that come from elsewhere, with bytes changed: each is read or refused in a sentence."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lora_files import cross_attention, write_lora
from PIL import Image, PngImagePlugin

from imagineerd.config import find_paths, load_config
from imagineerd.errors import Invalid, LoraError
from imagineerd.infotext import read_infotext
from imagineerd.lora.header import read_header
from imagineerd.sets.config import read_entries
from imagineerd.sets.csv_rows import read_table
from imagineerd.store.reconcile import Orphan, read_orphan

SETS = Path(__file__).resolve().parents[2] / "sets"
DATA = Path(__file__).resolve().parents[1] / "data"
SNIPPETS = (
    b"\0", b"\xff\xfe", b"\n", b'"', b"'", b",", b";", b": ", b"- ", b"&a ", b"*a", b"!!python/object:os.system ",
    b"<<: ", b"\xe2\x80\xae", b"../", b"{", b"[" * 300, b"9" * 400, b"\xf0\x9f\x83\x8f",
    b"\x00\x00\x00\x00IEND", b"\xff" * 8,
)  # fmt: skip
changes = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.sampled_from(SNIPPETS)), min_size=1, max_size=6)
many_times = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def changed(content: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """Replace some bytes at some places; a place is a share of the length."""
    for place, length, snippet in edits:
        at = int(place * len(content))
        content = content[:at] + snippet + content[at + length :]
    return content


def picture() -> bytes:
    """Return a small PNG with the text chunks of a take."""
    about = PngImagePlugin.PngInfo()
    about.add_text("parameters", "a fox\nSteps: 4, Seed: 1")
    buffer = io.BytesIO()
    Image.new("RGB", (64, 96), (16, 32, 48)).save(buffer, "PNG", pnginfo=about)
    return buffer.getvalue()


@many_times
@given(edits=changes, name=st.sampled_from(["zodiac.csv", "tarot_deck.csv"]))
def test_a_csv_becomes_rows_or_problems(edits: list[tuple[float, int, bytes]], name: str) -> None:
    read_table(changed((SETS / name).read_bytes(), edits), name)


@many_times
@given(edits=changes)
def test_the_yaml_of_sets_becomes_entries_or_problems(edits: list[tuple[float, int, bytes]]) -> None:
    read_entries(changed((SETS / "config.yaml").read_bytes(), edits), "config.yaml")


@many_times
@given(edits=changes, name=st.sampled_from(["commented.yaml", "predecessor.yaml"]))
def test_a_configuration_is_read_or_invalid(edits: list[tuple[float, int, bytes]], name: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(changed((DATA / "config" / name).read_bytes(), edits))
    variables = {"IMAGINEER_CONFIG": file, "IMAGINEER_DATA_DIR": tmp_path, "IMAGINEER_RUNTIME_DIR": tmp_path}

    with contextlib.suppress(Invalid):
        load_config(find_paths({"HOME": str(tmp_path), **{name: str(path) for name, path in variables.items()}}))


@many_times
@given(edits=changes)
def test_a_lora_has_a_header_or_is_refused(edits: list[tuple[float, int, bytes]], tmp_path: Path) -> None:
    path = write_lora(tmp_path / "ink.safetensors", cross_attention(768), {"ss_output_name": "ink"})
    path.write_bytes(changed(path.read_bytes()[:4000], edits))

    with contextlib.suppress(LoraError):
        read_header(path)


@many_times
@given(edits=changes, of=st.sampled_from(["picture", "sidecar"]))
def test_a_picture_without_a_row_is_whole_or_left_alone(
    edits: list[tuple[float, int, bytes]], of: str, tmp_path: Path
) -> None:
    path = tmp_path / "01_fool.png"
    about = json.dumps({"job": 1, "batch": "tarot", "slot": 1, "seed": 1, "duration": 0.5}).encode()
    path.write_bytes(changed(picture(), edits) if of == "picture" else picture())
    path.with_suffix(".json").write_bytes(changed(about, edits) if of == "sidecar" else about)

    found = read_orphan(path, "tarot")

    assert isinstance(found, Orphan) or found.startswith(str(path))


def test_a_picture_that_would_fill_the_memory_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "01_fool.png"
    path.with_suffix(".json").write_text(json.dumps({"job": 1, "batch": "tarot", "slot": 1, "seed": 1}))
    huge = picture()
    path.write_bytes(huge[:16] + (200_000).to_bytes(4) * 2 + huge[24:])

    assert "cannot be read" in str(read_orphan(path, "tarot"))


@pytest.mark.parametrize("text", ["", "\n" * 9000, "Negative prompt:" * 900, 'Steps: "' * 900, "a: b, " * 9000])
def test_any_text_is_the_text_of_a_picture(text: str) -> None:
    assert read_infotext(text) == read_infotext(text)
