"""Turn the rows of a table into cards: a name for each, and the settings that its own columns give.

Some columns say how a row is drawn instead of what it shows, and are empty where the set's own value holds:
`negative_prompt`, `seed`, `steps`, `guidance_scale`, `loras` (as `Card_Fronts:0.6 Tarot:0.2`). `name` names the card.
Case and blanks do not matter in these names (`Guidance Scale`). Any column can stand in the template.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from imagineerd.errors import Invalid, Problem
from imagineerd.jobs import (
    MAX_SEED,
    GuidanceScale,
    LoraWeight,
    Mix,
    Prompt,
    Seed,
    Steps,
    Weight,
)
from imagineerd.sets.config import lora_name
from imagineerd.sets.csv_rows import Table, TableRow
from imagineerd.sets.templates import fill, tidy

MAX_NAME = 80

_SUBJECT = re.compile(r"\{[^{}]+\}(?:(?: of | )?\{[^{}]+\})*")
_LORA = re.compile(r"""(?:"([^"]+)"|'([^']+)'|([^\s,;+:"']+))(?::([^\s,;+:]+))?(?=[\s,;+]|$)""")
_NEEDLESS_ZEROS = re.compile(r"\.0+$")


class Overrides(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a row's own columns say in place of the set's and the batch's settings; None is silence."""

    negative_prompt: str | None = None
    seed: int | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    loras: Mix | None = None


class Row(msgspec.Struct, frozen=True):
    """One card: `index` counts the cards from 1, `line` the lines of its file; values go by column."""

    index: int
    line: int
    name: str
    values: dict[str, str]
    overrides: Overrides = Overrides()


_SETTINGS: dict[str, tuple[Any, str]] = {
    "negative_prompt": (Prompt, "a text of at most 2000 characters"),
    "seed": (Seed, f"a whole number from 0 to {MAX_SEED}"),
    "steps": (Steps, "a whole number from 1 to 150"),
    "guidance_scale": (GuidanceScale, "a number from 0 to 30"),
}


def read_rows(table: Table, template: str, file: str) -> tuple[tuple[Row, ...], tuple[Problem, ...]]:
    """Return a card for each row, and a problem for each cell that is no setting of its kind."""
    rows: list[Row] = []
    problems: list[Problem] = []
    for index, table_row in enumerate(table.rows, 1):
        overrides, wrong = _overrides(table_row, file)
        name = card_name(table_row.cells, template) or f"Card {index}"
        rows.append(Row(index, table_row.line, name, table_row.cells, overrides))
        problems += wrong
    return tuple(rows), tuple(problems)


def card_name(values: dict[str, str], template: str) -> str:
    """Return the text of the `name` column, else of the template's subject, else an empty text.

    The subject is the first placeholder with those that follow it directly or by " of ": "Ace of Hearts".
    """
    for column, value in values.items():
        if _plain(column) == "name" and tidy(value):
            return tidy(value)[:MAX_NAME]
    subject = _SUBJECT.search(template)
    if subject is None:
        return ""
    filled = fill(subject[0], values)
    return "" if filled.empty or filled.unresolved else filled.text[:MAX_NAME]


def default_template(columns: Iterable[str]) -> str:
    """Return a template of the columns that say what a card shows, led by its name or the first."""
    shown = [column for column in columns if _plain(column) not in Overrides.__struct_fields__]
    shown.sort(key=lambda column: _plain(column) != "name")
    return ", ".join(f"{{{column}}}" for column in shown)


def parse_mix(text: str) -> Mix:
    """Read a mix such as `Card_Fronts:0.6 Tarot:0.2`; a LoRA without a weight gets the one noted beside it, else 1.

    LoRAs stand apart by blanks, commas, semicolons or plus signs; a name with one of these in it stands in quotes.
    Raises Invalid where the text is anything else, a weight is not from -2 to 2, or a LoRA is named twice.
    """
    mix: list[LoraWeight] = []
    rest = _after_gap(text)
    while rest:
        match = _LORA.match(rest)
        if match is None:
            raise _bad_mix(f'"{rest}" does not begin with a LoRA: write name:weight.')
        mix.append(_lora_weight(match))
        rest = _after_gap(rest[match.end() :])
    names = [lora.name for lora in mix]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            raise _bad_mix(f'The LoRA "{name}" is named twice: give it one weight.')
    return tuple(mix)


def _plain(column: str) -> str:
    return "_".join(column.lower().split())


def _overrides(row: TableRow, file: str) -> tuple[Overrides, list[Problem]]:
    settings: dict[str, Any] = {}
    problems: list[Problem] = []
    for column, text in row.cells.items():
        if text and _plain(column) in Overrides.__struct_fields__:
            try:
                settings[_plain(column)] = _setting(_plain(column), text)
            except Invalid as error:
                problems.append(Problem(error.message, file, row.line, column))
    return Overrides(**settings), problems


def _setting(setting: str, text: str) -> Any:
    """Return a cell's value; numbers may be written as spreadsheets do, 42.0 and 7,5."""
    if setting == "loras":
        return parse_mix(text)
    kind, wanted = _SETTINGS[setting]
    value = tidy(text) if setting == "negative_prompt" else _NEEDLESS_ZEROS.sub("", text)
    if setting == "guidance_scale":
        value = text.replace(",", ".")
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        raise Invalid([Problem(f'"{text}" is not {wanted}.')]) from None


def _after_gap(text: str) -> str:
    return text.lstrip(" \t\r\n,;+")


def _lora_weight(match: re.Match[str]) -> LoraWeight:
    name = lora_name(match[1] or match[2] or match[3])
    try:
        weight = msgspec.convert(float(match[4] or 1), Weight)
    except (ValueError, msgspec.ValidationError):
        message = f'The weight "{match[4]}" of "{name}" is not a number from -2 to 2.'
        raise _bad_mix(message) from None
    return LoraWeight(name, weight, noted=not match[4])


def _bad_mix(message: str) -> Invalid:
    return Invalid([Problem(message)], field="loras")
