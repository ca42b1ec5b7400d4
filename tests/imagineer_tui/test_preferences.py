"""What a person likes, from `tui.yaml`."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagineer_tui.preferences import Preferences, load_preferences, preferences_file


def loaded(folder: Path, text: str) -> Preferences:
    file = folder / "tui.yaml"
    file.write_text(text)
    return load_preferences(file)


def test_without_a_file_everything_is_as_it_comes(tmp_path: Path) -> None:
    assert load_preferences(tmp_path / "tui.yaml") == Preferences()


def test_the_file_lies_beside_the_configuration() -> None:
    assert preferences_file({"IMAGINEER_CONFIG": "/etc/deck.yaml"}) == Path("/etc/tui.yaml")
    assert preferences_file({"HOME": "/home/raven"}) == Path("/home/raven/.config/imagineer/tui.yaml")


@pytest.mark.parametrize(("text", "images"), [("half", "half"), ("off", "off"), ("'off'", "off"), ("kitty", "kitty")])
def test_a_way_to_show_pictures_is_chosen_by_name(text: str, images: str, tmp_path: Path) -> None:
    found = loaded(tmp_path, f"images: {text}")
    assert (found.images, found.complaints) == (images, ())


@pytest.mark.parametrize("text", ["blurry", "true", "3", "[half]"])
def test_a_way_that_there_is_not_is_a_complaint_that_names_them_all(text: str, tmp_path: Path) -> None:
    found = loaded(tmp_path, f"images: {text}\nbell: false")
    assert (found.images, found.bell) == ("auto", False)
    (complaint,) = found.complaints
    assert "images takes one of auto, kitty, sixel, half, ascii, off, not" in complaint


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("colour: red", 'there is no preference "colour"'),
        ("bell: loud", "bell takes true or false, not 'loud'."),
        ("keys: d", "keys takes lines of binding: key, not 'd'."),
        ("- half", "must be lines of key: value."),
        ("bell: true\nkeys: {", "tui.yaml, line 2: This is not YAML"),
        ("[" * 5000, "tui.yaml: This is nested too deeply"),
        ("bell: \x00", "tui.yaml, line 1: A character here may not stand in YAML"),
        ("bell: !!python/name:os.system", "neither text, number nor list"),
    ],
)
def test_what_is_wrong_is_said(text: str, complaint: str, tmp_path: Path) -> None:
    assert complaint in loaded(tmp_path, text).complaints[0]


def test_keys_are_texts(tmp_path: Path) -> None:
    assert loaded(tmp_path, "keys: {app.sets: 9}").keys == {"app.sets": "9"}


def test_what_is_no_text_is_said(tmp_path: Path) -> None:
    file = tmp_path / "tui.yaml"
    file.write_bytes(b"theme: caf\xe9")

    assert "cannot be read" in load_preferences(file).complaints[0]
