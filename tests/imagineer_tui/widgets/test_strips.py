"""Pixels as lines of text."""

from __future__ import annotations

from rich.color import Color
from rich.style import Style

from imagineer_tui.widgets.strips import LETTERS, Pixels, half_blocks, letters, scaled, standing_on

RED, GREEN, BLACK, WHITE = b"\xff\0\0", b"\0\xff\0", b"\0\0\0", b"\xff\xff\xff"


def test_two_rows_make_a_line_of_upper_half_blocks() -> None:
    (line,) = half_blocks(Pixels(2, RED + RED + GREEN + GREEN))
    (segment,) = line
    assert segment.text == "▀▀"
    assert segment.style is not None
    assert (segment.style.color, segment.style.bgcolor) == (Color.from_rgb(255, 0, 0), Color.from_rgb(0, 255, 0))


def test_two_pixels_of_one_colour_are_a_space() -> None:
    (line,) = half_blocks(Pixels(3, RED * 6))
    assert line.text == "   "
    assert [segment.style.color for segment in line if segment.style] == [None]


def test_the_lower_half_of_an_odd_row_stays_empty() -> None:
    lines = half_blocks(Pixels(1, RED + GREEN + RED))
    assert len(lines) == 2
    (segment,) = lines[1]
    assert segment.text == "▀"
    assert segment.style is not None
    assert segment.style.bgcolor is None


def test_lines_are_as_wide_as_the_picture() -> None:
    assert [line.cell_length for line in half_blocks(Pixels(5, bytes(range(60))))] == [5, 5]


def test_letters_go_from_dark_to_bright() -> None:
    (line,) = letters(Pixels(2, BLACK + WHITE + BLACK + WHITE))
    assert line.text == LETTERS[0] + LETTERS[-1]


def test_on_a_bright_background_letters_are_turned_round() -> None:
    (line,) = letters(Pixels(2, BLACK + WHITE + BLACK + WHITE), dark=False)
    assert line.text == LETTERS[-1] + LETTERS[0]


def test_pixels_are_repeated_as_often_as_they_fit() -> None:
    assert scaled(Pixels(2, RED + GREEN), 5, 9) == Pixels(4, (RED * 2 + GREEN * 2) * 2)


def test_pixels_that_do_not_fit_are_thinned_out() -> None:
    small = scaled(Pixels(64, bytes(3 * 64 * 112)), 20, 36)
    assert (small.width, small.height) == (20, 35)


def test_a_repeated_pixel_costs_hardly_more_bytes() -> None:
    from rich.console import Console

    console = Console(color_system="truecolor", force_terminal=True)
    frame = Pixels(16, bytes(place * 37 % 256 for place in range(3 * 16 * 24)))
    once, twice = (
        sum(len(line.render(console)) for line in half_blocks(pixels)) for pixels in (frame, scaled(frame, 32, 48))
    )
    assert twice < once * 1.5


def test_letters_make_the_most_of_a_pale_picture() -> None:
    grey, light = b"\x80\x80\x80", b"\x90\x90\x90"
    (line,) = letters(Pixels(2, (grey + light) * 2))
    assert line.text == LETTERS[0] + LETTERS[-1]


def test_a_picture_of_one_colour_is_one_letter() -> None:
    (line,) = letters(Pixels(3, RED * 6))
    assert line.text == LETTERS[0] * 3


def test_letters_take_the_colours_of_their_place_and_pictures_only_what_is_behind_them() -> None:
    place = Style(color="red", bgcolor="blue")
    (line,) = letters(Pixels(2, RED * 4))
    assert [segment.style for segment in standing_on(line, place)] == [place]
    (line,) = half_blocks(Pixels(1, GREEN))
    (segment,) = standing_on(line, place)
    assert segment.style == Style(color=Color.from_rgb(0, 255, 0), bgcolor="blue")
