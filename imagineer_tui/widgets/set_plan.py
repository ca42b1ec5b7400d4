"""A set as it would be dealt: the theme, each card with its prompt, and the plan, made anew while one types."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from imagineer_tui.model.dealing import Deal, read
from imagineer_tui.model.planning import notes
from imagineer_tui.widgets.card_rows import CardRows
from imagineer_tui.widgets.field import Field
from imagineer_tui.widgets.plan_line import PlanLine
from imagineer_tui.widgets.prompt_preview import PromptPreview
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.widgets.titles import entitle
from imagineer_tui.words import number_of

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineerd.protocol import Plan, SetInfo

TYPING_S: Final = 0.15
"""Seconds without a key after which the plan is made anew."""
MEND: Final = "Mend its files, then press 1: they are read again."


class SetPlan(Vertical):
    """Plans what `deal` says, and posts `Planned` when that came to an end.

    `plan` is the last one, of a set named in it; `fault` is why there is none of it now.
    """

    DEFAULT_CSS = """
    SetPlan {
        #theme-line { height: 1; padding: 0 1; }
        #theme-line Static { width: 7; color: $text-muted; }
        #theme { width: 1fr; padding: 0; }
        #cards { height: 1fr; margin-top: 1; }
        PromptPreview { height: auto; max-height: 11; border-top: solid $border-blurred; }
        PlanLine { border-top: solid $border-blurred; }
        &.-reading #cards { height: 3; }
        &.-reading PromptPreview { height: 1fr; max-height: 100%; }
        &.-reading PlanLine { max-height: 3; }
    }
    """

    class Planned(Message):
        """There is a plan of the set, or a fault, or nobody who answers."""

    def __init__(self, deal: Deal, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes="panel")
        self._deal = deal
        self._info: SetInfo | None = None
        self.plan: Plan | None = None
        self.fault = ""

    def compose(self) -> ComposeResult:
        """Put the theme above the cards, the prompt and the plan below."""
        with Horizontal(id="theme-line"):
            yield Static("Theme")
            yield Field(id="theme", placeholder="anything: art nouveau, gold on midnight blue")
        yield CardRows(id="cards")
        yield PromptPreview()
        yield PlanLine()

    @property
    def theme(self) -> str:
        """The theme as it is typed."""
        return self.query_one("#theme", Input).value

    @theme.setter
    def theme(self, text: str) -> None:
        self.query_one("#theme", Input).value = text

    def show_set(self, info: SetInfo) -> None:
        """Plan this set; where its files are wrong, say what is."""
        self._info, self.fault = info, ""
        entitle(self, f"{info.name} · {number_of(info.cards, 'card')}", info.description)
        self.theme = self._deal.theme_for(info)
        if info.problems:
            self.workers.cancel_group(self, "plan")
            self._show_none("This set cannot be dealt:\n" + "\n".join(map(str, info.problems)), MEND)
        else:
            self.replan()

    def _show_none(self, instead: str, why: str) -> None:
        """Show no cards: what stands there instead, and why there is no plan."""
        self.plan = None
        self.query_one(CardRows).clear_plan(instead)
        self.query_one(PromptPreview).show(None)
        self.refuse(why)

    def refuse(self, why: str) -> None:
        """Say why nothing can be dealt; the cards of the last plan stay."""
        self.fault = why
        self.query_one(PlanLine).complain(why)
        self.post_message(self.Planned())

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def replan(self) -> None:
        """Plan the deal anew once the typing pauses."""
        from imagineerd.errors import DaemonAway, ImagineerError

        await asyncio.sleep(TYPING_S if self.plan else 0)
        deal, theme = self._deal, self.theme
        set_id = deal.set_id
        try:
            plan = await cast("Framed", self.screen).client.plan(set_id, theme, read(deal.draft).settings)
        except DaemonAway:
            self.post_message(self.Planned())  # the banner says so; the last plan stays
            return
        except ImagineerError as error:
            if self.plan and self.plan.set == set_id:
                self.refuse(error.message)
            else:
                self._show_none("", error.message)
            return
        if set_id == deal.set_id:
            self.plan, self.fault = plan, ""
            self.query_one(CardRows).show(plan)
            self._show_card()
            self.show_line()
            self.post_message(self.Planned())

    def show_line(self) -> None:
        """Say what the deal is, of all cards or of the chosen ones."""
        world = cast("Framed", self.screen).world
        if self.plan:
            first = not world.decks and world.connection.live
            self.query_one(PlanLine).show(self.plan, self.query_one(CardRows).chosen, self._deal.words, first=first)

    def on_resize(self) -> None:
        """Warnings take as many lines as there is room for."""
        self.call_after_refresh(self.show_line)

    @on(Rows.Highlighted, "#cards")
    def _show_card(self) -> None:
        card = self.query_one(CardRows).card
        self.query_one(PromptPreview).show(card, notes(card) if card else ())

    @on(Input.Changed, "#theme")
    def _theme_changed(self, event: Input.Changed) -> None:
        self._deal.take_theme(event.value, self._info)
        if self._info and not self._info.problems:
            self.replan()

    @on(Input.Submitted, "#theme")
    def _theme_done(self) -> None:
        self.query_one(CardRows).focus()
