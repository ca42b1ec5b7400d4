"""What people type is read as they mean it, and nothing that they type is an error of SQL or FTS5."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagineerd.errors import Invalid
from imagineerd.protocol import Search
from imagineerd.search import COLUMNS, Query, parse
from imagineerd.store.search import CREATE

LONGEST = 500


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Query()),
        ("fool", Query(match='"fool" *')),
        ("gold leaf", Query(match='"gold" * AND "leaf" *')),
        ('"gold leaf"', Query(match='"gold leaf"')),
        ('"gold leaf', Query(match='"gold leaf"')),
        ("-ink", Query(without='"ink" *')),
        ("fool -ink -gold", Query(match='"fool" *', without='"ink" * OR "gold" *')),
        ("card:fool", Query(match='card : "fool" *')),
        ('Card:"The Fool"', Query(match='card : "The Fool"')),
        ("set:tarot", Query(match='sets : "tarot" *')),
        ("-lora:Ink", Query(without='loras : "Ink" *')),
        ("is:favourite", Query(favourite=True)),
        ("is:Favorite -is:pick", Query(favourite=True, pick=False)),
        ("batch:last", Query(batch="last")),
        ("3:4 rock-n-roll", Query(match='"3:4" * AND "rock-n-roll" *')),
        ("don't", Query(match='"don\'t" *')),
        ("card: is: batch:", Query()),
        ("♥ -- !!! fool", Query(match='"fool" *')),
        ("a\0b\nc", Query(match='"a" * AND "b" * AND "c" *')),
        ("AND OR NOT NEAR", Query(match='"AND" * AND "OR" * AND "NOT" * AND "NEAR" *')),
    ],
)
def test_a_query_is_read_as_it_is_meant(text: str, query: Query) -> None:
    assert parse(text) == query


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sett:tarot", r'There is no filter "sett:"\. Did you mean "set"\? Put text with a colon in quotes\.'),
        ("https://example.org", r'There is no filter "https:"\.'),
        ("is:favoured", r'A take is not "favoured": write is:favourite, is:pick or is:nsfw\.'),
        ("-batch:last", r'A batch cannot be left out: write batch: without the "-"\.'),
    ],
)
def test_a_filter_that_is_none_is_told(text: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        parse(text)


# ---------------------------------------------------------------- whatever is typed


@pytest.fixture(scope="module")
def index() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute(CREATE)
    connection.execute("INSERT INTO take_text VALUES ('the fool, ink', 'at sea', 'tarot', 'The Fool', 'Ink', '')")
    return connection


def ask(index: sqlite3.Connection, text: str) -> None:
    """Read a query and put what comes out to FTS5."""
    try:
        query = parse(text)
    except Invalid:
        return
    for expression in filter(None, (query.match, query.without)):
        index.execute("SELECT rowid FROM take_text WHERE take_text MATCH ?", (expression,)).fetchall()


PIECES = st.sampled_from(
    [*(f"{name}:" for name in (*COLUMNS, "is", "batch")), '"', "-", "*", "^", "(", ")", "AND", "NEAR(", "fool", " ",
     ":", "{", "}", "+", "'", "\\", ";", "--", "\0", "é", "ﬁ", "́", "中", "🂡", "²"]
)  # fmt: skip


@settings(deadline=None)
@given(st.one_of(st.text(max_size=LONGEST), st.lists(PIECES, max_size=100).map("".join)))
def test_nothing_that_is_typed_is_an_error_of_the_index(index: sqlite3.Connection, text: str) -> None:
    ask(index, text)


@pytest.mark.parametrize("text", ["a " * (LONGEST // 2), '"' * LONGEST, "-a " * (LONGEST // 3), "x" * LONGEST])
def test_the_longest_query_is_none_either(index: sqlite3.Connection, text: str) -> None:
    assert Search(query=text[:LONGEST]).query

    ask(index, text[:LONGEST])


WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), WORDS), min_size=1, max_size=6))
def test_every_word_is_asked_for_or_left_out(terms: list[tuple[bool, str]]) -> None:
    query = parse(" ".join(f"{'-' * no}{word}" for no, word in terms))

    assert query.match.count('"') == 2 * sum(not no for no, _ in terms)
    assert query.without.count('"') == 2 * sum(no for no, _ in terms)
