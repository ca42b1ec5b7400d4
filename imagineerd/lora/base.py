"""Which base model a LoRA was trained for, by the shapes of its factors; metadata only where shapes say nothing.

Every program that trains LoRAs keeps the module names and widths of its base, while the metadata are often missing,
stripped or copied. The order of tests goes from what proves most to what proves least:

1. module names of other families (Flux, SD 3 and other transformers)
2. the inputs of cross-attention: 768 SD 1, 1024 SD 2, 2048 SDXL, 128 the starter model
3. a second text encoder (SDXL), the width of the first
4. topology: SDXL has more than one transformer block in a row and no attention at the first level
5. the inputs of self-attention: 112 and 144 only in the starter model
6. proj_in: a 1x1 convolution in SD 1, a matrix in SD 2
7. metadata

Sources: sd-scripts (original_unet.py, sdxl_original_unet.py, model_util.py, sai_model_spec.py), InvokeAI
(model_util.py), `starter/network.py` for its own sizes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, Literal, TypeAlias

import msgspec

from imagineerd.lora.header import Shape
from imagineerd.lora.names import KNOWN_SETS

Base = Literal["sd1", "sd2", "sdxl", "sd3", "flux", "other", "starter", "unknown"]

NAMES: Final[dict[Base, str]] = {
    "sd1": "Stable Diffusion 1.5",
    "sd2": "Stable Diffusion 2",
    "sdxl": "SDXL",
    "sd3": "Stable Diffusion 3",
    "flux": "Flux",
    "other": "another family of models",
    "starter": "the starter model",
    "unknown": "an unknown base",
}
WIDTHS: Final[dict[int, Base]] = {768: "sd1", 1024: "sd2", 2048: "sdxl", 128: "starter"}
"""Inputs of cross-attention, as `cross_attention_dim` in a UNet's config."""
_FAMILIES: Final[tuple[tuple[str, Base], ...]] = (
    ("double_blocks_", "flux"),
    ("single_blocks_", "flux"),
    ("single_transformer_blocks_", "flux"),
    ("joint_blocks_", "sd3"),
)
_OTHERS = ("transformer_", "lora_transformer_", "lora_te3_", "diffusion_model_blocks_", "diffusion_model_layers_")
_SECOND_TEXT_ENCODER = ("lora_te2_", "text_encoder_2_")
_TEXT_WIDTHS: Final[dict[int, Base]] = {1024: "sd2", 1280: "sdxl", 128: "starter"}
"""Inputs of a text encoder's attention. 768 is missing: SD 1, SDXL and Flux share that encoder."""
_SELF_WIDTHS: Final[dict[int, Base]] = {112: "starter", 144: "starter"}
_SD_CHANNELS = 320
"""Every level of SD 1, SD 2 and SDXL has a multiple of these."""
_SECOND_TRANSFORMER = re.compile(r"attentions_\d+_transformer_blocks_[1-9]")
_METADATA_KEYS = ("ss_base_model_version", "modelspec.architecture")
_METADATA_STARTS: Final[tuple[tuple[str, Base], ...]] = (
    ("sd_v1", "sd1"),
    ("sd_1", "sd1"),
    ("stable-diffusion-v1", "sd1"),
    ("sd_v2", "sd2"),
    ("sd_2", "sd2"),
    ("stable-diffusion-v2", "sd2"),
    ("sdxl", "sdxl"),
    ("stable-diffusion-xl", "sdxl"),
    ("sd3", "sd3"),
    ("stable-diffusion-3", "sd3"),
    ("flux", "flux"),
)


class Finding(msgspec.Struct, frozen=True):
    """A base, and how it is known: the end of a sentence that begins with the LoRA; empty where it is unknown."""

    base: Base = "unknown"
    because: str = ""


NOTHING = Finding()
Shapes: TypeAlias = Mapping[str, Shape]
"""Flat module name -> the shape of the factor that its input meets, as `names.input_shapes` returns it."""


def find_base(shapes: Shapes, metadata: Mapping[str, str]) -> tuple[Finding, str]:
    """Return the base, and a warning where the metadata name another one than the shapes, else an empty string."""
    shown, told = base_of_shapes(shapes), base_of_metadata(metadata)
    if shown == NOTHING or (shown.base == "other" and told.base in {"sd3", "flux"}):
        return told, ""
    if told.base in {shown.base, "unknown"}:
        return shown, ""
    return shown, f"says that it is for {NAMES[told.base]}, but {shown.because}, as in {NAMES[shown.base]}"


