"""All about the take under the cursor: what it shows, and what it was drawn with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from imagineer_tui.words import moment, size, took

if TYPE_CHECKING:
    from imagineer_tui.model.gallery import Card
    from imagineerd.protocol import Label, TakeDetail

GONE: Final = {"done": "Its picture was deleted: r draws it again."}
"""What the state of a card without a picture means, where that is not what it says."""


class TakeFacts(VerticalScroll, can_focus=False):
    """A short text; what is longer scrolls with the mouse."""

    DEFAULT_CSS = """
    TakeFacts {
        display: none; height: auto; max-height: 14; padding: 0 1; border-top: solid $border-blurred;
        scrollbar-size: 1 1;
        &.-told { display: block; }
    }
    """

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static()

    def show_take(self, detail: TakeDetail) -> None:
        """Show a take."""
        self._write(Content("\n").join(take_lines(detail)))

    def show_missing(self, card: Card, error: str) -> None:
        """Show why a card has no picture."""
        told = error or GONE.get(card.state, card.state)
        self._write(Content.assemble((card.name, "b"), "\n", (told, "$error" if error else "dim")))

    def clear(self) -> None:
        """Show nothing."""
        self._write(Content(""))

    def _write(self, text: Content) -> None:
        self.set_class(bool(text.plain), "-told")  # a style of its own would outweigh those of the panel around it
        self.query_one(Static).update(text)
        self.scroll_home(animate=False)


def take_lines(detail: TakeDetail) -> Iterator[Content]:
    """Yield the card, the prompt, the settings, then the label."""
    take, spec = detail.about.take, detail.spec
    marks = ("★ " if detail.about.pick else "") + ("♥ " if take.favourite else "")
    yield Content.assemble((marks, "$accent"), (detail.about.card, "b"), (f"  take {take.id}", "dim"))
    yield Content(spec.prompt)
    if spec.negative_prompt:
        yield Content.styled(f"− {spec.negative_prompt}", "dim")
    for lora in detail.mix:
        share = "" if lora.applied is None else f" · {lora.applied:.0%} applied"
        yield Content.assemble(f"{lora.name} {lora.weight:g}", (share, "dim"))
    yield Content.styled(_settings(detail), "dim")
    yield Content.styled(f"{moment(take.created_at)} · {took(take.duration)} · {size(take.bytes)}", "dim")
    if take.label:
        yield from label_lines(take.label)


def label_lines(label: Label) -> Iterator[Content]:
    """Yield the rating, the caption, then the tags; what there is of them."""
    if label.rating:
        yield Content.styled(f"rated {label.rating.lower()}", "$warning" if label.is_nsfw else "dim")
    if label.caption:
        yield Content(label.caption)
    if label.tags:
        yield Content.styled(" · ".join(label.tags), "$accent")


def _settings(detail: TakeDetail) -> str:
    spec = detail.spec
    return " · ".join([
        f"seed {spec.seed}", f"{spec.width}x{spec.height}", f"{spec.steps} steps",
        f"guidance {spec.guidance_scale:g}", spec.scheduler, spec.model,
    ])  # fmt: skip
