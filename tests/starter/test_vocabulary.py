"""What the model knows, in words."""

import subprocess
import sys

from imagineerd.starter.vocabulary import KNOWN, STYLES, SUBJECTS, THEMES, unknown_words


def test_every_known_phrase_is_known() -> None:
    assert [word for phrases in KNOWN.values() for word in unknown_words(", ".join(phrases))] == []


def test_unknown_words_come_in_order_and_once() -> None:
    prompt = "Ace of Hearts, a Dragon in the night sky, dragon scales and sunflowers"
    assert unknown_words(prompt) == ("dragon", "scales", "sunflowers")


def test_an_empty_prompt_has_no_unknown_words() -> None:
    assert unknown_words("") == ()


def test_counts_are_as_the_model_card_says() -> None:
    assert (len(THEMES), len(STYLES), len(SUBJECTS)) == (17, 5, 88)


def test_no_word_names_two_themes() -> None:
    words = [word for words in THEMES.values() for word in words]
    assert len(words) == len(set(words))


def test_importing_the_vocabulary_loads_nothing_heavy() -> None:
    code = "import sys, imagineerd.starter.vocabulary; print({'torch', 'PIL', 'numpy', 'diffusers'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
