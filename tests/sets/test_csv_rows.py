"""A CSV reads back as it was written, whoever wrote it; what cannot be read is named by line and column."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagineerd.sets.csv_rows import DELIMITERS, read_table

GOLDEN = Path(__file__).parents[1] / "data" / "sets"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))

names = st.text(st.characters(categories=["Ll", "Lu", "Nd"], include_characters="_"), min_size=1, max_size=8)
headers = st.lists(names, min_size=1, max_size=5, unique=True)
cells = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters='\n",;\t'), max_size=20)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    header = draw(headers)
    row = st.lists(cells, min_size=len(header), max_size=len(header)).filter(lambda r: any(c.strip() for c in r))
    return header, draw(st.lists(row, max_size=6))


def written(table: list[list[str]], delimiter: str, line_end: str, encoding: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerows(table)
    return text.getvalue().encode(encoding)


def as_lists(data: bytes, file: str = "x.csv") -> list[list[object]]:
    table, problems = read_table(data, file)
    if problems:
        return [str(problem) for problem in problems]  # type: ignore[misc]
    return [["columns", *table.columns], *([row.line, *row.cells.values()] for row in table.rows)]


@given(
    tables(),
    st.sampled_from(DELIMITERS),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
@settings(max_examples=200, deadline=None)
def test_any_table_reads_back_as_it_was_written(
    table: tuple[list[str], list[list[str]]], delimiter: str, line_end: str, encoding: str
) -> None:
    header, rows = table

    read, problems = read_table(written([header, *rows], delimiter, line_end, encoding), "x.csv")

    assert problems == ()
    assert read.columns == tuple(header)
    assert [list(row.cells.values()) for row in read.rows] == [[cell.strip() for cell in row] for row in rows]


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_bytes_at_all_make_reading_raise(data: bytes) -> None:
    table, problems = read_table(data, "x.csv")

    assert table.columns or problems


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.?sv")), ids=lambda path: path.name)
def test_files_as_people_save_them_read_as_expected(path: Path) -> None:
    assert as_lists(path.read_bytes(), path.name) == EXPECTED[path.name]


def test_every_expectation_has_its_file() -> None:
    assert sorted(EXPECTED) == sorted(path.name for path in GOLDEN.glob("*.?sv"))


def test_a_row_is_found_on_the_line_where_it_begins() -> None:
    table, _ = read_table(b'a,b\n\n"one\ntwo",x\nthree,y\n', "x.csv")

    assert [row.line for row in table.rows] == [3, 5]


def test_a_short_row_is_filled_up_with_empty_cells() -> None:
    table, problems = read_table(b"a,b,c\n1\n", "x.csv")

    assert problems == ()
    assert table.rows[0].cells == {"a": "1", "b": "", "c": ""}


def test_all_problems_of_a_file_come_together() -> None:
    _, problems = read_table(b'a,a\n1,2,3\n4,5,6\n7,"8', "x.csv")

    assert [(problem.row, problem.column) for problem in problems] == [(1, "a"), (2, ""), (3, ""), (4, "")]


def test_a_comma_inside_a_semicolon_header_does_not_mislead() -> None:
    table, _ = read_table(b'name;"look, mood";place\nAce;red, calm;top\n', "x.csv")

    assert table.columns == ("name", "look, mood", "place")
