"""A card's prompt in runs of one kind each, to be coloured: which part it is of, and whether the model reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from imagineerd.jobs import PromptParts

Part: TypeAlias = Literal["base", "theme", "row", "style", ""]


class Run(NamedTuple):
    """A piece of the prompt; `part` is empty between two parts, `lost` says that it is behind the token limit."""

    text: str
    part: Part
    lost: bool = False


def runs(prompt: str, parts: PromptParts, cut: str = "") -> list[Run]:
    """Return the pieces of a prompt in their order; `cut` is the end of it that the model does not read."""
    read = len(prompt) - len(cut)
    found: list[Run] = []
    at = 0
    for text, part in _pieces(prompt, parts):
        kept, lost = text[: max(0, read - at)], text[max(0, read - at) :]
        found += [Run(kept, part)] * bool(kept) + [Run(lost, part, lost=True)] * bool(lost)
        at += len(text)
    return found


def _pieces(prompt: str, parts: PromptParts) -> Iterator[tuple[str, Part]]:
    at = 0
    named: list[tuple[Part, str]] = [
        ("base", parts.base), ("theme", parts.theme), ("row", parts.row), ("style", parts.style)
    ]  # fmt: skip
    for part, text in named:
        begin = prompt.find(text, at) if text else -1
        if begin < 0:
            continue
        if begin > at:
            yield prompt[at:begin], ""
        yield text, part
        at = begin + len(text)
    if at < len(prompt):
        yield prompt[at:], ""
