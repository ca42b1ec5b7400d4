"""A program to be killed: it submits, claims and finishes in a store, and says what it was told is done."""

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
    """Deal, claim and finish for ever."""
    number = 0
    while True:
        number += 1
        dealt = await store.submit_batch(decks.deck(f"{name}_{number}", root, 2), None, decks.NO_LIMIT, 1.0)
        say("queued", *dealt.jobs)
        await store.claim(dealt.jobs, 2.0)
        say("running", *dealt.jobs)
        take = await store.finish(dealt.jobs[0], 1, decks.picture(seed=1), 3.0)
        assert take is not None
        say("done", take.job)
        await store.cancel(dealt.jobs[1:], None, 4.0)
        say("stopping", dealt.jobs[1])


async def main(path: Path) -> None:
    """Run until killed."""
    store = Store.open(path)
    life = len((await store.list_batches(1000, None)).batches)
    await asyncio.gather(*(work(store, path.parent, f"life{life}_{task}") for task in range(TASKS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
