"""A cache holds what was used last, within its limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imagineerd.worker.cache import Cache


def made(cache: Cache[int, str], *keys: int, size: int = 1) -> list[int]:
    """Ask for values of `size`; return the keys whose values had to be made."""
    log: list[int] = []
    for key in keys:
        cache.get(key, lambda key=key: log.append(key) or "x" * size)
    return log


def test_a_value_is_made_once_while_it_is_kept() -> None:
    assert made(Cache(3, len), 1, 2, 1, 2) == [1, 2]


def test_the_least_recently_used_goes_first() -> None:
    cache: Cache[int, str] = Cache(2, len)

    assert made(cache, 1, 2, 1, 3, 1, 2) == [1, 2, 3, 2]
    assert (len(cache), cache.bytes) == (2, 2)


def test_what_is_larger_than_the_whole_cache_drives_nothing_out() -> None:
    cache: Cache[int, str] = Cache(2, len)

    assert made(cache, 1) == [1]
    assert made(cache, 2, 2, size=3) == [2, 2]
    assert made(cache, 1) == []


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6))), st.integers(0, 10))
def test_it_never_holds_more_than_its_limit(asked: list[tuple[int, int]], limit: int) -> None:
    cache: Cache[tuple[int, int], bytes] = Cache(limit, len)
    for key in asked:
        assert len(cache.get(key, lambda key=key: bytes(key[1]))) == key[1]
        assert cache.bytes == sum(len(value) for value in cache._values.values()) <= limit
