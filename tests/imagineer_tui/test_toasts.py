"""Toasts, as a person sees them who presses one key after the other."""

from __future__ import annotations

from collections.abc import Callable

from textual.pilot import Pilot
from textual.widgets._toast import Toast

from imagineer_tui.toasts import Toasts


def shown(pilot: Pilot[None]) -> list[str]:
    return [toast._notification.message for toast in pilot.app.screen.query(Toast)]


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    while not condition():
        await pilot.pause(0.01)


async def test_the_answer_to_a_key_goes_with_the_next_one() -> None:
    app = Toasts[None]()
    async with app.run_test(notifications=True) as pilot:
        app.notify("Held 1 card. z takes it back.")
        await until(pilot, lambda: shown(pilot) == ["Held 1 card. z takes it back."])
        app.notify("Taken back: Held 1 card.")

        await until(pilot, lambda: shown(pilot) == ["Taken back: Held 1 card."])


async def test_what_happened_by_itself_and_what_went_wrong_stay_beside_it() -> None:
    app = Toasts[None]()
    async with app.run_test(notifications=True) as pilot:
        app.notify("12 cards.", title="Zodiac is finished")
        app.notify("There is no take 7.", severity="error")
        app.notify("Moved. z takes it back.")
        app.notify("Priority +10. z takes it back.")

        told = ["12 cards.", "There is no take 7.", "Priority +10. z takes it back."]
        await until(pilot, lambda: shown(pilot) == told)


async def test_what_is_told_stands_there_as_it_is() -> None:
    app = Toasts[None]()
    async with app.run_test(notifications=True) as pilot:
        app.notify("[/] closing [b]bold[/b]", title="[@click=app.quit]a deck[/] is finished")
        app.screen.notify("[/]", severity="error")
        await until(pilot, lambda: len(shown(pilot)) == len("12"))

        texts = [str(toast.render()) for toast in pilot.app.screen.query(Toast)]
        assert texts == ["[@click=app.quit]a deck[/] is finished\n[/] closing [b]bold[/b]", "[/]"]
