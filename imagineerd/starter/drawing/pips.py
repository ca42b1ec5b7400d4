"""Pip cards: where the marks stand, and the corner index."""

from imagineerd.starter.drawing.canvas import Canvas, Colour, Point
from imagineerd.starter.drawing.suits import draw_suit

LEFT, MIDDLE, RIGHT = 122.0, 192.0, 262.0
PIP_RADIUS = 36.0
ACE_RADIUS = 92.0
INDEX = (53.0, 60.0)  # centre of the corner rank; its suit stands INDEX_DROP below
INDEX_DROP = 48.0

_SIDES_2 = [(x, y) for x in (LEFT, RIGHT) for y in (112.0, 464.0)]
_SIDES_3 = [*_SIDES_2, (LEFT, 288.0), (RIGHT, 288.0)]
_SIDES_4 = [*_SIDES_2, *((x, y) for x in (LEFT, RIGHT) for y in (229.0, 347.0))]
_CENTRE = (MIDDLE, 288.0)

LAYOUTS: dict[int, list[Point]] = {
    2: [(MIDDLE, 112.0), (MIDDLE, 464.0)],
    3: [(MIDDLE, 112.0), _CENTRE, (MIDDLE, 464.0)],
    4: _SIDES_2,
    5: [*_SIDES_2, _CENTRE],
    6: _SIDES_3,
    7: [*_SIDES_3, (MIDDLE, 200.0)],
    8: [*_SIDES_3, (MIDDLE, 200.0), (MIDDLE, 376.0)],
    9: [*_SIDES_4, _CENTRE],
    10: [*_SIDES_4, (MIDDLE, 170.0), (MIDDLE, 406.0)],
}

RANK_LETTERS = {1: "A", **{n: str(n) for n in range(2, 11)}, 11: "J", 12: "Q", 13: "K"}


def draw_pips(canvas: Canvas, suit: str, count: int, colour: Colour, accent: Colour) -> None:
    """The marks of the ace to the ten; those below the middle stand on their heads."""
    if count == 1:
        canvas.ring(_CENTRE, 138, 5, accent)
        draw_suit(canvas, suit, _CENTRE, ACE_RADIUS, colour)
        return
    for x, y in LAYOUTS[count]:
        draw_suit(canvas, suit, (x, y), PIP_RADIUS if y <= _CENTRE[1] else -PIP_RADIUS, colour)


def draw_index(canvas: Canvas, rank: int, suit: str, colour: Colour) -> None:
    """Rank and suit in the upper left corner; the caller turns the card for the lower right."""
    x, y = INDEX
    canvas.text((x, y), RANK_LETTERS[rank], 56 if len(RANK_LETTERS[rank]) == 1 else 46, colour, bold=2)
    draw_suit(canvas, suit, (x, y + INDEX_DROP), 20, colour)
