"""Take back what was asked of the daemon, and say what came of that: some of it may be too late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagineer_tui.words import number_of

if TYPE_CHECKING:
    from imagineerd.client import AsyncClient
    from imagineerd.protocol import Dealt


async def take_back_dealt(client: AsyncClient, dealt: Dealt) -> str:
    """Cancel the jobs that are still open, put the takes of the others into the trash; return how many were which."""
    done = await client.cancel(dealt.jobs)
    takes = await _takes_of(client, dealt.batch.id, done.ended) if done.ended else []
    if takes:
        await client.delete(takes)
    stopped = len(done.cancelled + done.stopping)
    parts = [f"{number_of(stopped, 'card')} cancelled"] if stopped else []
    parts += [f"{number_of(len(takes), 'take')} put into the trash"] if takes else []
    return f"Taken back: {', '.join(parts)}." if parts else "Nothing was left to take back."


async def _takes_of(client: AsyncClient, batch_id: str, jobs: tuple[int, ...]) -> list[int]:
    detail = await client.batch(batch_id)
    return [take.id for slot in detail.slots for take in slot.takes if take.job in jobs]


def told(what: str, answer: object) -> str:
    """Say what came of taking something back, from the answer to it: a text says it itself, if it needs to be."""
    from imagineerd.protocol import Cancelled, Retried  # after the first paint

    match answer:
        case str():
            return answer
        case Cancelled(cancelled=(), stopping=()) | Retried(jobs=()):
            return f"It is too late to take this back: {what}."
        case _:
            return f"Taken back: {what}."
