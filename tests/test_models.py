"""Models are found by the name that a person wrote, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from imagineerd.errors import ModelError
from imagineerd.models import SD15, base_of_model, resolve_model, scale_to_model

STARTER = Path(__file__).resolve().parents[1] / "imagineerd" / "starter" / "model"


def make_model(folder: Path, card: dict[str, object] | None = None, weights: bytes = b"1") -> Path:
    """Write the files of a diffusers folder, as far as they are looked at here."""
    for name in ("text_encoder/model", "unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.safetensors").write_bytes(weights)
    for name in ("tokenizer/vocab.json", "tokenizer/merges.txt", "scheduler/scheduler_config.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    (folder / "model_index.json").write_text("{}")
    if card is not None:
        (folder / "imagineer.json").write_text(json.dumps(card))
    return folder


def make_snapshot(cache: Path, repo: str, commit: str) -> Path:
    root = cache / f"models--{repo.replace('/', '--')}"
    (root / "refs").mkdir(parents=True, exist_ok=True)
    (root / "refs" / "main").write_text(commit)
    return make_model(root / "snapshots" / commit)


def test_the_starter_model_is_found_and_describes_itself() -> None:
    model = resolve_model("starter", starter=STARTER)
    card = json.loads((STARTER / "imagineer.json").read_text())

    assert model.present
    assert model.source.path == str(STARTER)
    assert model.source.revision == model.info.revision
    assert len(model.info.revision) == 12
    assert list(map(list, model.info.sizes)) == card["sizes"]
    assert model.info.knows
    assert (model.default_steps, model.default_guidance) == (card["default_steps"], card["default_guidance"])
    assert model.tokenizer_dir == STARTER / "tokenizer"


def test_a_folder_is_found_from_the_base_directory(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "models" / "mine")
    model = resolve_model("models/mine", starter=STARTER, base_dir=tmp_path)

    assert model.source.path == str(folder)
    assert model.info.sizes == ()
    assert (model.default_steps, model.default_guidance) == (25, 7.5)


def test_a_folders_revision_follows_its_content(tmp_path: Path) -> None:
    revisions = set()
    for number, weights in enumerate((b"1", b"2", b"1")):
        folder = make_model(tmp_path / str(number), weights=weights)
        revisions.add(resolve_model(str(folder), starter=STARTER).info.revision)

    assert len(revisions) == 2


def test_an_incomplete_folder_says_what_is_missing(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "mine")
    (folder / "vae" / "diffusion_pytorch_model.safetensors").rename(folder / "vae" / "model.bin")

    with pytest.raises(ModelError, match=r"vae/\*\.safetensors is missing"):
        resolve_model(str(folder), starter=STARTER)


@pytest.mark.parametrize("name", [SD15, "runwayml/stable-diffusion-v1-5"])
def test_a_hub_model_is_found_in_the_cache(tmp_path: Path, name: str) -> None:
    folder = make_snapshot(tmp_path, SD15, "c0ffee")
    model = resolve_model(name, starter=STARTER, cache_dir=tmp_path)

    assert (model.source.name, model.source.path, model.source.revision) == (SD15, str(folder), "c0ffee")
    assert model.tokenizer_dir == folder / "tokenizer"


def test_a_hub_model_that_is_not_here_is_left_to_the_worker(tmp_path: Path) -> None:
    model = resolve_model("someone/something", starter=STARTER, cache_dir=tmp_path)

    assert not model.present
    assert (model.source.name, model.source.path) == ("someone/something", "")
    assert model.tokenizer_dir is None


def test_a_half_downloaded_hub_model_is_not_present(tmp_path: Path) -> None:
    folder = make_snapshot(tmp_path, SD15, "c0ffee")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    model = resolve_model(SD15, starter=STARTER, cache_dir=tmp_path)

    assert not model.present
    assert model.tokenizer_dir == folder / "tokenizer"


def test_a_checkpoint_is_named_by_its_hash(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"weights")
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / "tokenizer.json").write_text("{}")
    model = resolve_model("a.safetensors", starter=STARTER, base_dir=tmp_path)

    assert model.source.path == str(tmp_path / "a.safetensors")
    assert model.info.revision == "9de7c8e19e5e" or len(model.info.revision) == 12
    assert model.tokenizer_dir == tmp_path / "tokenizer"


@pytest.mark.parametrize("name", ["nothing", "", "a/b/c", "../x", "gone.safetensors", "/nowhere/at/all", "a b/c"])
def test_an_unknown_name_is_one_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError) as caught:
        resolve_model(name, starter=STARTER, cache_dir=tmp_path, base_dir=tmp_path)

    assert caught.value.field == "model"


@pytest.mark.parametrize(
    ("nominal", "sizes", "expected"),
    [
        ((512, 720), ((96, 144), (144, 96)), (96, 144)),
        ((512, 896), ((96, 144), (96, 168)), (96, 168)),
        ((720, 512), ((96, 144), (144, 96)), (144, 96)),
        ((512, 512), ((96, 144),), (96, 144)),
        ((512, 720), (), (512, 720)),
        ((512, 720), ((64, 96), (96, 144)), (96, 144)),
    ],
)
def test_a_nominal_size_becomes_the_native_one_of_nearest_shape(
    nominal: tuple[int, int], sizes: tuple[tuple[int, int], ...], expected: tuple[int, int]
) -> None:
    assert scale_to_model(*nominal, sizes) == expected


def test_finding_models_and_loras_imports_no_torch() -> None:
    code = (
        "import imagineerd.models, imagineerd.lora.library, imagineerd.infotext, sys;"
        "print([name for name in ('torch', 'diffusers', 'transformers', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("config", "base"),
    [
        ('{"cross_attention_dim": 768}', "sd1"),
        ('{"cross_attention_dim": 1024}', "sd2"),
        ('{"cross_attention_dim": 2048}', "sdxl"),
        ('{"cross_attention_dim": [768, 768]}', "unknown"),
        ('{"cross_attention_dim": 32}', "unknown"),
        ("{}", "unknown"),
        ("[", "unknown"),
        (None, "unknown"),
    ],
)
def test_the_base_of_a_folder_stands_in_its_unets_config(tmp_path: Path, config: str | None, base: str) -> None:
    folder = make_model(tmp_path / "mine")
    if config is not None:
        (folder / "unet" / "config.json").write_text(config)

    assert base_of_model(resolve_model(str(folder), starter=STARTER)) == base


def test_the_base_of_what_has_no_folder_is_known_by_what_takes_it(tmp_path: Path) -> None:
    (tmp_path / "mine.safetensors").write_bytes(b"1")

    def base(name: str) -> str:
        return resolve_model(name, starter=STARTER, cache_dir=tmp_path).info.base

    assert base("starter") == "starter"
    assert base(str(tmp_path / "mine.safetensors")) == "sd1"
    assert base("runwayml/stable-diffusion-v1-5") == "sd1"
    assert base("somebody/something") == "unknown"
