"""Training prompts name what the picture shows."""

from random import Random

from imagineerd.starter.concepts import CONCEPTS
from imagineerd.starter.pictures import Label, labels, recipes
from imagineerd.starter.prompts import Deck, PromptWriter, compose, corpus, read_decks
from imagineerd.starter.vocabulary import STYLES, THEMES


def test_the_built_in_sets_cover_all_88_concepts() -> None:
    assert sorted(name for deck in read_decks() for name in deck.rows) == sorted(c.name for c in CONCEPTS)


def test_a_dealt_prompt_leaves_empty_parts_out() -> None:
    deck = Deck("base", "", "bad", {})
    assert compose(deck, "", "Ace of Hearts") == "base, Ace of Hearts"


def test_prompts_name_the_theme_and_the_style() -> None:
    writer = PromptWriter(read_decks(), Random(1))  # noqa: S311
    prompts = [writer.write(Label("Taurus", "ocean", "vintage")) for _ in range(200)]
    told = [prompt for prompt in prompts if "Taurus" in prompt]
    assert len(told) > 150
    assert all(any(word in prompt for word in THEMES["ocean"]) for prompt in told)
    assert all(any(word in prompt for word in STYLES["vintage"]) for prompt in told)


def test_made_up_themes_are_among_the_prompts() -> None:
    writer = PromptWriter(read_decks(), Random(4))  # noqa: S311
    prompts = [writer.write(Label("Leo", "gothic", "engraving")) for _ in range(100)]
    assert any(" with " in prompt and "fine engraving" in prompt for prompt in prompts)


def test_a_share_of_the_prompts_names_a_second_theme_after_the_cards_own() -> None:
    def prompts(share: float) -> list[str]:
        writer = PromptWriter(read_decks(), Random(6), drop_share=0, second_share=share)  # noqa: S311
        return [writer.write(Label("Ten of Clubs", "emerald forest", "")) for _ in range(200)]

    def second(prompt: str) -> bool:
        return any(name in prompt for theme, names in THEMES.items() if theme == "ocean" for name in names)

    assert not any(map(second, prompts(0)))
    assert any(map(second, prompts(1)))


def test_some_prompts_say_nothing_and_some_are_negative() -> None:
    writer = PromptWriter(read_decks(), Random(2))  # noqa: S311
    prompts = [writer.write(Label("The Sun", "ice", "")) for _ in range(300)]
    assert 3 < prompts.count("") < 60
    assert any(prompt.startswith(("blurry", "low quality")) for prompt in prompts)


def test_every_concept_can_be_spoken() -> None:
    writer = PromptWriter(read_decks(), Random(3))  # noqa: S311
    assert all(writer.spoken(concept) for concept in CONCEPTS)


def test_the_corpus_is_the_same_every_time() -> None:
    some = labels(recipes(20))
    assert corpus(read_decks(), some) == corpus(read_decks(), some)
