"""How PEFT scales the factors of each part of the model, as diffusers >= 0.35 writes it into a file's metadata.

Files of other programs hold an alpha beside each pair of factors instead. Source: `LoraConfig` of PEFT, whose values
diffusers keeps under `unet.…` and `text_encoder.…` in `lora_adapter_metadata`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import msgspec

Part = Literal["unet", "text_encoder"]

_decode = msgspec.json.Decoder(dict[str, object]).decode


class Adapter(msgspec.Struct, frozen=True):
    """The scale of one part: `alpha`, other alphas by the end of a module's path, and whether it is rsLoRA's.

    All are absent in most files, which means a scale of 1.
    """

    alpha: float | None = None
    alphas: dict[str, float] = {}
    rank_stabilized: bool = False

    def scale(self, path: str, rank: int) -> float:
        """Return what the product of the factors of a module is multiplied by (rsLoRA: arXiv 2312.03732)."""
        named = (alpha for end, alpha in self.alphas.items() if path == end or path.endswith(f".{end}"))
        alpha = next(named, self.alpha)
        if alpha is None:
            return 1.0
        return alpha / math.sqrt(rank) if self.rank_stabilized else alpha / rank


def read_adapter(metadata: Mapping[str, str], part: Part) -> Adapter:
    """Read the scale of a part; what is no number counts as absent."""
    try:
        said = _decode(metadata.get("lora_adapter_metadata", "{}"))
    except (msgspec.DecodeError, RecursionError):
        return Adapter()
    alphas = said.get(f"{part}.alpha_pattern")
    named = alphas.items() if isinstance(alphas, dict) else ()
    return Adapter(
        alpha=read_number(said.get(f"{part}.lora_alpha")),
        alphas={str(end): alpha for end, value in named if (alpha := read_number(value)) is not None},
        rank_stabilized=said.get(f"{part}.use_rslora") is True,
    )


def read_number(value: object) -> float | None:
    """Return a finite number, None for anything else."""
    try:
        number = float(value) if isinstance(value, (int, float, str)) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
