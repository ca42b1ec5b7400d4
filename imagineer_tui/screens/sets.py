"""1 Sets: choose a set, give it a theme, see every prompt, deal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from imagineer_tui.framed import Framed
from imagineer_tui.intents import ShowBatch, ShowSet
from imagineer_tui.model.planning import notes
from imagineer_tui.remembering import Memory
from imagineer_tui.widgets.card_rows import CardRows
from imagineer_tui.widgets.field import Field
from imagineer_tui.widgets.filter_line import FilterLine
from imagineer_tui.widgets.plan_line import PlanLine
from imagineer_tui.widgets.prompt_preview import PromptPreview
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.widgets.set_rows import SetRows
from imagineer_tui.words import number_of

if TYPE_CHECKING:
    from imagineerd.protocol import Dealt, Plan, SetInfo

FIRST_SET: Final = "zodiac"
TYPING_S: Final = 0.15
"""Seconds without a key after which the plan is made anew."""


class SetsScreen(Framed):
    """Sets on the left; theme, cards, prompt and plan of the chosen one on the right."""

    NAME = "sets"
    TITLE = "Sets"
    HELP = (
        "A set is a CSV with a template: every row is a card. Choose one, give it a theme and see what the model will "
        "be asked for: base, theme, row and style have their own tints, and what is struck through lies behind the "
        "token limit and is not read.\n\n"
        "Enter deals the whole set, or only the cards that you chose with space. Sets of your own go into the folder "
        "sets.directory (F2)."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "deal", "deal", id="sets.deal", key_display="enter"),
        Binding("t", "theme", "theme", id="sets.theme"),
        Binding("r", "random", "random theme", id="sets.random"),
        Binding("space", "choose", "choose card", id="sets.choose"),
        Binding("slash", "filter", "filter", id="sets.filter", key_display="/"),
        Binding("h,left", "focus_on('sets')", "to the sets", id="sets.left", show=False),
        Binding("l,right", "focus_on('cards')", "to the cards", id="sets.right", show=False),
    ]
    DEFAULT_CSS = """
    SetsScreen {
        #body { layout: horizontal; }
        #left { width: 30; }
        #right { width: 1fr; }
        #theme-line { height: 1; padding: 0 1; }
        #theme-line Static { width: 7; color: $text-muted; }
        #theme { width: 1fr; padding: 0; }
        #cards { height: 1fr; margin-top: 1; }
        PromptPreview { height: auto; max-height: 11; border-top: solid $border-blurred; }
        PlanLine { border-top: solid $border-blurred; }
        &.-normal #left { width: 25; }
        &.-low #cards { margin-top: 0; }
        &.-low PromptPreview { max-height: 7; }
        &.-narrow #body { layout: vertical; }
        &.-narrow #left { width: 100%; height: 6; }
        &.-narrow #right { height: 1fr; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._sets: dict[str, SetInfo] = {}
        self._plan: Plan | None = None
        self._wanted = FIRST_SET
        self._theme = ""
        self._words = ""
        self._dealing = False

    # ------------------------------------------------------------ frame

    def body(self) -> ComposeResult:
        """Two panels."""
        with Vertical(id="left", classes="panel") as left:
            left.border_title = "Sets"
            yield SetRows(id="sets")
            yield FilterLine(id="sets-filter")
        with Vertical(id="right", classes="panel"):
            with Horizontal(id="theme-line"):
                yield Static("Theme")
                yield Field(id="theme", placeholder="anything: art nouveau, gold on midnight blue")
            yield CardRows(id="cards")
            yield FilterLine(id="cards-filter")
            yield PromptPreview()
            yield PlanLine()

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one(SetRows).focus()

    def memory(self) -> Memory:
        """Keep set, theme and filter."""
        return {"set": self._wanted, "theme": self._theme, "filter": self._words}

    def recall(self, memory: Memory) -> None:
        """Take them up again."""
        self._wanted = str(memory.get("set") or FIRST_SET)
        self._theme = str(memory.get("theme", ""))
        if words := str(memory.get("filter", "")):
            self.query_one("#sets-filter", FilterLine).open(words)

    def arrive(self, intent: object) -> None:
        """Highlight a set."""
        if isinstance(intent, ShowSet):
            self.query_one(SetRows).select(intent.set_id)

    # ------------------------------------------------------------ what the daemon says

    @work(group="sets", exclusive=True, exit_on_error=False)
    async def reload(self) -> None:
        """List the sets, as the folder is now."""
        found = await self.asked(self.client.sets())
        if found is None:
            return
        self._sets = {info.id: info for info in found.sets}
        self.query_one(SetRows).show(found.sets, self._wanted)
        self._show_set()

    def _show_set(self) -> None:
        """Bring the right panel to the chosen set."""
        info = self._sets.get(self._wanted)
        if info is None:
            return
        right = self.query_one("#right")
        right.border_title = f"{info.name} · {number_of(info.cards, 'card')}"
        right.border_subtitle = info.description
        self.query_one("#theme", Input).value = self._theme or info.example_theme
        if info.problems:
            self.workers.cancel_group(self, "plan")
            self._plan = None
            self.query_one(CardRows).clear_plan("This set cannot be dealt:\n" + "\n".join(map(str, info.problems)))
            self.query_one(PromptPreview).show(None)
            self.query_one(PlanLine).complain("Mend its files; they are read again at each visit.")
        else:
            self.replan()

    @work(group="plan", exclusive=True, exit_on_error=False)
    async def replan(self) -> None:
        """Plan the deal anew once the typing pauses."""
        from imagineerd.errors import DaemonAway, ImagineerError

        await asyncio.sleep(TYPING_S if self._plan else 0)
        set_id, theme = self._wanted, self.query_one("#theme", Input).value
        try:
            plan = await self.client.plan(set_id, theme)
        except DaemonAway:
            return  # the banner says so; the last plan stays
        except ImagineerError as error:
            self.query_one(PlanLine).complain(error.message)
            return
        if set_id == self._wanted:
            self._show_plan(plan)

    def _show_plan(self, plan: Plan) -> None:
        self._plan = plan
        self.query_one(CardRows).show(plan)
        self._show_card()
        self._show_line()

    def _show_card(self) -> None:
        card = self.query_one(CardRows).card
        self.query_one(PromptPreview).show(card, notes(card) if card else ())

    def _show_line(self) -> None:
        if self._plan:
            first = not self.world.batches and self.world.connection.live
            self.query_one(PlanLine).show(self._plan, self.query_one(CardRows).chosen, first=first)

    def on_queue_changed(self) -> None:
        """The first deal is the first only once."""
        self._show_line()

    # ------------------------------------------------------------ what is chosen

    @on(Rows.Highlighted, "#sets")
    def _set_chosen(self, event: Rows.Highlighted) -> None:
        if event.key and event.key != self._wanted:
            self._wanted = event.key
            self._show_set()

    @on(Rows.Highlighted, "#cards")
    def _card_highlighted(self) -> None:
        self._show_card()

    @on(Input.Changed, "#theme")
    def _theme_changed(self, event: Input.Changed) -> None:
        info = self._sets.get(self._wanted)
        if info and not info.problems:
            self._theme = "" if event.value == info.example_theme else event.value
            self.replan()

    @on(Input.Submitted, "#theme")
    def _theme_done(self) -> None:
        self.query_one(CardRows).focus()

    @on(FilterLine.Filtered)
    def _filter(self, event: FilterLine.Filtered) -> None:
        self._list_of(event.line).filter(event.words)
        if event.line.id == "sets-filter":
            self._words = event.words

    @on(FilterLine.Left)
    def _filter_left(self, event: FilterLine.Left) -> None:
        self._list_of(event.line).focus()

    def _list_of(self, line: FilterLine) -> Rows:
        return self.query_one(f"#{(line.id or '').removesuffix('-filter')}", Rows)

    # ------------------------------------------------------------ keys

    def action_focus_on(self, which: str) -> None:
        """Go to the left list or the right one."""
        self.query_one(f"#{which}").focus()

    def action_back(self) -> None:
        """Leave the theme's field."""
        self.query_one(SetRows).focus()

    def action_theme(self) -> None:
        """Type a theme."""
        self.query_one("#theme", Input).focus()

    def action_filter(self) -> None:
        """Filter the list that has the focus."""
        which = "cards" if self.query_one(CardRows).has_focus else "sets"
        self.query_one(f"#{which}-filter", FilterLine).open()

    def action_choose(self) -> None:
        """Take a card into the deal, or out of it."""
        self.query_one(CardRows).toggle()
        self._show_line()

    @work(group="theme", exclusive=True, exit_on_error=False)
    async def action_random(self) -> None:
        """Make up a theme."""
        made_up = await self.asked(self.client.themes())
        if made_up:
            self.query_one("#theme", Input).value = made_up.themes[0]

    def action_deal(self) -> None:
        """Deal the set, or the chosen cards of it."""
        if not self._dealing and self._plan and self._plan.set == self._wanted:
            self._dealing = True
            self._deal()

    @work(group="deal", exit_on_error=False)
    async def _deal(self) -> None:
        first = not self.world.batches
        theme, cards = self.query_one("#theme", Input).value, sorted(self.query_one(CardRows).chosen)
        try:
            dealt = await self.asked(self.client.deal(self._wanted, theme, cards=cards))
        finally:
            self._dealing = False
        if dealt:
            self._dealt(dealt, first=first)

    def _dealt(self, dealt: Dealt, *, first: bool) -> None:
        self.query_one(CardRows).choose_none()
        if first:
            self.house.go("queue", ShowBatch(dealt.batch.id))
        else:
            self.notify(f"{number_of(len(dealt.jobs), 'card')} queued; 4 shows them.", title=dealt.batch.title)
