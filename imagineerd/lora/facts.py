"""What the header of a LoRA file says: base, layout, ranks, parts, words, and whether imagineer can apply it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from imagineerd.lora.adapter import read_adapter, read_number
from imagineerd.lora.base import Base, Finding, find_base
from imagineerd.lora.header import Header
from imagineerd.lora.names import Layout, input_shapes, layout_of, strangers
from imagineerd.lora.words import one_line, top_tags, trigger_phrase

MIN_APPLIED = 0.9
"""The least share of a file's tensors that must reach the weights. A LoRA made for the model applies wholly, but for a
few extras (an embedding that is bundled with it, a changed norm); one that was made for a model with other blocks
loses whole levels, and a picture with the rest would pass for one with the LoRA."""
_SHOWN = 100
"""Characters of a tensor's name in a sentence."""


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
    problem, doubt = _strangers(name, header.tensors)
    return Facts(
        finding=finding,
        layout=layout,
        ranks=tuple(sorted({shape[0] for shape in shapes.values() if shape} - {0})),
        alpha=_alpha(metadata),
        parts=_parts(shapes, finding.base),
        trigger=trigger_phrase(metadata),
        tags=top_tags(metadata),
        problem=problem,
        doubt=f'The LoRA "{name}" {conflict}.' if conflict else doubt,
    )


def _strangers(name: str, keys: Collection[str]) -> tuple[str, str]:
    """Return why too few of the tensors can be applied, or that a few are left out: a problem or a doubt."""
    strange = strangers(keys)
    if not strange:
        return "", ""
    which = f'{len(strange)} of the {len(keys)} tensors of the LoRA "{name}"'
    first = one_line(strange[0], _SHOWN)
    if len(strange) > (1 - MIN_APPLIED) * len(keys):
        return f"{which} are of a kind that imagineer cannot apply, first {first}: leave it out.", ""
    return "", f"{which} are left out, first {first}."


def _alpha(metadata: Mapping[str, str]) -> float | None:
    named = read_number(metadata.get("ss_network_alpha"))
    return read_adapter(metadata, "unet").alpha if named is None else named


def _parts(names: Iterable[str], base: Base) -> tuple[str, ...]:
    """Name the parts of the model that are changed: the UNet (a transformer in newer families), the text encoder."""
    is_text = {name.startswith(("lora_te", "text_encoder", "te1_", "te2_")) for name in names}
    network = "transformer" if base in {"flux", "sd3", "other"} else "unet"
    return (*([network] if False in is_text else []), *(["text_encoder"] if True in is_text else []))
