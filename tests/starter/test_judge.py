"""The measuring program: what it asks for never changes, and its table says what was counted."""

from PIL import Image

from imagineerd.starter.judge import asks, held_out, lay_out
from imagineerd.starter.judging.questions import BARS, Share
from imagineerd.starter.network import HEIGHT, WIDTH
from imagineerd.starter.sheet import KINDS, fixed_shots
from imagineerd.starter.sheet import lay_out as lay_out_sheet


def test_the_same_cards_are_asked_for_every_time() -> None:
    assert asks(2) == asks(2)
    assert len({ask.shot.seed for ask in asks(2)}) == 176


def test_every_concept_is_asked_for_as_often() -> None:
    counts = [sum(ask.label.concept == other.label.concept for other in asks(2)) for ask in asks(2)[:10]]
    assert counts == [2] * 10


def test_no_prompt_says_nothing_about_its_card() -> None:
    prompts = [ask.shot.prompt for ask in asks(4)]
    assert all(prompts)
    assert not any(prompt.startswith("blurry") for prompt in prompts)


def test_held_out_drawings_have_the_native_size() -> None:
    assert held_out([asks(1)[0].label]).shape == (1, HEIGHT, WIDTH, 3)


def test_the_table_has_a_row_for_every_bar() -> None:
    text = lay_out({"network": dict.fromkeys(BARS, Share(3, 4))})
    assert len(text.splitlines()) == 1 + len(BARS)
    assert "75.0       4   97.0" in text


def test_fixed_shots_never_change() -> None:
    for cards in KINDS:
        assert fixed_shots(cards, None) == fixed_shots(cards, None)


def test_a_sheet_has_room_for_every_picture() -> None:
    images = [Image.new("RGB", (WIDTH, HEIGHT))] * 5
    assert lay_out_sheet(images, ["x"] * 5, columns=2).size == (2 * (WIDTH + 4), 3 * (HEIGHT + 40))
