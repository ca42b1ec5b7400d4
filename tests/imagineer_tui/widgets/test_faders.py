"""Faders, without a daemon."""

from __future__ import annotations

from textual import on
from textual.app import App, ComposeResult

from imagineer_tui.model.mixer import Desk, Fader
from imagineer_tui.widgets.faders import Faders

DESK = Desk((Fader("Ink", 0.6), Fader("neon", -2.0)))


class Mixing(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.moves: list[tuple[str, float]] = []

    def compose(self) -> ComposeResult:
        yield Faders()

    @on(Faders.Nudged)
    def _nudged(self, event: Faders.Nudged) -> None:
        self.moves.append((event.lora, event.by))

    @on(Faders.Moved)
    def _moved(self, event: Faders.Moved) -> None:
        self.moves.append((event.lora, round(event.weight, 2)))


async def test_arrows_ask_for_a_coarse_step_and_with_shift_for_a_fine_one():
    app = Mixing()
    async with app.run_test(size=(60, 6)) as pilot:
        app.query_one(Faders).show(DESK)
        app.query_one(Faders).focus()

        await pilot.press("right", "left", "shift+right", "j", "right")

        assert app.moves == [("Ink", 0.05), ("Ink", -0.05), ("Ink", 0.01), ("neon", 0.05)]


async def test_the_mouse_sets_a_weight_where_it_is():
    app = Mixing()
    async with app.run_test(size=(60, 6)) as pilot:
        faders = app.query_one(Faders)
        faders.show(DESK)
        track = faders.track

        await pilot.mouse_down(faders, offset=(track.start, 1))
        await pilot.hover(faders, offset=(track.stop - 1, 1))
        await pilot.mouse_up(faders, offset=(track.stop - 1, 1))
        await pilot.hover(faders, offset=(track.start, 1))

        assert list(dict.fromkeys(app.moves)) == [("neon", -2.0), ("neon", 2.0)]
        assert app.moves[-1] == ("neon", 2.0)


async def test_the_knob_stands_where_the_weight_is():
    app = Mixing()
    async with app.run_test(size=(60, 6)) as pilot:
        faders = app.query_one(Faders)
        faders.show(Desk((Fader("low", -2.0), Fader("high", 2.0), Fader("middle", 0.0))))
        await pilot.pause()

        tracks = ["".join(segment.text for segment in faders.render_line(y)) for y in range(3)]

        assert [line.index("█") for line in tracks] == [
            faders.track.start, faders.track.stop - 1, (faders.track.start + faders.track.stop - 1) // 2,
        ]  # fmt: skip
