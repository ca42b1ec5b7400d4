"""The names of tensors in a LoRA file: which module each one changes, and which program's layout that is.

Layouts (`M` a module of the UNet or the text encoder):

- kohya: `lora_unet_M.lora_down.weight`, `.lora_up.weight`, `.alpha`, with `_` for `.` in M; text `lora_te_M`, also
  `lora_te1_M`; kohya-sai: the same for SDXL with Stability's names of blocks (`input_blocks_4_1_…`)
- diffusers: `unet.M.lora.down.weight`, text `text_encoder.M.lora_linear_layer.down.weight`; diffusers-old:
  `unet.….processor.to_q_lora.down.weight`, text `text_encoder.….self_attn.to_q_lora.down.weight`
- peft: `unet.M.lora_A.weight` (also behind `base_model.model.`)
- LyCORIS: loha `M.hada_w1_b`, lokr `M.lokr_w1` (or `lokr_w1_a` and `_b`), locon-cp a core `M.lora_mid.weight` beside
  kohya's two
- dora: a magnitude beside any of them, `dora_scale` of LyCORIS or `lora_magnitude_vector` of PEFT
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from imagineerd.lora.header import Shape, Tensor

Part = Literal[
    "down", "mid", "up", "alpha", "dora_scale", "magnitude",
    "hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2",
    "lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2",
    "other",
]  # fmt: skip
"""What a tensor is to its module: `dora_scale` and `magnitude` are two forms of one thing, `other` is no LoRA's."""
Layout = Literal["kohya", "kohya-sai", "diffusers", "diffusers-old", "peft", "loha", "lokr", "dora", "locon-cp", ""]

KNOWN_NAMES = 16_384
"""Names of tensors that are remembered: the files of a library repeat each other's, some 800 for each base."""
KNOWN_SETS = 128
"""Whole sets of names that are remembered: files that one program trained alike name the same tensors."""

_ENDINGS: Final[tuple[tuple[str, Part, Layout], ...]] = (
    (".lora_down.weight", "down", "kohya"),
    (".lora_up.weight", "up", "kohya"),
    (".alpha", "alpha", ""),
    (".lora_A.weight", "down", "peft"),
    (".lora_B.weight", "up", "peft"),
    (".lora.down.weight", "down", "diffusers"),
    (".lora.up.weight", "up", "diffusers"),
    (".lora_linear_layer.down.weight", "down", "diffusers"),
    (".lora_linear_layer.up.weight", "up", "diffusers"),
    ("_lora.down.weight", "down", "diffusers-old"),
    ("_lora.up.weight", "up", "diffusers-old"),
    (".lora_A.default.weight", "down", "peft"),
    (".lora_B.default.weight", "up", "peft"),
    (".lora_mid.weight", "mid", "locon-cp"),
    (".dora_scale", "dora_scale", "dora"),
    (".lora_magnitude_vector", "magnitude", "dora"),
    (".lora_magnitude_vector.weight", "magnitude", "dora"),
    (".lora_magnitude_vector.default.weight", "magnitude", "dora"),
    (".hada_w1_a", "hada_w1_a", "loha"),
    (".hada_w1_b", "hada_w1_b", "loha"),
    (".hada_w2_a", "hada_w2_a", "loha"),
    (".hada_w2_b", "hada_w2_b", "loha"),
    (".hada_t1", "hada_t1", "loha"),
    (".hada_t2", "hada_t2", "loha"),
    (".lokr_w1", "lokr_w1", "lokr"),
    (".lokr_w1_a", "lokr_w1_a", "lokr"),
    (".lokr_w1_b", "lokr_w1_b", "lokr"),
    (".lokr_w2", "lokr_w2", "lokr"),
    (".lokr_w2_a", "lokr_w2_a", "lokr"),
    (".lokr_w2_b", "lokr_w2_b", "lokr"),
    (".lokr_t2", "lokr_t2", "lokr"),
)
_BY_RANK: Final[tuple[Layout, ...]] = (
    "dora", "loha", "lokr", "locon-cp", "kohya-sai", "kohya", "diffusers", "diffusers-old", "peft",
)  # fmt: skip
"""Layouts, what says more of a file first."""
_SAI_BLOCKS = ("_input_blocks_", "_middle_block_", "_output_blocks_")
_LOHA_INPUTS = (".hada_w1_b", ".hada_w2_b")
_MATRIX = 2
_OLD_TEXT = re.compile(r"_self_attn_to_(q|k|v|out)$")
"""diffusers before 0.19 named a text encoder's attention as the UNet's."""


