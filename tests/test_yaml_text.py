"""One value of a YAML text is changed, and every other character stays."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from imagineerd.errors import Invalid
from imagineerd.yaml_text import (
    compose,
    pairs,
    row_of,
    scalar_text,
    scalar_value,
    with_value,
    without_value,
)

VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


def value_of(text: str) -> object:
    node = compose(text, "x.yaml")
    assert node is not None
    return scalar_value(node)


@given(VALUES)
def test_a_value_written_is_the_value_read_on_one_line_and_in_braces(
    value: str | float | None,
) -> None:
    text = scalar_text(value)

    assert "\n" not in text
    assert value_of(text) == value
    assert yaml.safe_load(f"a: {{b: {text}, c: 1}}") == {"a": {"b": value, "c": 1}}


@pytest.mark.parametrize("text", ["1e-4", "1.0e-4", "0.0001", "1E-4"])
def test_a_small_number_is_a_number_however_it_is_written(text: str) -> None:
    assert value_of(text) == 0.0001


@pytest.mark.parametrize("text", ["!unknown x", "!!int x", "2020-13-45", "[1]", "{}"])
def test_what_is_no_single_value_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        value_of(text)


def test_every_key_knows_its_line() -> None:
    root = compose("# remark\na: 1\n\nb:\n  c: 2\n", "x.yaml")

    assert [(key.value, row_of(key)) for key, _ in pairs(root)] == [("a", 2), ("b", 4)]


def test_what_is_not_yaml_names_the_file_and_the_line() -> None:
    with pytest.raises(Invalid, match=r"x\.yaml, line 2: This is not YAML"):
        compose("a: 1\nb: ]\n", "x.yaml")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "s:\n  k: 1\n"),
        ("# end", "# end\ns:\n  k: 1\n"),
        ("t: 1\n", "t: 1\ns:\n  k: 1\n"),
        ("s:\n  k: 0 # why\n  l: 2\n", "s:\n  k: 1 # why\n  l: 2\n"),
        ("s:\n  k: # why\n", "s:\n  k: 1 # why\n"),
        ("s:\n  k:\n  l: 2", "s:\n  k: 1\n  l: 2"),
        ("s:\n  k: |\n    a\n\n    b\n# end\n", "s:\n  k: 1\n# end\n"),
        ("s:\n    l: 2 # two\nt: 3\n", "s:\n    l: 2 # two\n    k: 1\nt: 3\n"),
        (
            "s:\n  l: >\n    a\n    b\n\n# t\nt: 3\n",
            "s:\n  l: >\n    a\n    b\n  k: 1\n\n# t\nt: 3\n",
        ),
        ("s:\n  l: 2", "s:\n  l: 2\n  k: 1\n"),
        ("s:\n  l:\nt: 3\n", "s:\n  l:\n  k: 1\nt: 3\n"),
        ("s:\r\n  l: 2\r\nt: 3\r\n", "s:\r\n  l: 2\r\n  k: 1\r\nt: 3\r\n"),
        ("s: # all\nt: 3\n", "s: # all\n  k: 1\nt: 3\n"),
        ("s: null # all\n", "s:  # all\n  k: 1\n"),
        ("s: {}\n", "s: {k: 1}\n"),
        ("s: {l: 2}\n", "s: {k: 1, l: 2}\n"),
        ("s: {k: 0, l: 2}\n", "s: {k: 1, l: 2}\n"),
    ],
)
def test_a_value_is_set_where_it_belongs(before: str, after: str) -> None:
    assert with_value(before, "s", "k", 1) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("s:\n  l: 2\n", "s:\n  l: 2\n"),
        ("s:\n  k: 1 # why\n", "s:\n"),
        ("s:\n  # above\n  k: 1\n  # below\n  l: 2\n", "s:\n  # above\n  # below\n  l: 2\n"),
        ("s:\n  k:\n    >-\n    a\n    b\nt: 3\n", "s:\nt: 3\n"),
        ("s:\n  l: 2\n  k: 1", "s:\n  l: 2\n"),
        ("s: {k: 1}\n", "s: {}\n"),
        ("s: {k: 1, l: 2}\n", "s: {l: 2}\n"),
        ("s: {l: 2, k: 1}\n", "s: {l: 2}\n"),
        ("s: {l: 2, k: 1, m: 3}\n", "s: {l: 2, m: 3}\n"),
    ],
)
def test_a_value_is_removed_with_its_line_alone(before: str, after: str) -> None:
    assert without_value(before, "s", "k") == after
