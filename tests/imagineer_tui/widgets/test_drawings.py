"""Pictures are drawn once and kept for a while."""

from __future__ import annotations

import asyncio

import pytest
from cards import Cards

from imagineer_tui.terminal import graphics
from imagineer_tui.widgets.decoding import Box
from imagineer_tui.widgets.drawings import Drawings, Wanted
from imagineer_tui.widgets.strips import UPPER

BOX = Box(12, 9)


def test_a_picture_is_drawn_once() -> None:
    async def twice() -> list[str]:
        cards = Cards()
        drawings = Drawings(cards.load)
        wanted = Wanted("1", BOX)
        assert drawings.ready(wanted) is None
        assert await drawings.draw(wanted) is await drawings.draw(wanted)
        assert drawings.ready(wanted)
        return cards.asked

    assert asyncio.run(twice()) == ["1"]


def test_size_and_blur_make_another_drawing() -> None:
    async def drawn() -> int:
        drawings = Drawings(Cards().load)
        wanted = [Wanted("1", BOX), Wanted("1", Box(6, 5)), Wanted("1", BOX, blurred=True), Wanted("1", BOX, "ascii")]
        return len({id(await drawings.draw(each)) for each in wanted})

    assert asyncio.run(drawn()) == 4


def test_the_one_that_was_not_looked_at_for_longest_goes_first() -> None:
    async def kept() -> list[bool]:
        drawings = Drawings(Cards().load, kept=2)
        first, second, third = (Wanted(key, BOX) for key in "123")
        await drawings.draw(first)
        await drawings.draw(second)
        drawings.ready(first)
        await drawings.draw(third)
        return [drawings.ready(each) is not None for each in (first, second, third)]

    assert asyncio.run(kept()) == [True, False, True]


def test_the_file_of_what_was_looked_at_last_stays() -> None:
    async def asked() -> list[str]:
        cards = Cards()
        drawings = Drawings(cards.load, kept=2)
        for key in "12":
            await drawings.draw(Wanted(key, BOX))
        drawings.ready(Wanted("1", BOX))
        await drawings.draw(Wanted("3", BOX))
        await drawings.draw(Wanted("1", Box(6, 5)))
        return cards.asked

    assert asyncio.run(asked()) == ["1", "2", "3"]


def test_a_missing_picture_is_an_error_of_who_loads_it() -> None:
    with pytest.raises(OSError, match="take 1 is gone"):
        asyncio.run(Drawings(Cards("1").load).draw(Wanted("1", BOX)))


def drawn(shown: str) -> object:
    return asyncio.run(Drawings(Cards().load).draw(Wanted("1", BOX, shown)))  # type: ignore[arg-type]


def test_every_way_fills_the_box() -> None:
    for shown in ("half", "ascii", "kitty", "sixel"):
        drawing = drawn(shown)
        assert [strip.cell_length for strip in drawing.strips] == [12] * 9  # type: ignore[attr-defined]


def test_kitty_s_lines_carry_the_picture_s_number() -> None:
    drawing = drawn("kitty")
    (segment,) = drawing.strips[0]  # type: ignore[attr-defined]
    assert segment.style.color.triplet == graphics.id_color(drawing.picture)  # type: ignore[attr-defined]
    assert f"i={drawing.picture}," in drawing.upload[0]  # type: ignore[attr-defined]


def test_letters_need_no_colour() -> None:
    drawing = drawn("ascii")
    assert all(segment.style is None for strip in drawing.strips for segment in strip)  # type: ignore[attr-defined]
    assert UPPER not in drawing.strips[0].text  # type: ignore[attr-defined]
