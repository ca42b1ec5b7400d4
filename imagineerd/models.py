"""Find a model by the name a person wrote, without torch: where it lies, which revision, what it draws well.

A name is `starter` (the model in this package), a diffusers folder, a `.safetensors` checkpoint, or a hub id like
`stable-diffusion-v1-5/stable-diffusion-v1-5`. Nothing is downloaded here: a hub model that is not in the cache yet is
resolved as not `present`, and the worker fetches it on first use.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from imagineerd.errors import ModelError
from imagineerd.fingerprint import file_sha256, files_sha256
from imagineerd.link import ModelSource
from imagineerd.lora.base import WIDTHS, Base
from imagineerd.protocol import ModelInfo

STARTER = "starter"
SD15 = "stable-diffusion-v1-5/stable-diffusion-v1-5"
MOVED = {"runwayml/stable-diffusion-v1-5": SD15}
"""Hub ids whose repository is gone, and where the same files are now."""
DEFAULT_STEPS = 25
DEFAULT_GUIDANCE = 7.5
SHORT = 12
"""Hex digits of a content hash that name a revision."""
COMPONENTS = ("text_encoder", "tokenizer", "unet", "vae")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


class ResolvedModel(msgspec.Struct, frozen=True):
    """A model as planning needs it.

    `source` is what the worker gets. `tokenizer_dir` holds the tokenizer's files, None where they are not here.
    """

    source: ModelSource
    info: ModelInfo
    default_steps: int = DEFAULT_STEPS
    default_guidance: float = DEFAULT_GUIDANCE
    tokenizer_dir: Path | None = None

    @property
    def present(self) -> bool:
        """Whether the model's files are on this machine."""
        return self.info.present


def resolve_model(
    name: str, *, starter: Path, cache_dir: Path | None = None, base_dir: Path | None = None
) -> ResolvedModel:
    """Find the model `name`.

    `cache_dir` is a Hugging Face cache (default: the environment's), `base_dir` what relative paths start from;
    without it only an absolute path is one. Raises `ModelError` where nothing fits, with what to do.
    """
    found = _find_model(name, starter, cache_dir, base_dir)
    return msgspec.structs.replace(found, info=msgspec.structs.replace(found.info, base=base_of_model(found)))


def _find_model(name: str, starter: Path, cache_dir: Path | None, base_dir: Path | None) -> ResolvedModel:
    if name == STARTER:
        return _from_folder(name, starter)
    path = (base_dir or Path()) / Path(name).expanduser()
    if path.is_absolute() and path.suffix == ".safetensors":
        return _from_checkpoint(name, path, cache_dir)
    if path.is_absolute() and path.is_dir():
        return _from_folder(name, path)
    if _HUB_ID.fullmatch(name):
        return _from_hub(MOVED.get(name, name), cache_dir)
    raise ModelError(
        f'There is no model "{name}". Set model.default to "{STARTER}", a hub id like {SD15}, '
        "a diffusers folder or a .safetensors file.",
        field="model",
    )


def check_named(name: str, default: str) -> None:
    """Raise `ModelError` for a model that a client may not name: files are the configuration's business."""
    if name not in {STARTER, default} and (not _HUB_ID.fullmatch(name) or name.endswith(".safetensors")):
        raise ModelError(
            f'A request may name "{STARTER}", the configured model or a hub id, not "{name}": set model.default to it.',
            field="$.settings.model",
        )


def base_of_model(model: ResolvedModel) -> Base:
    """Return which base a model is, for LoRAs: by the width of its cross-attention, else by what takes it."""
    if model.source.name == SD15 or model.source.path.endswith(".safetensors"):
        return "sd1"  # the worker takes no other checkpoints
    if not model.source.path:
        return "unknown"
    return WIDTHS.get(_cross_attention_width(Path(model.source.path)), "unknown")