def base_of_shapes(shapes: Shapes) -> Finding:
    """Return the base that names and shapes prove; `NOTHING` where they prove none."""
    return next((finding for test in _TESTS if (finding := test(shapes)) != NOTHING), NOTHING)


def base_of_metadata(metadata: Mapping[str, str]) -> Finding:
    """Return the base that the metadata name. `ss_v2` stands in files of sd-scripts that name no base."""
    for key in _METADATA_KEYS:
        value = metadata.get(key, "").strip().lower()
        for start, base in _METADATA_STARTS:
            if value.startswith(start):
                return Finding(base, f"its metadata say so in {key}")
    is_sd2 = metadata.get("ss_v2") == "True"
    return Finding("sd2", "its metadata say so in ss_v2") if is_sd2 else NOTHING


# ---------------------------------------------------------------- the tests, in their order


def _family(shapes: Shapes) -> Finding:
    return _family_of(tuple(shapes))


@lru_cache(maxsize=KNOWN_SETS)
def _family_of(modules: tuple[str, ...]) -> Finding:
    names = "\n".join(("", *modules))  # one search in all names, since this test meets every file
    for mark, base in _FAMILIES:
        if mark in names:
            return Finding(base, f"it changes {mark.rstrip('_')}")
    strange = next((start for start in _OTHERS if f"\n{start}" in names), "")
    return Finding("other", f"it changes {strange.rstrip('_')}") if strange else NOTHING


def _cross_attention(shapes: Shapes) -> Finding:
    widths = _widths(shapes, ("attn2_to_k", "attn2_to_v"))
    return _by_width(WIDTHS, widths, "its cross-attention takes {} inputs")


def _text_encoders(shapes: Shapes) -> Finding:
    if any(name.startswith(_SECOND_TEXT_ENCODER) for name in shapes):
        return Finding("sdxl", "it changes a second text encoder")
    text = {name: shape for name, shape in shapes.items() if name.startswith(("lora_te", "text_encoder"))}
    widths = _widths(text, ("_q_proj", "_k_proj", "_v_proj"))
    return _by_width(_TEXT_WIDTHS, widths, "its text encoder is {} wide")


def _sdxl_topology(shapes: Shapes) -> Finding:
    if any(_SECOND_TRANSFORMER.search(name) for name in shapes):
        return Finding("sdxl", "it changes a second transformer block in a row")
    if any("unet_input_blocks_" in name or "unet_output_blocks_" in name for name in shapes):
        return Finding("sdxl", "it names its blocks as SDXL's trainers do")
    return NOTHING


def _self_attention(shapes: Shapes) -> Finding:
    widths = _widths(shapes, ("attn1_to_q", "attn1_to_k", "attn1_to_v", "_proj_in"))
    return _by_width(_SELF_WIDTHS, widths, "its self-attention takes {} inputs")


def _projection(shapes: Shapes) -> Finding:
    """Tell SD 1's convolutions from matrices; those mean SD 2 only at the first level, where SDXL has no attention."""
    for name, shape in shapes.items():
        if not name.endswith(("_proj_in", "_proj_out")) or len(shape) < 2 or shape[1] % _SD_CHANNELS:  # noqa: PLR2004
            continue
        if len(shape) == 4:  # noqa: PLR2004 - [rank, inputs, height, width]
            return Finding("sd1", "its proj_in is a convolution")
        if "down_blocks_0_attentions" in name or "up_blocks_3_attentions" in name:
            return Finding("sd2", "its proj_in is a matrix at the first level")
    return NOTHING


def _first_text_encoder(shapes: Shapes) -> Finding:
    """Only SD 1 and 2 have a text encoder with this prefix, and SD 2's is wider."""
    text = {name: shape for name, shape in shapes.items() if name.startswith("lora_te_")}
    widths = _widths(text, ("_q_proj", "_k_proj", "_v_proj"))
    return _by_width({768: "sd1"}, widths, "its text encoder is {} wide")


_TESTS: Final[tuple[Callable[[Shapes], Finding], ...]] = (
    _family,
    _cross_attention,
    _text_encoders,
    _first_text_encoder,
    _sdxl_topology,
    _self_attention,
    _projection,
)


def _by_width(bases: Mapping[int, Base], widths: Iterable[int], because: str) -> Finding:
    return next((Finding(bases[width], because.format(width)) for width in widths if width in bases), NOTHING)


def _widths(shapes: Shapes, endings: tuple[str, ...]) -> Iterator[int]:
    return (shape[1] for shape in _ending(shapes, endings) if len(shape) > 1)


def _ending(shapes: Shapes, endings: tuple[str, ...]) -> Iterator[Shape]:
    return (shape for name, shape in shapes.items() if name.endswith(endings))
