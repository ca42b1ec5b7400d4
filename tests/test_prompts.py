"""A prompt is composed of four parts, and what the text encoder will not read of it is shown exactly."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from imagineerd.errors import Invalid, ModelError
from imagineerd.jobs import MAX_PROMPT, PromptParts
from imagineerd.prompts import (
    CLIP_TOKENS,
    compose,
    compose_single,
    count_tokens,
    load_tokenizer,
    plan_rows,
    split_tokens,
    warnings,
)
from imagineerd.sets.library import CardSet, read_sets
from imagineerd.sets.rows import Overrides, Row
from imagineerd.themes import themes
from imagineerd.triggers import Triggers

BUILTIN = Path(__file__).parent.parent / "sets"
WORDS = "the tower tarot card lightning night sky with silver stars queen of hearts"


def a_set(*rows: Row, template: str = "{value} of {suit}") -> CardSet:
    return CardSet(
        id="deck",
        name="Deck",
        description="",
        builtin=False,
        csv_path="deck.csv",
        base_prompt="a card,",
        prompt_template=template,
        style_suffix="fine  ink",
        example_theme="",
        width=512,
        height=720,
        negative_prompt="blurry",
        loras=(),
        columns=("value", "suit"),
        rows=rows,
    )


def a_row(index: int, value: str, suit: str = "Hearts", **settings: object) -> Row:
    return Row(
        index, index + 1, f"{value} of {suit}", {"value": value, "suit": suit}, msgspec.convert(settings, Overrides)
    )


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two files of a CLIP tokenizer, trained on a few words."""
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<|endoftext|>"))  # noqa: S106 - a token
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=2000,
        special_tokens=["<|startoftext|>", "<|endoftext|>"],
        initial_alphabet=letters,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    tokenizer.train_from_iterator([WORDS, *letters], trainer)
    tokenizer.model.save(str(folder))
    return folder


@pytest.fixture(scope="module")
def tokenizer(clip_folder: Path) -> Tokenizer:
    return load_tokenizer(clip_folder)


# Composing.


def test_the_parts_stand_in_their_order_and_are_named() -> None:
    row = a_row(1, "Ace")

    prompt = compose(a_set(row), row, " night sky,\n silver stars ")

    assert prompt.text == "a card, night sky, silver stars, Ace of Hearts, fine ink"
    assert prompt.parts == PromptParts("a card", "night sky, silver stars", "Ace of Hearts", "fine ink")


def test_a_part_without_text_leaves_no_comma() -> None:
    row = a_row(1, "Ace")

    assert compose(a_set(row), row, " , ").text == "a card, Ace of Hearts, fine ink"


def test_a_theme_is_text_and_no_template() -> None:
    row = a_row(1, "Ace")

    assert compose(a_set(row), row, "{value} {{x}}").parts.theme == "{value} {{x}}"


def test_what_could_not_be_filled_is_listed() -> None:
    row = a_row(1, "Ace", "")

    prompt = compose(a_set(row, template="{value} of {suit}, {colour}"), row, "")

    assert (prompt.unresolved, prompt.empty) == (("colour",), ("suit",))


@given(st.text(), st.text(), st.text())
def test_no_text_at_all_makes_composing_raise(theme: str, template: str, value: str) -> None:
    row = a_row(1, value)

    prompt = compose(a_set(row, template=template), row, theme)

    assert "\n" not in prompt.text


def test_a_prompt_of_2000_characters_is_the_longest() -> None:
    row = a_row(1, "Ace")
    rest = len(compose(a_set(row), row, "x").text) - 1

    assert len(compose(a_set(row), row, "x" * (MAX_PROMPT - rest)).text) == MAX_PROMPT
    with pytest.raises(Invalid, match=r"deck\.csv, line 2: The prompt has 2001 characters: shorten it to 2000\."):
        compose(a_set(row), row, "x" * (MAX_PROMPT - rest + 1))


def test_trigger_words_belong_to_the_part_in_which_the_mark_stood() -> None:
    row = a_row(1, "Ace")
    prompt = compose(a_set(row, template="{value} of {suit}, <trigger>"), row, "ice", Triggers(("ink wash", "paper")))

    assert prompt.text == "a card, ice, Ace of Hearts, ink wash, paper, fine ink"
    assert prompt.parts.row == "Ace of Hearts, ink wash, paper"
    assert (prompt.triggers, prompt.missing) == (("ink wash", "paper"), ())


def test_trigger_words_that_a_prompt_lacks_are_told_or_added_as_a_part_of_their_own() -> None:
    row, words = a_row(1, "Ace"), ("fine ink", "ink wash", "paper")

    hinted = compose(a_set(row), row, "", Triggers(words))
    added = compose(a_set(row), row, "", Triggers(words, add=True))

    assert (hinted.text, hinted.missing) == ("a card, Ace of Hearts, fine ink", ("ink wash", "paper"))
    assert added.text == "a card, Ace of Hearts, fine ink, ink wash, paper"
    assert (added.parts.trigger, added.missing) == ("ink wash, paper", ())


def test_a_single_prompt_stays_as_it_is_written_but_for_its_trigger_words() -> None:
    assert compose_single("a  fox ,").text == "a  fox ,"
    assert compose_single("a fox, <trigger>", Triggers(("ink",))).text == "a fox, ink"
    assert compose_single("a fox", Triggers(("ink",), add=True)).parts == PromptParts(trigger="ink")
    with pytest.raises(Invalid, match="shorten it to 2000"):
        compose_single("x" * MAX_PROMPT, Triggers(("ink",), add=True))


# Planning.


