"""What people type to find takes, read: words, "phrases", -without, and filters such as `card:fool` or `is:favourite`.

What comes out are expressions of SQLite's FTS5 in which every word of the user stands in quotes, so that nothing that
is typed can be an error there. A filter whose value is still missing (`card:`) filters nothing: people search while
they type.
"""

from __future__ import annotations

import re
from typing import Final, get_args

import msgspec

from imagineerd.errors import Invalid, did_you_mean
from imagineerd.protocol import Rating

COLUMNS: Final = {
    "prompt": "prompt",
    "theme": "theme",
    "set": "sets",
    "card": "card",
    "lora": "loras",
    "label": "labels",
}
"""Filters by text, and the column of the index that each looks into."""
IS: Final = {"favourite": "favourite", "favorite": "favourite", "pick": "pick", "nsfw": "nsfw"}
FILTERS: Final = (*COLUMNS, "batch", "is", "rating")
RATINGS: Final = get_args(Rating)

_TERM = re.compile(r'(?P<no>-?)(?:(?P<filter>[^\W\d_]+):)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]*))')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Query(msgspec.Struct, frozen=True):
    """What is asked for: FTS5 expressions (empty: none), the name of a batch, and what a take has to be or not."""

    match: str = ""
    without: str = ""
    batch: str = ""
    favourite: bool | None = None
    pick: bool | None = None
    nsfw: bool | None = None
    rating: str = ""


class Term(msgspec.Struct, frozen=True):
    """One term: `no` leaves out, `filter` says where to look, a phrase has to stand as it is."""

    no: bool
    filter: str
    text: str
    phrase: bool


def parse(text: str) -> Query:
    """Read a query. Raises `Invalid` for a filter that does not exist, or one that cannot be used so."""
    terms = [term for term in map(_term, _TERM.finditer(_CONTROL.sub(" ", text))) if term.text or term.filter]
    for term in terms:
        _check(term)
    words = [term for term in terms if term.filter not in {"is", "batch", "rating"} and _has_letters(term.text)]
    traits = {IS[term.text.casefold()]: not term.no for term in terms if term.filter == "is" and term.text}
    ratings = [term.text.upper() for term in terms if term.filter == "rating"]
    batches = [term.text for term in terms if term.filter == "batch"]
    return Query(
        match=" AND ".join(_expression(term) for term in words if not term.no),
        without=" OR ".join(_expression(term) for term in words if term.no),
        batch=batches[-1] if batches else "",
        rating=ratings[-1] if ratings else "",
        **traits,
    )


def _term(found: re.Match[str]) -> Term:
    phrase, word = found["phrase"], found["word"]
    return Term(bool(found["no"]), (found["filter"] or "").casefold(), phrase or word or "", phrase is not None)


def _check(term: Term) -> None:
    if term.filter and term.filter not in FILTERS:
        hint = did_you_mean(term.filter, FILTERS)
        raise _invalid(f'There is no filter "{term.filter}:".{hint} Put text with a colon in quotes.')
    if term.filter == "is" and term.text and term.text.casefold() not in IS:
        raise _invalid(
            f'A take is not "{term.text}": write is:favourite, is:pick or is:nsfw.{did_you_mean(term.text, IS)}'
        )
    if term.filter == "rating" and (term.no or term.text.upper() not in ("", *RATINGS)):
        raise _invalid(f"A rating is one of {', '.join(RATINGS)}, such as rating:safe.")
    if term.filter == "batch" and term.no:
        raise _invalid('A batch cannot be left out: write batch: without the "-".')


def _invalid(message: str) -> Invalid:
    return Invalid(message=message, field="$.query")


def _has_letters(text: str) -> bool:
    """Say whether the index can hold any of it: letters and digits are what it is made of."""
    return any(map(str.isalnum, text))


def _expression(term: Term) -> str:
    quoted = '"' + term.text.replace('"', '""') + '"'
    column = f"{COLUMNS[term.filter]} : " if term.filter else ""
    return f"{column}{quoted}{'' if term.phrase else ' *'}"
