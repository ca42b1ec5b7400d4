"""Have pictures labelled, stop that, and have the labeler's image built: what the Labels screen asks the daemon for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from imagineer_tui.model.labels import open_jobs
from imagineer_tui.widgets.label_order import LabelOrder, Order
from imagineer_tui.words import number_of

if TYPE_CHECKING:
    from imagineer_tui.framed import Framed
    from imagineer_tui.model.labeling import Scope
    from imagineer_tui.model.labelled import Labelled

BATCHES: Final = 500
"""Batches that are listed."""
FAILURES: Final = 500
"""Failed and held jobs of earlier times that are asked for."""


async def load(framed: Framed, opened: Labelled) -> bool:
    """Ask for the batches and for the takes of the open one; say whether there was an answer."""
    page = await framed.asked(framed.client.batches(BATCHES))
    if page is None:
        return False
    opened.choose_from(page.batches)
    opened.detail = await framed.asked(framed.client.batch(opened.batch)) if opened.batch else None
    return True


async def load_failures(framed: Framed, opened: Labelled) -> None:
    """Ask for what a labeler failed at in earlier times."""
    from imagineerd.jobs import State

    if found := await framed.asked(framed.client.jobs((State.FAILED, State.HELD), limit=FAILURES)):
        opened.earlier = found.jobs


async def ask(framed: Framed, scopes: Sequence[Scope], scope: str, prompt: str) -> Order | None:
    """Let a person choose what is to be labelled, and with which prompt; None where it is left."""
    if not scopes:
        framed.notify("There is no picture to label yet: 1 deals a deck.")
        return None
    prompts = await framed.asked(framed.client.label_prompts())
    if prompts is None:
        return None
    chosen = prompt or await _usual_prompt(framed)
    return await framed.house.push_screen_wait(LabelOrder(scopes, scope, prompts.names, chosen, prompts.folder))


async def _usual_prompt(framed: Framed) -> str:
    config = await framed.asked(framed.client.config())
    return str(config.values.get("labeling", {}).get("prompt", "")) if config else ""


async def begin(framed: Framed, order: Order) -> bool:
    """Queue what was chosen; say how much it is, or that there is nothing. False where the daemon refuses."""
    scope, client = order.scope, framed.client
    jobs: list[int] = []
    for batch in scope.batches or (None,):
        done = await framed.asked(client.label(scope.takes, batch, order.prompt, force=scope.force))
        if done is None:
            return False
        jobs += done.jobs
    if jobs:
        framed.did(f"{number_of(len(jobs), 'take')} to be labelled", lambda: client.cancel(jobs))
    else:
        framed.notify("There is nothing to label: all of these have a label, or wait for one.")
    return True


async def stop(framed: Framed, batch_id: str) -> None:
    """Cancel the open label jobs of a batch; what is with the labeler is taken away from it."""
    jobs, client = open_jobs(framed.world, batch_id), framed.client
    if not jobs:
        framed.notify("Nothing of this batch waits for the labeler.")
        return
    done = await framed.asked(client.cancel(jobs))
    if done and (gone := done.cancelled + done.stopping):
        framed.did(f"{number_of(len(gone), 'take')} will not be labelled", lambda: client.retry(gone))


async def build(framed: Framed) -> None:
    """Have the labeler's container image built; the world tells how it goes."""
    if framed.world.build and not framed.world.build.ended:
        framed.notify("It is being built.")
    elif await framed.asked(framed.client.build_labeler()):
        framed.notify("The labeler's image is being built.")