def test_a_plan_has_every_card_in_the_order_of_the_rows() -> None:
    plan = plan_rows(a_set(a_row(1, "Ace"), a_row(2, "Two", steps=30)), "ice")

    assert [(card.index, card.name, card.negative_prompt) for card in plan] == [
        (1, "Ace of Hearts", "blurry"),
        (2, "Two of Hearts", "blurry"),
    ]
    assert plan[1].overrides.steps == 30
    assert [warnings(card) for card in plan] == [(), ()]


def test_a_rows_own_negative_prompt_goes_before_the_batchs_and_that_before_the_sets() -> None:
    card_set = a_set(a_row(1, "Ace"), a_row(2, "Two", negative_prompt="no text"))

    assert [card.negative_prompt for card in plan_rows(card_set, "")] == ["blurry", "no text"]
    assert [card.negative_prompt for card in plan_rows(card_set, "", negative_prompt="")] == ["", "no text"]


def test_a_card_with_an_earlier_cards_prompt_is_marked() -> None:
    plan = plan_rows(a_set(a_row(1, "Ace"), a_row(2, "Two"), a_row(3, "Ace "), a_row(4, "Ace")), "ice")

    assert [card.duplicate_of for card in plan] == [None, None, 1, 1]
    assert warnings(plan[3]) == ("This is the same prompt as that of card 1.",)


def test_a_plan_warns_of_everything_that_will_not_be_drawn() -> None:
    card = plan_rows(a_set(a_row(1, "Ace", ""), template="{value} {suit} {colour}"), "silver stars " * 60)[0]

    texts = warnings(card)

    assert texts[:2] == ('The template\'s "{colour}" has no column.', 'The cell for "{suit}" is empty.')
    assert texts[2].startswith(f"The prompt has about {card.tokens.total} tokens and the model reads 77; cut: ")
    assert texts[2].endswith('fine ink".')


def test_every_card_that_is_too_long_is_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        plan_rows(a_set(a_row(1, "Ace"), a_row(2, "Two")), "x" * MAX_PROMPT)

    assert [problem.row for problem in caught.value.problems] == [2, 3]


@pytest.mark.parametrize("set_id", ["card_deck", "tarot_deck", "zodiac"])
def test_every_shipped_card_fits_with_its_example_and_with_any_random_theme(set_id: str) -> None:
    card_set = read_sets(BUILTIN).sets[set_id]

    for theme in (card_set.example_theme, *themes(64, seed=5)):
        plan = plan_rows(card_set, theme)

        assert [(card.tokens.cut, warnings(card)) for card in plan] == [("", ())] * len(card_set.rows)


@pytest.mark.parametrize("set_id", ["card_deck", "tarot_deck", "zodiac"])
def test_what_tells_a_card_apart_comes_first_in_its_row(set_id: str) -> None:
    for card in plan_rows(read_sets(BUILTIN).sets[set_id], "ice"):
        assert card.prompt.parts.row.startswith(card.name)


# Counting.


def test_a_text_that_fits_is_kept_whole(tokenizer: Tokenizer) -> None:
    split = split_tokens("The Tower, tarot card", tokenizer)

    assert (split.total, split.kept, split.cut, split.exact) == (7, "The Tower, tarot card", "", True)


def test_a_text_is_cut_before_the_first_token_that_is_not_read(tokenizer: Tokenizer) -> None:
    split = split_tokens("night sky with\n silver stars", tokenizer, limit=5)

    assert (split.total, split.kept, split.cut) == (7, "night sky with\n ", "silver stars")


def test_upper_case_and_unknown_words_are_counted_as_clip_does(tokenizer: Tokenizer) -> None:
    assert count_tokens("TOWER", tokenizer) == count_tokens("tower", tokenizer) == 3
    assert count_tokens("zzz 12", tokenizer) == 2 + 3 + 2


def test_a_full_encoder_cuts_nothing_and_one_token_more_is_cut(tokenizer: Tokenizer) -> None:
    full = split_tokens("night " * (CLIP_TOKENS - 2), tokenizer)
    over = split_tokens("night " * (CLIP_TOKENS - 2) + "sky", tokenizer)

    assert (full.total, full.cut) == (77, "")
    assert (over.total, over.cut) == (78, "sky")


@given(st.text(), st.integers(2, 20))
@settings(deadline=None)
def test_kept_and_cut_are_the_text(text: str, limit: int) -> None:
    split = split_tokens(text, None, limit)

    assert split.kept + split.cut == text
    assert (split.cut == "") == (split.total <= limit)


@given(st.text(), st.integers(2, 20))
@settings(deadline=None)
def test_kept_and_cut_are_the_text_with_a_tokenizer_too(tokenizer: Tokenizer, text: str, limit: int) -> None:
    split = split_tokens(text, tokenizer, limit)

    assert split.kept + split.cut == text
    assert split.total > limit or split.cut == ""


def test_without_a_tokenizer_the_count_says_that_it_is_an_estimate() -> None:
    split = split_tokens("night sky, constellations")

    assert (split.total, split.exact) == (2 + 1 + 1 + 1 + 3, False)


def test_a_tokenizer_json_is_read_before_the_two_files_and_cuts_nothing_itself(
    clip_folder: Path, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    again = load_tokenizer(clip_folder)
    again.enable_truncation(4)
    again.enable_padding(length=77)
    again.save(str(tmp_path / "tokenizer.json"))

    assert count_tokens(WORDS, load_tokenizer(tmp_path)) == count_tokens(WORDS, tokenizer) == 2 + len(WORDS.split())


def test_a_folder_without_a_tokenizer_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no tokenizer to read in"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="There is no tokenizer to read in"):
        load_tokenizer(tmp_path)


def test_composing_loads_neither_a_tokenizer_nor_torch() -> None:
    code = "import sys, imagineerd.prompts; print({'torch', 'tokenizers', 'transformers'} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "set()\n"
