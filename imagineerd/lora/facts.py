"""What the header of a LoRA file says: base, layout, ranks, parts, words, and whether imagineer can apply it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import msgspec

from imagineerd.lora.base import Base, Finding, find_base
from imagineerd.lora.header import Header
from imagineerd.lora.names import Layout, input_shapes, layout_of, why_not_plain
from imagineerd.lora.words import top_tags, trigger_phrase

_decode_adapter = msgspec.json.Decoder(dict[str, object]).decode


class Facts(msgspec.Struct, frozen=True):
    """`ranks` ascend; `alpha` is that of the metadata, None where they name none (files may hold one per module).

    `problem` is why it cannot be applied and `doubt` what is strange, both whole sentences or empty.
    """

    finding: Finding = Finding()
    layout: Layout = ""
    ranks: tuple[int, ...] = ()
    alpha: float | None = None
    parts: tuple[str, ...] = ()
    trigger: str = ""
    tags: tuple[tuple[str, int], ...] = ()
    problem: str = ""
    doubt: str = ""

    @property
    def base(self) -> Base:
        """The base model it was trained for."""
        return self.finding.base


def facts_of(name: str, header: Header) -> Facts:
    """Return what the header of the LoRA `name` says."""
    layout = layout_of(header.tensors)
    if not layout:
        return Facts(problem=f'The file of the LoRA "{name}" holds no LoRA: take it out of the folder.')
    shapes, metadata = input_shapes(header.tensors), header.metadata
    finding, conflict = find_base(shapes, metadata)
    reason = why_not_plain(header.tensors)
    return Facts(
        finding=finding,
        layout=layout,
        ranks=tuple(sorted({shape[0] for shape in shapes.values() if shape} - {0})),
        alpha=_alpha(metadata),
        parts=_parts(shapes, finding.base),
        trigger=trigger_phrase(metadata),
        tags=top_tags(metadata),
        problem=f'The LoRA "{name}" {reason}.' if reason else "",
        doubt=f'The LoRA "{name}" {conflict}.' if conflict else "",
    )


def adapter_alpha(metadata: Mapping[str, str]) -> float | None:
    """Return the UNet's alpha from the metadata that diffusers >= 0.35 writes; None where it does not say."""
    try:
        adapter = _decode_adapter(metadata.get("lora_adapter_metadata", "{}"))
    except (msgspec.DecodeError, RecursionError):
        return None
    return _number(adapter.get("unet.lora_alpha"))


def _alpha(metadata: Mapping[str, str]) -> float | None:
    named = _number(metadata.get("ss_network_alpha"))
    return adapter_alpha(metadata) if named is None else named


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, (int, float, str)) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _parts(names: Iterable[str], base: Base) -> tuple[str, ...]:
    """Name the parts of the model that are changed: the UNet (a transformer in newer families), the text encoder."""
    is_text = {name.startswith(("lora_te", "text_encoder", "te1_", "te2_")) for name in names}
    network = "transformer" if base in {"flux", "sd3", "other"} else "unet"
    return (*([network] if False in is_text else []), *(["text_encoder"] if True in is_text else []))
