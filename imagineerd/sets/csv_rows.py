"""Read a CSV the way people save it: any of three delimiters, Excel's marks, old encodings.

The header is the first line with text in it. Cells lose the white space around them and keep that inside them.
Lines are counted as an editor counts them, from 1, so that a problem can be found.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterator

import msgspec

from imagineerd.errors import Problem

DELIMITERS = (",", ";", "\t")
_EXCEL_HINT = re.compile(r"\Asep=([,;\t|])(?=\r?\n)")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_Record = tuple[int, list[str]]


class TableRow(msgspec.Struct, frozen=True):
    """One row: the line it begins on and a cell for every column, empty where the row was short."""

    line: int
    cells: dict[str, str]


class Table(msgspec.Struct, frozen=True):
    """The columns that have a name, in their order, and the rows that have text in them."""

    columns: tuple[str, ...] = ()
    rows: tuple[TableRow, ...] = ()


def read_table(data: bytes, file: str) -> tuple[Table, tuple[Problem, ...]]:
    """Return the table and everything that is wrong with it; `file` is the name the problems carry."""
    try:
        text = _decode(data)
    except UnicodeDecodeError as error:
        return Table(), (_not_text(file, data[: error.start].count(b"\n") + 1),)
    if "\0" in text:
        return Table(), (_not_text(file, text[: text.index("\0")].count("\n") + 1),)
    records, broken = _split(text, file)
    if not records:
        nothing = Problem("There is no header: the first line must name the columns.", file, 1)
        return Table(), tuple(broken) or (nothing,)
    return _table(records, broken, file)


def _decode(data: bytes) -> str:
    if data.startswith(_UTF16_MARKS):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if data.startswith(codecs.BOM_UTF8):
            raise
        return data.decode("cp1252")


def _not_text(file: str, line: int) -> Problem:
    return Problem("This is not UTF-8 or Windows-1252 text: save the file as CSV UTF-8.", file, line)


def _split(text: str, file: str) -> tuple[list[_Record], list[Problem]]:
    hint = _EXCEL_HINT.match(text)
    if hint:
        return _records(text[hint.end() :], hint[1], file)
    return _records(text, _delimiter(text, file), file)


def _delimiter(text: str, file: str) -> str:
    """Return the delimiter that makes most columns, and among equals one that fits every row."""

    def worth(delimiter: str) -> tuple[int, bool]:
        records, _ = _records(text, delimiter, file)
        width = len(records[0][1]) if records else 0
        return width, all(len(cells) <= width for _, cells in records)

    return max(DELIMITERS, key=worth)


def _records(text: str, delimiter: str, file: str) -> tuple[list[_Record], list[Problem]]:
    """Return the records that have text in them, up to the first that cannot be read."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    records: list[_Record] = []
    line = 1
    try:
        for raw in reader:
            cells = [cell.strip() for cell in raw]
            if any(cells):
                records.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        message = f"The quotes of this row do not pair up ({error}): write a quote inside a cell twice."
        return records, [Problem(message, file, line)]
    return records, []


def _table(records: list[_Record], broken: list[Problem], file: str) -> tuple[Table, tuple[Problem, ...]]:
    (header_line, header), *body = records
    problems = [*_twice(header, header_line, file), *_too_wide(body, len(header), file), *broken]
    rows = tuple(TableRow(line, _cells(header, cells)) for line, cells in body)
    return Table(tuple(name for name in header if name), rows), tuple(problems)


def _cells(header: list[str], cells: list[str]) -> dict[str, str]:
    pairs = itertools.zip_longest(header, cells[: len(header)], fillvalue="")
    return {name: cell for name, cell in pairs if name}


def _twice(header: list[str], line: int, file: str) -> Iterator[Problem]:
    for name in dict.fromkeys(header):
        if name and header.count(name) > 1:
            message = f"The header names this column {header.count(name)} times: rename one."
            yield Problem(message, file, line, column=name)


def _too_wide(body: list[_Record], width: int, file: str) -> Iterator[Problem]:
    for line, cells in body:
        if any(cells[width:]):
            message = (
                f"This row has {len(cells)} cells and the header {width}: quote a cell that contains the delimiter."
            )
            yield Problem(message, file, line)
