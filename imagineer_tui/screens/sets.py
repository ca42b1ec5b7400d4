"""1 Sets: choose a set, give it a theme, see every prompt, deal."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from imagineer_tui.framed import Framed
from imagineer_tui.intents import ShowBatch, ShowSet, UseMix
from imagineer_tui.model.dealing import Deal, read
from imagineer_tui.remembering import Memory
from imagineer_tui.widgets.card_rows import CardRows
from imagineer_tui.widgets.filter_line import FilterLine, filter_of
from imagineer_tui.widgets.rows import Rows
from imagineer_tui.widgets.set_plan import SetPlan
from imagineer_tui.widgets.set_rows import SetRows
from imagineer_tui.words import number_of

if TYPE_CHECKING:
    from imagineerd.protocol import Dealt, SetInfo

FIRST_SET: Final = "zodiac"
AWAY: Final = "Nothing can be dealt while no imagineerd answers."


class SetsScreen(Framed):
    """Sets on the left; theme, cards, prompt and plan of the chosen one on the right."""

    NAME = "sets"
    TITLE = "Sets"
    HELP = (
        "A set is a CSV with a template: every row is a card. Choose one, give it a theme and see what the model will "
        "be asked for: base, theme, row and style have their own tints, and what is struck through lies behind the "
        "token limit and is not read.\n\n"
        "Enter deals the whole set, or only the cards that you chose with space; s chooses seed, steps, size and LoRAs "
        "for all of them. Sets of your own go into the folder sets.directory (F2)."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "deal", "deal", id="sets.deal", key_display="enter"),
        Binding("t", "theme", "theme", id="sets.theme"),
        Binding("r", "random", "random theme", id="sets.random"),
        Binding("s", "settings", "settings", id="sets.settings"),
        Binding("l", "settings('mix')", "LoRAs", id="sets.loras"),
        Binding("z", "undo", "undo", id="sets.undo", show=False),
        Binding("space", "choose", "choose card", id="sets.choose"),
        Binding("v", "view", "whole prompt", id="sets.view", show=False),
        Binding("slash", "filter", "filter", id="sets.filter", key_display="/", show=False),
        Binding("h,left", "focus_on('sets')", "to the sets", id="sets.left", show=False),
        Binding("right", "focus_on('cards')", "to the cards", id="sets.right", show=False),
    ]
    DEFAULT_CSS = """
    SetsScreen {
        #body { layout: horizontal; }
        #left { width: 30; }
        #right { width: 1fr; }
        &.-normal #left { width: 28; }
        &.-low #cards { margin-top: 0; }
        &.-low PromptPreview { max-height: 7; }
        &.-narrow #body { layout: vertical; }
        &.-narrow #left { width: 100%; height: 6; }
        &.-narrow #right { height: 1fr; }
        &.-narrow.-low {
            #left { display: none; height: 5; &:focus-within { display: block; } }
            PromptPreview { display: none; max-height: 4; }
            #right:focus-within PromptPreview { display: block; }
            PlanLine { max-height: 4; }
        }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._sets: dict[str, SetInfo] = {}
        self._deal = Deal(FIRST_SET)
        self._words = ""
        self._dealing = False
        self._wished = False  # to deal, as soon as there is a plan
        self._made_up = ""

    # ------------------------------------------------------------ frame

    def body(self) -> ComposeResult:
        """Two panels."""
        with Vertical(id="left", classes="panel") as left:
            left.border_title = "Sets"
            yield SetRows(id="sets")
        yield SetPlan(self._deal, id="right")

    def on_mount(self) -> None:
        """Begin in the list."""
        self.query_one(SetRows).focus()

    def memory(self) -> Memory:
        """Keep set, theme and filter."""
        return {"set": self._deal.set_id, "theme": self._deal.theme, "filter": self._words}

    def recall(self, memory: Memory) -> None:
        """Take them up again."""
        self._deal.set_id = str(memory.get("set") or FIRST_SET)
        self._deal.theme = str(memory.get("theme", ""))
        if words := str(memory.get("filter", "")):
            filter_of(self.query_one(SetRows)).open(words)

    def arrive(self, intent: object) -> None:
        """Highlight a set, or deal with a mix."""
        match intent:
            case ShowSet():
                self._deal.set_id = intent.set_id
                self.query_one(SetRows).select(intent.set_id)
                self._show_set()
            case UseMix():
                self._deal.draft["mix"] = intent.text
                self.query_one(SetPlan).replan()

    # ------------------------------------------------------------ what there is to see

    @work(group="sets", exclusive=True, exit_on_error=False)
    async def reload(self) -> None:
        """List the sets, as the folder is now."""
        found = await self.asked(self.client.sets())
        if found is None:
            return
        self._sets = {info.id: info for info in found.sets}
        self.query_one(SetRows).show(found.sets, self._deal.set_id)
        self._show_set()

    def _show_set(self) -> None:
        if info := self._sets.get(self._deal.set_id):
            self.query_one(SetPlan).show_set(info)

    def on_queue_changed(self) -> None:
        """The first deal is the first only once."""
        self.query_one(SetPlan).show_line()

    @on(Rows.Highlighted, "#sets")
    def _set_chosen(self, event: Rows.Highlighted) -> None:
        if event.key and event.key != self._deal.set_id:
            self._wished = False
            self._deal.set_id = event.key
            self._show_set()

    @on(FilterLine.Filtered, "#sets-filter")
    def _filtered(self, event: FilterLine.Filtered) -> None:
        self._words = event.words

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
        cards = self.query_one(CardRows)
        filter_of(cards if cards.has_focus else self.query_one(SetRows)).open()

    def action_view(self) -> None:
        """Show the whole prompt and few cards, or as many cards as there is room for."""
        self.query_one(SetPlan).toggle_class("-reading")
        self.query_one(CardRows).focus()

    def action_choose(self) -> None:
        """Take a card into the deal, or out of it."""
        self.query_one(CardRows).toggle()
        self.query_one(SetPlan).show_line()

    @work(group="theme", exclusive=True, exit_on_error=False)
    async def action_random(self) -> None:
        """Make up a theme."""
        made_up = await self.asked(self.client.themes())
        if made_up:
            self._take_made_up(made_up.themes[0])

    def _take_made_up(self, theme: str) -> None:
        """Put it in place of the last one; a person's own can be had back."""
        own, planned = self._deal.theme, self.query_one(SetPlan)
        if own and own != self._made_up:
            self.did(f"Replaced the theme “{own}”", lambda: self._put_back(own))
        planned.theme = self._made_up = theme

    async def _put_back(self, theme: str) -> bool:
        self.query_one(SetPlan).theme = theme
        return True

    @work(group="settings", exclusive=True, exit_on_error=False)
    async def action_settings(self, first: str = "") -> None:
        """Choose what all cards of the deal are drawn with."""
        from imagineer_tui.widgets.deal_asking import ask_settings

        draft = await ask_settings(self, self._deal, first)
        if draft is not None:
            self._deal.take_draft(draft)
            self.query_one(SetPlan).replan()

    # ------------------------------------------------------------ dealing

    def action_deal(self) -> None:
        """Deal the set, or the chosen cards of it, as soon as it is planned; where it cannot be, say why."""
        planned = self.query_one(SetPlan)
        if self._dealing:
            return
        if why := planned.fault:
            self.notify(why, severity="warning")
        elif planned.plan and planned.plan.set == self._deal.set_id:
            self._dealing = True
            self._send()
        elif self.world.connection.live:
            self._wished = True
        else:
            self.notify(f"{AWAY} {self.way_back}", severity="warning")

    @on(SetPlan.Planned)
    def _planned(self) -> None:
        if self._wished:
            self._wished = False
            self.action_deal()

    @work(group="deal", exit_on_error=False)
    async def _send(self) -> None:
        first = not self.world.decks
        theme, cards = self.query_one(SetPlan).theme, sorted(self.query_one(CardRows).chosen)
        settings = read(self._deal.draft).settings
        try:
            dealt = await self.asked(self.client.deal(self._deal.set_id, theme, settings, cards))
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
