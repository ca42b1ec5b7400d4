"""The sets, as clients see them."""

from __future__ import annotations

import asyncio

from imagineerd import protocol
from imagineerd.answers.parts import Parts
from imagineerd.errors import Invalid
from imagineerd.sets import library as sets


async def library(parts: Parts) -> sets.SetLibrary:
    """Read the sets that ship and those of the configured folder."""
    return await asyncio.to_thread(sets.read_sets, parts.paths.builtin_sets, parts.config.sets.directory)


async def find_set(parts: Parts, word: str) -> sets.CardSet:
    """Find a set by the beginning of its name. Raises `Invalid` with all that is wrong in it, `NotFound`."""
    found = await library(parts)
    if word in found.problems:
        raise Invalid(found.problems[word])
    names = {set_id: card_set.name for set_id, card_set in found.sets.items()}
    return found.sets[sets.match_set(word, names)]


async def list_sets(parts: Parts) -> protocol.Sets:
    """Return the sets, those that cannot be dealt with their problems."""
    found = await library(parts)
    good = [_info(card_set) for card_set in found.sets.values()]
    broken = [protocol.SetInfo(id=name, name=name, problems=problems) for name, problems in found.problems.items()]
    return protocol.Sets(sets=(*good, *broken))


def detail(card_set: sets.CardSet) -> protocol.SetDetail:
    """Return a set with its cards."""
    return protocol.SetDetail(
        info=_info(card_set),
        base_prompt=card_set.base_prompt,
        prompt_template=card_set.prompt_template,
        style_suffix=card_set.style_suffix,
        negative_prompt=card_set.negative_prompt,
        columns=card_set.columns,
        cards=tuple(protocol.Card(index=row.index, name=row.name, values=row.values) for row in card_set.rows),
    )


def _info(card_set: sets.CardSet) -> protocol.SetInfo:
    return protocol.SetInfo(
        id=card_set.id,
        name=card_set.name,
        description=card_set.description,
        builtin=card_set.builtin,
        cards=len(card_set.rows),
        width=card_set.width,
        height=card_set.height,
        example_theme=card_set.example_theme,
        mix=card_set.loras,
    )
