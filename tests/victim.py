"""A program to be killed: it submits, steers, claims and finishes in a store, and says what it was told is done."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import decks

from imagineerd.store import Store

TASKS = 4


def say(*words: object) -> None:
    """Print one acknowledgement; only a whole line counts."""
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


async def work(store: Store, root: Path, name: str) -> None:
    """Deal, steer, claim and finish for ever."""
    number = 0
    while True:
        number += 1
        new = decks.deck(f"{name}_{number}", root, 4, client=name)
        dealt = await store.submit_batch(new, None, decks.NO_LIMIT, 1.0)
        say("queued", *dealt.jobs)
        first, second, held, moved = dealt.jobs
        await store.place([moved], None, "top" if number % 2 else "bottom", None, 1.5)
        await store.pause(1.5, paused=number % 2 == 0)
        await store.hold([held], None, 1.5)
        say("held", held)
        await store.claim([first, second], 2.0)
        say("running", first, second)
        take = await store.finish(first, 1, decks.picture(seed=1), 3.0)
        assert take is not None
        say("done", take.job)
        await store.cancel([second], None, 4.0)
        say("stopping", second)


async def main(path: Path) -> None:
    """Run until killed."""
    store = Store.open(path)
    life = len((await store.list_batches(1000, None)).batches)
    await asyncio.gather(*(work(store, path.parent, f"life{life}_{task}") for task in range(TASKS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
