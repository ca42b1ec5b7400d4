"""The cursor in the queue stays on what a key would act on, wherever its line goes."""

from __future__ import annotations

from textual.app import App, ComposeResult

from imagineer_tui.model.board import Line
from imagineer_tui.widgets.queue_rows import QueueRows


class Queue(App[None]):
    def compose(self) -> ComposeResult:
        yield QueueRows()


def waiting(batch: str) -> Line:
    return Line(f"waiting:{batch}", "waiting", batch, batch=batch)


def drawn(batch: str) -> Line:
    return Line(f"now:{batch}", "now", batch, batch=batch, whole=True)


def ended(batch: str) -> Line:
    return Line(f"done:{batch}", "done", batch, batch=batch, whole=True)


def card(number: int, batch: str) -> Line:
    return Line(f"job:{number}", "now", str(number), batch=batch, indent=True)


async def after(key: str, before: list[Line], now: list[Line]) -> str:
    """Return where the cursor is when the lines change."""
    async with Queue().run_test() as pilot:
        rows = pilot.app.query_one(QueueRows)
        rows.show(before, "", "", paused=False)
        rows.select(key)
        rows.show(now, "", "", paused=False)
        return rows.key


async def test_a_deck_that_begins_takes_the_cursor_along():
    before = [drawn("b1"), card(1, "b1"), waiting("b2"), waiting("b3")]

    assert await after("waiting:b2", before, [drawn("b2"), card(7, "b2"), waiting("b3")]) == "now:b2"


async def test_a_card_that_is_done_leaves_the_cursor_on_the_next_card_and_never_on_a_deck():
    before = [drawn("b1"), card(1, "b1"), card(2, "b1"), waiting("b2")]

    assert await after("job:1", before, [drawn("b1"), card(2, "b1"), waiting("b2")]) == "job:2"
    assert await after("job:2", before, [drawn("b1"), card(1, "b1"), waiting("b2")]) == "job:1"


async def test_a_deck_that_ends_takes_the_cursor_along_unless_others_are_drawn():
    before = [drawn("b1"), drawn("b2"), waiting("b3")]

    assert await after("now:b1", before, [drawn("b2"), waiting("b3"), ended("b1")]) == "now:b2"
    assert await after("now:b1", [drawn("b1")], [ended("b1"), ended("b0")]) == "done:b1"
