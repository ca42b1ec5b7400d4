"""An entry of config.yaml is read with every mistake at once, each on its line."""

import pytest

from imagineerd.jobs import LoraWeight
from imagineerd.sets.config import Entry, SetConfig, lora_name, read_entries


def entry(text: str) -> Entry:
    entries, problems = read_entries(text.encode(), "config.yaml")
    assert problems == ()
    return entries["deck"]


def problems_of(text: str) -> list[str]:
    return [str(problem) for problem in entry(text).problems]


def test_every_key_of_the_predecessor_is_read() -> None:
    text = """
deck:
  name: "A Deck"
  description: "Ten cards"
  csv_path: "data/sets/deck.csv"
  base_prompt: "a card"
  prompt_template: "{value} of {suit}"
  style_suffix: "ink"
  example_theme: "ice"
  width: 512
  height: 896
  negative_prompt: "blurry"
  loras:
    - path: "/library/lora/Card_Fronts-000008.safetensors"
      weight: 0.6
    - path: "Devil Carnival-000001.safetensors"
"""

    assert entry(text).problems == ()
    assert entry(text).config == SetConfig(
        name="A Deck",
        description="Ten cards",
        csv_path="data/sets/deck.csv",
        base_prompt="a card",
        prompt_template="{value} of {suit}",
        style_suffix="ink",
        example_theme="ice",
        width=512,
        height=896,
        negative_prompt="blurry",
        loras=(LoraWeight("Card_Fronts-000008", 0.6), LoraWeight("Devil Carnival-000001", 1.0, noted=True)),
    )


def test_a_key_without_a_value_is_a_key_that_is_not_there() -> None:
    assert entry("deck:\n  name:\n  width:\n  loras:\n").config == SetConfig()


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n"])
def test_an_empty_file_has_no_sets(text: str) -> None:
    assert read_entries(text.encode(), "config.yaml") == ({}, ())


def test_all_mistakes_of_an_entry_are_told_at_once_with_their_lines() -> None:
    text = """deck:
  promt_template: "{value}"
  width: 500
  height: tall
  name: 1900
  loras:
    - path: Tarot.safetensors
      wieght: 0.2
    - weight: 9
"""

    assert problems_of(text) == [
        'config.yaml, line 2, deck.promt_template: There is no key of this name. Did you mean "prompt_template"?',
        "config.yaml, line 3, deck.width: Expected `int` that's a multiple of 8.",
        "config.yaml, line 4, deck.height: Expected `int`, got `str`.",
        "config.yaml, line 5, deck.name: Expected `str`, got `int`: put the text in quotes.",
        'config.yaml, line 6, deck.loras[0].wieght: There is no key of this name. Did you mean "weight"?',
        "config.yaml, line 6, deck.loras[1].weight: Expected `float` <= 2.0.",
    ]


@pytest.mark.parametrize("value", ["Tarot.safetensors", "{path: a}", "[a, b]"])
def test_loras_that_are_no_list_of_paths_and_weights_are_a_problem(value: str) -> None:
    assert problems_of(f"deck:\n  loras: {value}\n") == [
        "config.yaml, line 2, deck.loras: Expected a list of LoRAs, each with path and weight."
    ]


def test_a_lora_without_a_path_is_a_problem() -> None:
    assert problems_of("deck:\n  loras:\n    - weight: 0.5\n") == [
        "config.yaml, line 2, deck.loras[0]: A LoRA needs a path."
    ]


def test_a_key_written_twice_is_found_in_the_entry_and_in_its_loras() -> None:
    text = "deck:\n  width: 512\n  loras:\n  - path: a\n    path: b\n  width: 640\n"

    assert problems_of(text) == [
        "config.yaml, line 6, deck.width: This key is written twice: keep one.",
        "config.yaml, line 5, deck.path: This key is written twice: keep one.",
    ]


def test_a_set_id_written_twice_is_a_problem_of_that_set_alone() -> None:
    entries, problems = read_entries(b"a:\n  name: x\nb:\n  name: y\na:\n  name: z\n", "config.yaml")

    assert problems == ()
    assert [str(problem) for problem in entries["a"].problems] == [
        "config.yaml, line 5, a: This set id is written twice: rename one."
    ]
    assert entries["b"].problems == ()


@pytest.mark.parametrize("set_id", ["../up", "a b", ".hidden", "x" * 65])
def test_a_set_id_is_fit_for_a_folders_name(set_id: str) -> None:
    entries, _ = read_entries(f'"{set_id}":\n  name: x\n'.encode(), "config.yaml")

    assert "rename it" in entries[set_id].problems[0].message


def test_an_entry_that_is_no_mapping_spoils_no_other() -> None:
    entries, problems = read_entries(b"bad: just text\ngood:\n  name: Good\n", "config.yaml")

    assert problems == ()
    assert entries["bad"].problems[0].row == 1
    assert entries["good"].config.name == "Good"


def test_defaults_can_be_shared_by_anchors() -> None:
    text = "base: &base\n  width: 640\n  style_suffix: ink\ndeck:\n  <<: *base\n  style_suffix: chalk\n"

    assert entry(text).problems == ()
    assert (entry(text).config.width, entry(text).config.style_suffix) == (640, "chalk")


def test_yaml_makes_no_python_objects() -> None:
    text = "deck:\n  name: !!python/object/apply:os.getcwd []\n"

    assert "could not determine a constructor" in problems_of(text)[0]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("deck:\n  name: [\n", 3),
        ("deck:\n\tname: x\n", 2),
        ("deck:\n  a: 1\n b: 2\n", 3),
        ("- deck\n", 1),
        ("hello", 1),
    ],
)
def test_a_file_that_is_no_yaml_mapping_is_one_problem_with_its_line(text: str, line: int) -> None:
    entries, problems = read_entries(text.encode(), "config.yaml")

    assert entries == {}
    assert [(problem.file, problem.row) for problem in problems] == [("config.yaml", line)]


def test_bytes_that_are_no_text_are_a_problem() -> None:
    assert read_entries(b"\xff\xfe\x00\xd8", "config.yaml")[1][0].file == "config.yaml"
    assert read_entries(b"deck: \x00\x01", "config.yaml")[1][0].file == "config.yaml"


def test_an_entry_that_contains_itself_is_a_problem_and_not_a_hang() -> None:
    assert problems_of("deck: &deck\n  name: *deck\n") != []


@pytest.mark.parametrize(
    "path", ["Tarot.safetensors", "Tarot", "/models/lora/Tarot.safetensors", "C:\\lora\\Tarot.safetensors", " Tarot "]
)
def test_a_lora_is_known_by_its_files_name(path: str) -> None:
    assert lora_name(path) == "Tarot"


def test_dots_inside_a_loras_name_stay() -> None:
    assert lora_name("cards_v1.5.safetensors") == "cards_v1.5"
