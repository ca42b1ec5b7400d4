"""Sets are found in two folders, read with every mistake at once, and no broken one hides another."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from imagineerd.errors import Invalid, NotFound
from imagineerd.jobs import LoraWeight
from imagineerd.sets.library import CardSet, find_sets, load_set, match_set, read_sets

BUILTIN = Path(__file__).parents[2] / "sets"
COUNTS = {
    word: number
    for number, word in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 1)
}
RANKS = ["Ace", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Jack", "Queen", "King"]
COLOURS = {"Hearts": "red", "Diamonds": "red", "Clubs": "black", "Spades": "black"}


@pytest.fixture(scope="module")
def builtin() -> dict[str, CardSet]:
    library = read_sets(BUILTIN)
    assert library.problems == {}
    return library.sets


@pytest.fixture
def user(tmp_path: Path) -> Path:
    folder = tmp_path / "sets"
    folder.mkdir()
    return folder


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")


def problems_of(set_id: str, user: Path) -> list[str]:
    return [str(problem) for problem in read_sets(BUILTIN, user).problems[set_id]]


# What is shipped.


def test_three_sets_are_shipped(builtin: dict[str, CardSet]) -> None:
    assert {set_id: len(card_set.rows) for set_id, card_set in builtin.items()} == {
        "card_deck": 54,
        "tarot_deck": 22,
        "zodiac": 12,
    }
    assert all(card_set.builtin and card_set.description for card_set in builtin.values())


def test_the_shipped_csvs_have_the_columns_that_people_know() -> None:
    def header(name: str) -> set[str]:
        with (BUILTIN / name).open(encoding="utf-8", newline="") as file:
            return set(next(csv.reader(file)))

    assert header("card_deck.csv") >= {"value", "suit", "personality", "visual_layout"}
    assert header("tarot_deck.csv") >= {"number", "name", "meaning", "imagery"}
    assert header("zodiac.csv") >= {"sign", "symbol", "element", "dates", "imagery"}


def test_the_deck_has_every_rank_of_every_suit_and_two_jokers(builtin: dict[str, CardSet]) -> None:
    names = [row.name for row in builtin["card_deck"].rows]

    assert names == [f"{rank} of {suit}" for suit in COLOURS for rank in RANKS] + ["Red Joker", "Black Joker"]


def test_every_pip_card_says_how_many_pips_of_which_colour_and_where(builtin: dict[str, CardSet]) -> None:
    for row in builtin["card_deck"].rows:
        rank, suit, look = row.values["value"], row.values["suit"], row.values["visual_layout"]
        if rank not in RANKS[:10]:
            continue
        number = RANKS.index(rank) + 1
        pips = re.match(r"(\w+) (?:large )?(?:ornate )?(\w+) (\w+) pips?\b,?(.*)", look)

        assert pips is not None, look
        assert COUNTS[pips[1]] == number
        assert pips[2] == COLOURS[suit]
        assert pips[3] == suit.lower().removesuffix("s")
        assert number in (1, 3) or pips_placed(pips[4]) == number, look


def pips_placed(layout: str) -> int:
    """Add up the pips that a layout in words places: columns, corners and those that stand alone."""
    columns = sum(2 * COUNTS[height] for height in re.findall(r"two columns of (\w+)", layout))
    corners = 4 * layout.count("one near each corner")
    alone = re.sub(r"two columns of \w+|one near each corner", "", layout)
    return columns + corners + sum(COUNTS[word] for word in re.findall(r"\b(?:one|two)\b", alone))


def test_every_court_card_shows_its_rank_and_its_suits_emblem(builtin: dict[str, CardSet]) -> None:
    for row in builtin["card_deck"].rows:
        if row.values["value"] in RANKS[10:]:
            emblem = f"{COLOURS[row.values['suit']]} {row.values['suit'].lower().removesuffix('s')} emblem"

            assert row.values["value"].lower() in row.values["visual_layout"]
            assert row.values["visual_layout"].endswith(emblem)


def test_the_trumps_are_numbered_in_roman_from_the_fool_to_the_world(builtin: dict[str, CardSet]) -> None:
    rows = builtin["tarot_deck"].rows
    romans = [
        "0",
        "I",
        "II",
        "III",
        "IV",
        "V",
        "VI",
        "VII",
        "VIII",
        "IX",
        "X",
        "XI",
        "XII",
        "XIII",
        "XIV",
        "XV",
        "XVI",
        "XVII",
        "XVIII",
        "XIX",
        "XX",
        "XXI",
    ]

    assert [row.values["number"] for row in rows] == romans
    assert (rows[0].name, rows[8].name, rows[16].name, rows[21].name) == (
        "The Fool",
        "Strength",
        "The Tower",
        "The World",
    )


def test_the_signs_follow_the_year_and_each_element_has_three(builtin: dict[str, CardSet]) -> None:
    rows = builtin["zodiac"].rows

    assert [row.name for row in rows] == (
        [
            "Aries",
            "Taurus",
            "Gemini",
            "Cancer",
            "Leo",
            "Virgo",
            "Libra",
            "Scorpio",
            "Sagittarius",
            "Capricorn",
            "Aquarius",
            "Pisces",
        ]
    )
    assert Counter(row.values["element"] for row in rows) == {"Fire": 3, "Earth": 3, "Air": 3, "Water": 3}


def test_no_two_shipped_cards_share_a_cell_that_tells_them_apart(builtin: dict[str, CardSet]) -> None:
    for set_id, column in (("card_deck", "personality"), ("tarot_deck", "imagery"), ("zodiac", "imagery")):
        texts = [row.values[column] for row in builtin[set_id].rows]

        assert len(set(texts)) == len(texts)


# Finding.


def test_a_csv_alone_is_a_set_with_a_template_of_its_columns(user: Path) -> None:
    write(user, **{"Night Comets__csv": "tail,name,seed\nlong,Halley,7\n"})

    comets = read_sets(BUILTIN, user).sets["night_comets"]

    assert (comets.name, comets.builtin, comets.width, comets.height) == ("Night comets", False, 512, 720)
    assert comets.prompt_template == "{name}, {tail}"
    assert (comets.rows[0].name, comets.rows[0].overrides.seed) == ("Halley", 7)


def test_a_user_entry_takes_the_place_of_the_built_in_one_and_keeps_its_csv(user: Path) -> None:
    write(user, config__yaml='zodiac:\n  name: My Signs\n  prompt_template: "{sign}"\n')

    zodiac = read_sets(BUILTIN, user).sets["zodiac"]

    assert (zodiac.name, zodiac.builtin, zodiac.prompt_template) == ("My Signs", False, "{sign}")
    assert len(zodiac.rows) == 12


def test_a_user_csv_takes_the_place_of_the_built_in_one_and_keeps_its_template(user: Path) -> None:
    write(user, zodiac__csv="sign,symbol,element,imagery\nOphiuchus,Serpent Bearer,Fire,a man and a snake\n")

    library = read_sets(BUILTIN, user)

    assert list(library.sets) == ["card_deck", "tarot_deck", "zodiac"]
    assert not library.sets["zodiac"].builtin
    assert [row.name for row in library.sets["zodiac"].rows] == ["Ophiuchus"]
    assert library.sets["zodiac"].prompt_template.startswith("{sign} the {symbol}")


def test_a_path_as_the_predecessor_wrote_it_finds_the_file_in_the_folder(user: Path) -> None:
    write(user, config__yaml="comets:\n  csv_path: data/sets/comets_v2.csv\n", comets_v2__csv="name\nHalley\n")

    library = read_sets(BUILTIN, user)

    assert library.problems == {}
    assert library.sets["comets"].csv_path == "comets_v2.csv"
    assert "comets_v2" not in library.sets


@pytest.mark.parametrize("csv_path", ["../outside.csv", "/etc/passwd", "a/../../outside.csv", "..\\outside.csv"])
def test_a_path_out_of_the_folder_is_refused(csv_path: str, user: Path) -> None:
    write(user, config__yaml=f"x:\n  name: X\n  csv_path: '{csv_path}'\n")
    write(user.parent, outside__csv="name\nx\n")

    assert problems_of("x", user) == [
        f'config.yaml, line 3, x.csv_path: "{csv_path}" is outside the sets folder: move the file into it.'
    ]


def test_a_link_out_of_the_folder_is_refused(user: Path) -> None:
    write(user.parent, outside__csv="name\nx\n")
    (user / "link.csv").symlink_to(user.parent / "outside.csv")

    assert problems_of("link", user) == ['link.csv: "link.csv" is outside the sets folder: move the file into it.']


def test_an_entry_reaches_no_file_out_of_the_folder_by_a_link(user: Path) -> None:
    write(user, config__yaml="x:\n  csv_path: link.csv\n")
    write(user.parent, outside__csv="name\nx\n")
    (user / "link.csv").symlink_to(user.parent / "outside.csv")

    assert "There is no file" in problems_of("x", user)[0]


@pytest.mark.parametrize("csv_path", ["a\\0b.csv", "x" * 5000])
def test_a_path_that_no_disk_takes_is_a_problem(csv_path: str, user: Path) -> None:
    write(user, config__yaml=f'x:\n  csv_path: "{csv_path}"\n')

    assert "cannot be looked up" in problems_of("x", user)[0]


def test_a_missing_csv_is_told_with_the_nearest_name(user: Path) -> None:
    write(user, config__yaml="x:\n  csv_path: comet.csv\ny:\n  csv_path: comets.csv\n", comets__csv="name\nHalley\n")

    assert problems_of("x", user) == [
        'config.yaml, line 2, x.csv_path: There is no file "comet.csv" in the sets folder. Did you mean "comets.csv"?'
    ]


def test_files_that_editors_and_systems_leave_behind_are_no_sets(user: Path) -> None:
    write(user, **{"._deck__csv": "x", "~deck__csv": "x", "notes__txt": "x", "deck__csv.bak": "x"})
    (user / "folder.csv").mkdir()

    assert find_sets(BUILTIN, user) == find_sets(BUILTIN)


def test_two_files_for_one_set_id_are_a_problem_of_the_second(user: Path) -> None:
    write(user, **{"My Deck__csv": "name\nA\n", "my_deck__csv": "name\nB\n"})

    library = read_sets(BUILTIN, user)

    assert library.sets["my_deck"].csv_path == "My Deck.csv"
    assert [str(problem) for problem in library.problems["my_deck.csv"]] == [
        'my_deck.csv: The set id "my_deck" is empty or taken: rename the file.'
    ]


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_sets(BUILTIN, tmp_path / "nowhere").problems == {}


def test_a_broken_set_hides_no_other(user: Path) -> None:
    write(
        user, good__csv="name\nA\n", bad__csv="name,look\nA,B,C\n", worse__csv="", config__yaml="worst:\n  width: 3\n"
    )

    library = read_sets(BUILTIN, user)

    assert list(library.sets) == ["card_deck", "tarot_deck", "zodiac", "good"]
    assert sorted(library.problems) == ["bad", "worse", "worst"]


def test_an_unreadable_config_offers_no_set_of_its_folder_and_all_built_in_ones(user: Path) -> None:
    write(user, config__yaml="comets: [\n", comets__csv="name\nHalley\n")

    library = read_sets(BUILTIN, user)

    assert list(library.sets) == ["card_deck", "tarot_deck", "zodiac"]
    assert library.problems["config.yaml"][0].row == 2


# Checking.


def test_every_problem_of_a_set_comes_at_once(user: Path) -> None:
    write(
        user,
        config__yaml='comets:\n  widht: 512\n  prompt_template: "{nmae} with {tail} and {colour}"\n',
        comets__csv="name,tail,steps\nHalley,long,many\nBiela,short,5,6\n",
    )

    assert problems_of("comets", user) == [
        'config.yaml, line 2, comets.widht: There is no key of this name. Did you mean "width"?',
        "comets.csv, line 3: This row has 4 cells and the header 3: quote a cell that contains the delimiter.",
        'comets.csv, line 2, column "steps": "many" is not a whole number from 1 to 150.',
        'config.yaml, line 3, comets.prompt_template: comets.csv has no column "nmae". Did you mean "name"?',
        'config.yaml, line 3, comets.prompt_template: comets.csv has no column "colour".',
    ]


def test_a_set_without_cards_is_a_problem(user: Path) -> None:
    write(user, comets__csv="name,tail\n")

    assert problems_of("comets", user) == [
        "comets.csv, line 1: There are no cards: write a line for each below the header."
    ]


def test_a_csv_that_goes_away_after_it_was_found_is_a_problem(user: Path) -> None:
    write(user, comets__csv="name\nHalley\n")
    source = find_sets(BUILTIN, user).sources["comets"]
    (user / "comets.csv").unlink()

    with pytest.raises(Invalid, match=r"comets\.csv: This file cannot be read: No such file"):
        load_set(source)


def test_rows_of_one_name_are_two_cards(user: Path) -> None:
    write(user, jokers__csv="name,look\nJoker,red\nJoker,black\n")

    assert [row.name for row in read_sets(BUILTIN, user).sets["jokers"].rows] == ["Joker", "Joker"]


def test_the_mix_of_an_entry_is_the_sets_mix(user: Path) -> None:
    write(
        user,
        config__yaml="comets:\n  loras:\n  - path: /old/lora/Tarot.safetensors\n    weight: 0.2\n",
        comets__csv="name\nHalley\n",
    )

    assert read_sets(BUILTIN, user).sets["comets"].loras == (LoraWeight("Tarot", 0.2),)


# Names as people say them.

NAMES = {"card_deck": "Playing Cards", "tarot_deck": "Tarot, Major Arcana", "zodiac": "Zodiac"}


@pytest.mark.parametrize(
    ("word", "set_id"),
    [
        ("card_deck", "card_deck"),
        ("cards", "card_deck"),
        ("Card-Deck", "card_deck"),
        ("playing cards", "card_deck"),
        ("playing", "card_deck"),
        ("tarot", "tarot_deck"),
        ("arcana", "tarot_deck"),
        ("ZODIAC", "zodiac"),
        ("zod", "zodiac"),
    ],
)
def test_a_set_is_found_by_the_name_people_give_it(word: str, set_id: str) -> None:
    assert match_set(word, NAMES) == set_id


def test_the_only_deck_is_the_deck() -> None:
    assert match_set("deck", {"card_deck": "Playing Cards", "zodiac": "Zodiac"}) == "card_deck"


def test_the_beginning_of_an_id_goes_before_a_word_of_a_name() -> None:
    assert match_set("cards", {"card_deck": "Playing Cards", "oracle": "Oracle Cards"}) == "card_deck"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("deck", '"deck" can mean card_deck or tarot_deck: say which set.'),
        ("zodaic", 'There is no set "zodaic". Did you mean "zodiac"?'),
        ("comets", 'There is no set "comets".'),
        ("", 'There is no set "".'),
        ("!", 'There is no set "!".'),
    ],
)
def test_a_name_that_fits_none_or_several_is_refused_with_what_comes_near(word: str, message: str) -> None:
    with pytest.raises(NotFound) as caught:
        match_set(word, NAMES)

    assert str(caught.value) == message
