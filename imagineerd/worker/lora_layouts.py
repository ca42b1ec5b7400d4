"""Read a LoRA file into factors per module, whichever program wrote it (`lora.names` lists the layouts).

The tensors are copied out of the file, not mapped: a file that is written over while it is mapped takes the process
down, and sums over memory that is aligned otherwise may differ in the last bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from imagineerd.errors import LoraError
from imagineerd.lora.adapter import Adapter, read_adapter
from imagineerd.lora.header import read_header
from imagineerd.lora.names import Part, module_name, read_name
from imagineerd.worker.cache import Cache
from imagineerd.worker.deltas import PRODUCTS, Factors, Kind

MAX_BYTES = 512 * 1024 * 1024
"""Of factors that are kept in main memory, in the file's own precision: 4 to 40 LoRAs at SD 1.5 size (13-140 MB)."""
MAX_FILE = 4 * 1024**3
"""Bytes. What changes SD 1.5 needs no more than its own 3.4 GB in fp32, and a file of holes would fill the memory."""
_RANKS: Mapping[Kind, tuple[Part, ...]] = {
    "lora": ("down",),
    "loha": ("hada_w1_b",),
    "lokr": ("lokr_w1_b", "lokr_w2_b"),
}
"""Kind -> the tensors whose first axis is the rank. A LoKr of two whole factors has none; its alpha means nothing."""


@dataclass(frozen=True)
class LoraTensors:
    """A whole file: its factors by module, and how many tensors there are in it, factors or not."""

    factors: tuple[Factors, ...]
    count: int
    bytes: int


def new_cache() -> Cache[str, LoraTensors]:
    """Return an empty cache of files, by their hash."""
    return Cache(MAX_BYTES, lambda lora: lora.bytes)


_kept = new_cache()


def read_lora(name: str, path: Path, sha256: str) -> LoraTensors:
    """Return the factors in a file with this hash; they are kept for the next time. Raises `LoraError`."""
    return _kept.get(sha256, lambda: _read(name, path, sha256))


def _read(name: str, path: Path, sha256: str) -> LoraTensors:
    metadata = read_header(path).metadata
    adapters = {part: read_adapter(metadata, part) for part in ("unet", "text_encoder")}
    tensors = _load(name, path, sha256)
    factors = tuple(
        _factors(name, module, parts, adapters["text_encoder" if module.startswith("text_encoder_") else "unet"])
        for module, parts in sorted(_by_module(tensors).items())
    )
    if not factors:
        raise LoraError(f'The file of the LoRA "{name}" holds no LoRA.')
    return LoraTensors(factors, len(tensors), sum(tensor.nbytes for tensor in tensors.values()))


def _load(name: str, path: Path, sha256: str) -> dict[str, torch.Tensor]:
    """Return copies of all tensors. Raises `LoraError`, also for another file than the one that was hashed."""
    try:
        if (size := path.stat().st_size) > MAX_FILE:
            raise LoraError(f'The LoRA "{name}" has {size / 1e9:.1f} GB, and no LoRA for this model needs as many.')
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise LoraError(f'The file of the LoRA "{name}" changed while it was read: try again.')
        return {key: tensor.clone() for key, tensor in load(content).items()}
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise LoraError(f'The LoRA "{name}" cannot be read: {error}.') from error


@dataclass
class _Parts:
    """What a file holds for one module. `path` is the module's own name in the file."""

    path: str
    tensors: dict[str, torch.Tensor]


def _by_module(tensors: Mapping[str, torch.Tensor]) -> dict[str, _Parts]:
    """Group what belongs to a LoRA; a module of which no factor is there is left out."""
    modules: dict[str, _Parts] = {}
    for key, tensor in tensors.items():
        named = read_name(key)
        if named.part != "other":
            parts = modules.setdefault(module_name(named.path), _Parts(named.path, {}))
            parts.tensors[named.part] = tensor
    return {module: parts for module, parts in modules.items() if _kinds(parts.tensors)}


def _kinds(parts: Iterable[str]) -> set[Kind]:
    """Return the kinds of factors that the tensors are of."""
    kinds: dict[str, Kind] = {"down": "lora", "mid": "lora", "up": "lora", "hada": "loha", "lokr": "lokr"}
    return {kinds[start] for part in parts if (start := part.partition("_")[0]) in kinds}


def _factors(name: str, module: str, parts: _Parts, adapter: Adapter) -> Factors:
    tensors = parts.tensors
    if not all(bool(torch.isfinite(tensor.float()).all()) for tensor in tensors.values()):
        raise LoraError(f'The LoRA "{name}" is damaged: {module} holds NaN or infinity.')
    try:
        (kind,) = _kinds(tensors)
        outputs, inputs = _shape(kind, tensors)
        scale = _scale(parts, kind, adapter)
    except (RuntimeError, IndexError, KeyError, ValueError, ZeroDivisionError) as error:
        raise LoraError(f'The LoRA "{name}" is damaged: the factors of {module} do not fit together.') from error
    used = {part: tensor for part, tensor in tensors.items() if part != "alpha"}
    return Factors(module, kind, used, scale, (outputs, inputs), count=len(tensors))


def _shape(kind: Kind, tensors: Mapping[str, torch.Tensor]) -> torch.Size:
    """Return the product's shape; it is worked out on tensors without content. Raises where there is none."""
    if not all(tensor.numel() for tensor in tensors.values()):
        raise ValueError("A factor is empty.")
    empty = {part: torch.empty(tensor.shape, device="meta") for part, tensor in tensors.items()}
    return PRODUCTS[kind](empty).shape


def _scale(parts: _Parts, kind: Kind, adapter: Adapter) -> float:
    rank = next((parts.tensors[part].shape[0] for part in _RANKS[kind] if part in parts.tensors), None)
    if rank is None:
        return 1.0
    alpha = parts.tensors.get("alpha")
    return adapter.scale(parts.path, rank) if alpha is None else float(alpha) / rank
