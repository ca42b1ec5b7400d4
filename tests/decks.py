"""Small values for the tests of the store: specs, batches, takes, and a store to put them in."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from imagineerd import protocol
from imagineerd.jobs import GenerateSpec
from imagineerd.store import Store, intake, moves, outbox
from imagineerd.store.intake import Idem, NewBatch, Terms
from imagineerd.store.moves import NewTake

T = TypeVar("T")
NO_LIMIT = 10**9


def spec(seed: int = 1, prompt: str = "The Fool") -> GenerateSpec:
    """Return a small spec."""
    return GenerateSpec(
        prompt=prompt, width=64, height=96, steps=4, guidance_scale=7.5, seed=seed, model="starter", name=prompt
    )


def deck(base: str, root: Path, cards: int = 3, **terms: Any) -> NewBatch:
    """Return a batch of `cards` slots with a job each; the seed of a card is its index. `terms` are `Terms`."""
    slots = tuple((index, f"Card {index}", spec(index)) for index in range(1, cards + 1))
    return NewBatch(
        id=base,
        set_id="tarot",
        title=f"The {base}",
        theme="at sea",
        settings=b"\x80",
        output_dir=str(root),
        slots=slots,
        jobs=tuple((index, spec_) for index, _, spec_ in slots),
        terms=Terms(**terms),
    )


def key(name: str, digest: bytes = b"1" * 32) -> Idem:
    """Return an idempotency key of user 1000."""
    return ("1000", name, digest)


def picture(name: str = "01_card.png", seed: int = 1) -> NewTake:
    """Return what a worker tells of a finished picture."""
    return NewTake(
        file=name, seed=seed, width=64, height=96, bytes=1234, sha256="ab" * 32, color="#102030", duration=0.5
    )


def dealt(connection: sqlite3.Connection, root: Path, base: str = "tarot", cards: int = 3) -> tuple[int, ...]:
    """Submit a deck; return its job ids."""
    return intake.submit_batch(connection, deck(base, root, cards), None, NO_LIMIT, 1.0).jobs


def drawn(connection: sqlite3.Connection, job: int, name: str = "01_card.png") -> protocol.Take:
    """Claim a job and finish it; return its take."""
    (claimed,) = moves.claim(connection, [job], 2.0)
    take = moves.finish(connection, job, claimed.attempts, picture(name, claimed.spec.seed), 3.0)
    assert take is not None
    return take


def told(connection: sqlite3.Connection, after: int = 0) -> list[protocol.Body]:
    """Return the bodies of the events after a number, decoded."""
    return [decoded(event) for event in outbox.after(connection, after)]


def decoded(event: outbox.StoredEvent) -> protocol.Body:
    """Return the body of an event."""
    return msgspec.msgpack.decode(event.body, type=protocol.EVENTS[event.kind])


def with_store(path: Path, play: Callable[[Store], Awaitable[T]]) -> T:
    """Open a store, play with it in an event loop, close it."""

    async def scene() -> T:
        store = Store.open(path)
        try:
            return await play(store)
        finally:
            await store.close()

    return asyncio.run(scene())
