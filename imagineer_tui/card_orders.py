"""Keep a card, throw it away, take something of it along: what the keys of the Gallery ask the daemon for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagineer_tui.model.gallery import command_of
from imagineer_tui.undoing import take_back_dealt

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineer_tui.model.album import Album
    from imagineer_tui.model.gallery import Card
    from imagineerd.protocol import Take


async def pick(framed: Framed, album: Album, card: Card, take: Take) -> None:
    """Let this take count for its card."""
    client, before = framed.client, album.pick_of(card)
    if before == take.id:
        others = card.takes > 1 and not album.among_takes
        framed.notify("This is the pick" + (": enter shows the other takes." if others else " already."))
    elif await framed.asked(client.pick(take.id)) and before:
        framed.did("Picked", lambda: client.pick(before))


async def reroll(framed: Framed, card: Card) -> None:
    """Deal this card once more."""
    client = framed.client
    if dealt := await framed.asked(client.reroll(card.batch, [card.slot])):
        framed.did(f"Re-rolled {card.name}", lambda: take_back_dealt(client, dealt))


async def favourite(framed: Framed, take: Take) -> None:
    """Mark the take as a favourite, or take that back."""
    await framed.asked(framed.client.favourite([take.id], on=not take.favourite))


async def delete(framed: Framed, take: Take) -> None:
    """Put the take into the trash."""
    client, gone = framed.client, [take.id]
    if await framed.asked(client.delete(gone)):
        framed.did("Deleted a take", lambda: client.restore(gone))


async def copy(framed: Framed, take: Take, what: str) -> None:
    """Send something of the take to the clipboard: its `prompt`, `seed`, `path`, or the `command` that draws it."""
    if about := await framed.asked(framed.client.take(take.id)):
        texts = {
            "prompt": about.spec.prompt,
            "seed": str(take.seed),
            "path": f"{about.folder}/{take.file}",
            "command": command_of(about),
        }
        framed.house.copy(texts[what], f"the {what}")