def _cross_attention_width(folder: Path) -> int:
    try:
        config = json.loads((folder / "unet" / "config.json").read_bytes())
        return int(config["cross_attention_dim"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def scale_to_model(width: int, height: int, sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the native size whose aspect ratio is nearest to width:height; the size itself where none is declared."""
    if not sizes:
        return width, height
    wanted = math.log(width / height)
    return min(sizes, key=lambda size: (abs(math.log(size[0] / size[1]) - wanted), -size[0]))


def hub_cache(cache_dir: Path | None) -> Path:
    """Return the Hugging Face cache: `cache_dir`, else what the environment says, else the default."""
    if cache_dir is not None:
        return cache_dir
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache).expanduser()
    home = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    return Path(home).expanduser() / "hub"


def hub_snapshot(repo: str, cache_dir: Path | None) -> Path | None:
    """Return the folder of a cached hub repository: that of `main`, else the newest one, else None."""
    root = hub_cache(cache_dir) / f"models--{repo.replace('/', '--')}"
    try:
        commit = (root / "refs" / "main").read_text().strip()
    except OSError:
        commit = ""
    if commit and (root / "snapshots" / commit).is_dir():
        return root / "snapshots" / commit
    snapshots = [path for path in (root / "snapshots").glob("*") if path.is_dir()]
    return max(snapshots, key=lambda path: path.stat().st_mtime, default=None)


def missing_parts(folder: Path) -> tuple[str, ...]:
    """Name what a diffusers folder lacks to be drawn with."""
    weights = [part for part in ("text_encoder", "unet", "vae") if not _weights(folder / part)]
    scheduler = folder / "scheduler" / "scheduler_config.json"
    others = [
        *([] if (folder / "model_index.json").is_file() else ["model_index.json"]),
        *([] if scheduler.is_file() else ["scheduler/scheduler_config.json"]),
        *([] if _tokenizer_of(folder) else ["tokenizer"]),
    ]
    return (*others, *(f"{part}/*.safetensors" for part in weights))


def tokenizer_for_checkpoint(path: Path, cache_dir: Path | None) -> Path | None:
    """Find CLIP's tokenizer for a `.safetensors` file: a `tokenizer` folder beside it, or one in the hub cache."""
    snapshot = hub_snapshot(SD15, cache_dir)
    clip = hub_snapshot("openai/clip-vit-large-patch14", cache_dir)
    folders = [path.parent / "tokenizer", snapshot and snapshot / "tokenizer", clip]
    return next((folder for folder in folders if folder and _is_tokenizer(folder)), None)


def folder_revision(folder: Path) -> str:
    """Return a short hash over everything in a diffusers folder that a picture depends on."""
    files = [
        path
        for part in (*COMPONENTS, "scheduler")
        for path in (folder / part).glob("*")
        if path.suffix in {".safetensors", ".json", ".txt"}
    ]
    return files_sha256(folder, files)[:SHORT]


def _from_folder(name: str, folder: Path) -> ResolvedModel:
    if missing := missing_parts(folder):
        raise ModelError(
            f'The model "{name}" is incomplete: {", ".join(missing)} is missing in {folder}. '
            "A model folder is what diffusers' save_pretrained writes, with safetensors.",
            field="model",
        )
    return _resolved(name, folder, folder_revision(folder))


def _from_checkpoint(name: str, path: Path, cache_dir: Path | None) -> ResolvedModel:
    if not path.is_file():
        raise ModelError(f'The model file "{path}" does not exist.', field="model")
    revision = file_sha256(path)[:SHORT]
    return ResolvedModel(
        source=ModelSource(name, str(path), revision),
        info=ModelInfo(name=name, revision=revision),
        tokenizer_dir=tokenizer_for_checkpoint(path, cache_dir),
    )


def _from_hub(repo: str, cache_dir: Path | None) -> ResolvedModel:
    folder = hub_snapshot(repo, cache_dir)
    if folder is not None and not missing_parts(folder):
        return _resolved(repo, folder, folder.name)
    return ResolvedModel(
        source=ModelSource(repo),
        info=ModelInfo(name=repo, present=False),
        tokenizer_dir=_tokenizer_of(folder) if folder else None,
    )


def _resolved(name: str, folder: Path, revision: str) -> ResolvedModel:
    card = _card(folder)
    return ResolvedModel(
        source=ModelSource(name, str(folder), revision),
        info=ModelInfo(
            name=name,
            revision=revision,
            sizes=tuple((int(width), int(height)) for width, height in card.get("sizes", ())),
            knows=str(card.get("knows", "")),
        ),
        default_steps=int(card.get("default_steps", DEFAULT_STEPS)),
        default_guidance=float(card.get("default_guidance", DEFAULT_GUIDANCE)),
        tokenizer_dir=_tokenizer_of(folder),
    )


def _card(folder: Path) -> dict[str, Any]:
    """Read `imagineer.json`, the model's own description; {} where it has none."""
    try:
        card = json.loads((folder / "imagineer.json").read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ModelError(f"{folder / 'imagineer.json'} is not valid JSON: {error}.") from error
    return card if isinstance(card, dict) else {}


def _weights(folder: Path) -> bool:
    return any(folder.glob("*.safetensors"))


def _tokenizer_of(folder: Path) -> Path | None:
    return folder / "tokenizer" if _is_tokenizer(folder / "tokenizer") else None


def _is_tokenizer(folder: Path) -> bool:
    pair = (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file()
    return pair or (folder / "tokenizer.json").is_file()
