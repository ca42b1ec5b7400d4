"""The names of tensors in a LoRA file: which module each one changes, and which program's layout that is.

Layouts (`M` a module of the UNet or the text encoder):

- kohya: `lora_unet_M.lora_down.weight`, `.lora_up.weight`, `.alpha`, with `_` for `.` in M; text `lora_te_M`, also
  `lora_te1_M`; for SDXL also with Stability's names of blocks (`input_blocks_4_1_…`)
- diffusers: `unet.M.lora.down.weight`, text `text_encoder.M.lora_linear_layer.down.weight`, formerly
  `unet.….processor.to_q_lora.down.weight`
- PEFT: `unet.M.lora_A.weight` (also behind `base_model.model.`)
- LyCORIS: LoHa `M.hada_w1_b`, LoKr `M.lokr_w1` (or `lokr_w1_a` and `_b`), and DoRA's `dora_scale` beside any of them
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from imagineerd.lora_header import Shape, Tensor

Part = Literal["down", "up", "alpha"]
Layout = Literal["kohya", "kohya-sai", "diffusers", "diffusers-old", "peft", "loha", "lokr", "dora", "locon-cp", ""]

_ENDINGS: tuple[tuple[str, Part, Layout], ...] = (
    (".lora_down.weight", "down", "kohya"),
    (".lora_up.weight", "up", "kohya"),
    (".alpha", "alpha", "kohya"),
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
)
_OTHER_KINDS: tuple[tuple[str, Layout, str], ...] = (
    ("dora_scale", "dora", "a DoRA"),
    ("lora_magnitude_vector", "dora", "a DoRA"),
    ("hada_", "loha", "a LoHa"),
    ("lokr_", "lokr", "a LoKr"),
    ("lora_mid", "locon-cp", "a CP-decomposed LoCon"),
)
_SAI_BLOCKS = ("_input_blocks_", "_middle_block_", "_output_blocks_")


def split_name(key: str) -> tuple[str, Part] | None:
    """Split a tensor's name into the path of its module and its part; None for what is no plain LoRA."""
    for ending, part, _ in _ENDINGS:
        if key.endswith(ending):
            return key[: -len(ending)], part
    return None


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
    return flat + "_0" if flat.endswith("_to_out") else flat


def why_not_plain(keys: Iterable[str]) -> str:
    """Return why these tensors cannot be applied, as the end of a sentence; empty for a plain LoRA."""
    strange = [key for key in keys if split_name(key) is None]
    for mark, _, kind in _OTHER_KINDS:
        if any(mark in key for key in strange):
            return f"is {kind}; only plain LoRAs (with convolutions) are supported"
    return f"holds something that is no LoRA: {strange[0]}" if strange else ""


def layout_of(keys: Iterable[str]) -> Layout:
    """Return which layout these tensors have, empty for no LoRA. Convolutions change nothing about it."""
    names = list(keys)
    for mark, layout, _ in _OTHER_KINDS:
        if any(mark in name for name in names):
            return layout
    plain: Layout = next((layout for name in names if (layout := _plain_layout(name))), "")
    sai = plain == "kohya" and any(block in name for name in names for block in _SAI_BLOCKS)
    return "kohya-sai" if sai else plain


def input_shapes(tensors: Mapping[str, Tensor]) -> dict[str, Shape]:
    """Map each module's flat name to the shape of the factor that its input meets: [rank, inputs(, kh, kw)].

    A LoKr's is worked out from its two factors, W = kron(w1, w2), with rank 0 where neither is split.
    """
    shapes = {flat_name(path): shape for path, shape in _input_factors(tensors)}
    if any(".lokr_w" in key for key in tensors):
        shapes |= {flat_name(path): shape for path in _lokr_paths(tensors) if (shape := _lokr_shape(tensors, path))}
    return shapes


def _plain_layout(key: str) -> Layout:
    return next((layout for ending, part, layout in _ENDINGS if part == "down" and key.endswith(ending)), "")


def _input_factors(tensors: Mapping[str, Tensor]) -> Iterable[tuple[str, Shape]]:
    for key, tensor in tensors.items():
        split = split_name(key)
        if split is not None and split[1] == "down":
            yield split[0], tensor.shape
        elif key.endswith((".hada_w1_b", ".hada_w2_b")):
            yield key.rpartition(".")[0], tensor.shape


def _lokr_paths(tensors: Iterable[str]) -> set[str]:
    return {key.rpartition(".")[0] for key in tensors if ".lokr_w" in key}


def _lokr_shape(tensors: Mapping[str, Tensor], path: str) -> Shape:
    rank, inputs = 0, 1
    for factor in ("lokr_w1", "lokr_w2"):
        whole, split = tensors.get(f"{path}.{factor}"), tensors.get(f"{path}.{factor}_b")
        shape = (whole or split or _NOTHING).shape
        if len(shape) < 2:  # noqa: PLR2004 - a matrix
            return ()
        rank = max(rank, 0 if whole else shape[0])
        inputs *= shape[1]
    return rank, inputs


_NOTHING = Tensor("F32", (), (0, 0))