class Named(NamedTuple):
    """What a tensor's name says: the path of its module, which part of the LoRA it is, and a layout it speaks for."""

    path: str
    part: Part
    layout: Layout


@lru_cache(maxsize=KNOWN_NAMES)
def read_name(key: str) -> Named:
    """Take a tensor's name apart."""
    for ending, part, layout in _ENDINGS:
        if key.endswith(ending):
            sai = layout == "kohya" and any(block in key for block in _SAI_BLOCKS)
            return Named(key[: -len(ending)], part, "kohya-sai" if sai else layout)
    return Named(key, "other", "")


@lru_cache(maxsize=KNOWN_NAMES)
def flat_name(path: str) -> str:
    """Return a module's path with `_` for `.`, without what wraps it."""
    return path.removeprefix("base_model.model.").replace(".processor.", ".").replace(".", "_")


def module_name(path: str) -> str:
    """Return the one name that imagineer gives a module of the UNet or the text encoder, whatever the layout.

    It is `unet_…` or `text_encoder_…`, with `_` for `.` and without `text_model_`.
    """
    flat = flat_name(path)
    for prefix in ("lora_te1_", "lora_te_"):
        if flat.startswith(prefix):
            flat = "text_encoder_" + flat.removeprefix(prefix)
    flat = flat.removeprefix("lora_").replace("text_encoder_text_model_", "text_encoder_", 1)
    flat = _OLD_TEXT.sub(r"_self_attn_\1_proj", flat)
    return flat + "_0" if flat.endswith("_to_out") else flat


class _NameSet(NamedTuple):
    """What the names of a file say together: layouts, names of no part of a LoRA, and for each module (flat name, path,
    name of the factor that its input meets; empty for a LoKr, which has two).
    """

    layouts: frozenset[Layout]
    strange: tuple[str, ...]
    modules: tuple[tuple[str, str, str], ...]


def layout_of(keys: Iterable[str]) -> Layout:
    """Return which layout these tensors have, empty for no LoRA."""
    found = _read_names(tuple(keys)).layouts
    return next((layout for layout in _BY_RANK if layout in found), "")


def strangers(keys: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the tensors that are no part of a LoRA, and so are never applied."""
    return _read_names(tuple(keys)).strange


def input_shapes(tensors: Mapping[str, Tensor]) -> dict[str, Shape]:
    """Map each module's flat name to the shape of the factor that its input meets: [rank, inputs(, kh, kw)].

    A LoKr's is worked out from its two factors, W = kron(w1, w2), with rank 0 where neither is split.
    """
    return {
        flat: tensors[key].shape if key else _lokr_shape(tensors, path)
        for flat, path, key in _read_names(tuple(tensors)).modules
    }


@lru_cache(maxsize=KNOWN_SETS)
def _read_names(keys: tuple[str, ...]) -> _NameSet:
    names = [(read_name(key), key) for key in keys]
    modules = [(flat_name(name.path), name.path, key) for name, key in names if name.part == "down"]
    for name, key in names:
        if name.layout == "lokr" or (name.layout == "loha" and key.endswith(_LOHA_INPUTS)):
            modules.append((flat_name(name.path), name.path, "" if name.layout == "lokr" else key))
    return _NameSet(
        layouts=frozenset(name.layout for name, _ in names),
        strange=tuple(key for name, key in names if name.part == "other"),
        modules=tuple(modules),
    )


def _lokr_shape(tensors: Mapping[str, Tensor], path: str) -> Shape:
    """Return (rank, inputs) of a LoKr, () where a factor is missing or no matrix."""
    rank, inputs = 0, 1
    for factor in (f"{path}.lokr_w1", f"{path}.lokr_w2"):
        tensor = tensors.get(factor) or tensors.get(f"{factor}_b")
        if tensor is None or len(tensor.shape) < _MATRIX:
            return ()
        rank = rank if factor in tensors else tensor.shape[0]
        inputs *= tensor.shape[1]
    return rank, inputs
