"""What an export of a batch consists of, and that a folder has all of it or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import Deck, take
from msgspec.structs import replace

from imagineer_tui.exports import Exported, File, Parcel, export_of, folder_for
from imagineerd import protocol
from imagineerd.errors import Conflict, DiskError, NotFound


def detail() -> protocol.BatchDetail:
    """Three cards: of the first the older take is the pick, the second has one take, the third none."""
    batch = Deck().detail()
    aries, taurus, gemini = batch.slots
    first, again, second = (replace(take(number), file=f"../{number}.png") for number in (1, 4, 2))
    slots = (replace(aries, pick=1, takes=(first, again)), replace(taurus, takes=(second,)), gemini)
    return replace(batch, slots=slots)


def test_the_pictures_are_the_picks_by_the_names_of_their_files():
    export = export_of(detail(), "pictures")

    assert export.files == [File("1.png", 1), File("2.png", 2)]
    assert export.left_out == 1


def test_what_has_no_picture_cannot_be_exported():
    with pytest.raises(NotFound, match="has no picture yet"):
        export_of(Deck().detail(), "pictures")


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path):
    assert folder_for(tmp_path, "zodiac", "pictures") == tmp_path / "zodiac_pictures"

    (tmp_path / "zodiac_pictures").mkdir()
    (tmp_path / "zodiac_pictures_2").touch()

    assert folder_for(tmp_path, "zodiac", "pictures") == tmp_path / "zodiac_pictures_3"


def test_nothing_is_written_where_one_of_the_files_is_there(tmp_path: Path):
    (tmp_path / "2.png").write_text("mine")

    with pytest.raises(Conflict, match=r"2\.png is there already, and nothing is overwritten"):
        Parcel(tmp_path).begin([File("1.png", 1), File("2.png", 2)])

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"2.png": "mine"}


def test_what_came_there_meanwhile_is_not_overwritten(tmp_path: Path):
    parcel = Parcel(tmp_path)
    parcel.begin([File("1.png", 1), File("2.png", 2)])
    parcel.put("1.png", b"picture 1")
    (tmp_path / "2.png").write_text("mine")

    with pytest.raises(DiskError, match="cannot be written"):
        parcel.put("2.png", b"picture 2")
    parcel.take_back()

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"2.png": "mine"}


def test_what_is_taken_back_leaves_no_folder(tmp_path: Path):
    parcel = Parcel(tmp_path / "deck")
    parcel.begin([File("1.png", 1)])
    parcel.put("1.png", b"picture 1")

    parcel.take_back()

    assert not (tmp_path / "deck").exists()


@pytest.mark.parametrize(
    ("exported", "sentence"),
    [
        (Exported("/d", "pictures", 12, 0, 3_400_000), "12 takes (3 MB) written to /d."),
        (
            Exported("/d", "pictures", 1, 2, 900),
            "1 take (900 B) written to /d; 2 cards without a picture left out.",
        ),
        (Exported("/deck", "csv", 2, 1, 900), "2 takes (900 B) written to /deck; 1 take without a label left out."),
    ],
)
def test_it_is_said_what_went_where_and_what_did_not(exported: Exported, sentence: str):
    assert str(exported) == sentence
