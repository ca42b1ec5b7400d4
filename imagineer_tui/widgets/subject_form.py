"""What an audition draws: a prompt or a card of a set, its seed and its steps."""

from __future__ import annotations

from typing import Any, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from imagineer_tui.model import audition
from imagineer_tui.model.audition import Offer, Subject
from imagineer_tui.model.compose import RANGES
from imagineer_tui.widgets.form_line import FormLine

FIELDS: Final = {"prompt": "Prompt", "card": "Card", "seed": "Seed", "steps": "Steps"}


class SubjectForm(Vertical):
    """A line for each field; `draft` is what they say."""

    DEFAULT_CSS = """
    SubjectForm { height: auto; }
    """

    class Changed(Message):
        """Something was typed."""

    class Submitted(Message):
        """It can be drawn, and shall be."""

    def __init__(self) -> None:
        super().__init__(id="subject")
        self.draft: dict[str, str] = {}
        self._offer = Offer()

    def compose(self) -> ComposeResult:
        """Write the fields."""
        for name, label in FIELDS.items():
            yield FormLine(name, label, wide=name == "card", wraps=name == "prompt")

    def on_mount(self) -> None:
        """Say what the fields take."""
        hints = {"prompt": ("", "what to draw with every mix; with a card, its theme"), "card": ("", str(self._offer))}
        hints |= {"seed": ("the same for every mix", str(audition.SEED))}
        hints |= {"steps": (str(RANGES["steps"]), str(audition.DRAFT_STEPS))}
        for line in self.query(FormLine):
            line.hint(*hints[line.field])

    @property
    def subject(self) -> Subject | None:
        """What the fields say; None where something is wrong with it."""
        subject, faults = audition.read_subject(self.draft, self._offer)
        return None if faults else subject

    def offer(self, offer: Offer) -> None:
        """Say what is drawn where neither a prompt nor a card is typed."""
        if offer != self._offer:
            self._offer = offer
            self.query(FormLine)[list(FIELDS).index("card")].hint("", str(offer))

    def fill(self, draft: dict[str, Any]) -> None:
        """Write into the fields."""
        for line in self.query(FormLine):
            line.value = str(draft.get(line.field, ""))

    def edit(self) -> None:
        """Have the cursor in the first field, before the next key comes."""
        self.display = True
        self.query(FormLine).first().enter()

    def leave(self) -> None:
        """Be seen only where there is room."""
        self.styles.clear_rule("display")

    @on(FormLine.Changed)
    def _typed(self) -> None:
        self.draft = {line.field: line.value for line in self.query(FormLine) if line.value}
        self._complain(audition.read_subject(self.draft, self._offer)[1])
        self.post_message(self.Changed())

    @on(FormLine.Submitted)
    def _submitted(self) -> None:
        if self.subject:
            self.post_message(self.Submitted())

    def _complain(self, faults: dict[str, str]) -> None:
        for line in self.query(FormLine):
            line.complain(faults.get(line.field, ""))
