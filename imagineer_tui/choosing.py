"""Choose cards by number, range or name (`1-13,Ace of Spades`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from imagineerd.client import Client
from imagineerd.errors import Invalid, Problem, did_you_mean

_RANGE = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")


def cards(client: Client, set_id: str, text: str) -> tuple[int, ...]:
    """Return the cards of a set that a text with commas names; none for all."""
    words = tuple(filter(None, (part.strip() for part in text.split(","))))
    if not words:
        return ()
    return choose(words, {card.index: card.name for card in client.show_set(set_id).cards})


def slots(client: Client, batch_id: str, words: Sequence[str]) -> tuple[int, ...]:
    """Return the slots of a batch that words name; the batch is looked up for names alone."""
    by_number = all(_RANGE.fullmatch(word) for word in words)
    return choose(words, {} if by_number else {slot.index: slot.name for slot in client.batch(batch_id).slots})


def choose(words: Iterable[str], names: Mapping[int, str]) -> tuple[int, ...]:
    """Return the numbers that the words stand for, each once, in their order.

    A name may be cut short as long as it is clear. Raises `Invalid` with everything that is wrong; whether a number
    exists is for the daemon to say where `names` is empty.
    """
    chosen: list[int] = []
    problems: list[Problem] = []
    for word in words:
        try:
            chosen += _numbers(word, names)
        except ValueError as error:
            problems.append(Problem(str(error)))
    if problems:
        raise Invalid(problems, message="These are no cards to choose.")
    return tuple(dict.fromkeys(chosen))


def _numbers(word: str, names: Mapping[int, str]) -> Iterable[int]:
    found = _RANGE.fullmatch(word)
    if found is None:
        return [_named(word, names)]
    first, last = int(found[1]), int(found[2] or found[1])
    highest = max(names, default=last)
    if not 1 <= first <= last <= highest:
        raise ValueError(f'"{word}" is no range of cards from 1 to {highest}.')
    return range(first, last + 1)


def _named(word: str, names: Mapping[int, str]) -> int:
    wanted = word.casefold()
    exact = [number for number, name in names.items() if name.casefold() == wanted]
    near = exact or [number for number, name in names.items() if name.casefold().startswith(wanted)]
    if len(near) == 1:
        return near[0]
    if near:
        raise ValueError(f'"{word}" may be {_either([names[number] for number in near])}.')
    raise ValueError(f'There is no card "{word}".{did_you_mean(word, names.values())}')


def _either(names: list[str], most: int = 4) -> str:
    more = " …" if len(names) > most else ""
    return " or ".join(f'"{name}"' for name in names[:most]) + more
