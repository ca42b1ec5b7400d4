"""What is asked of the daemon: one exhaustive match. What each request does stands in `answers`.

A reply means it has happened: what changes state is committed in the store before it is answered.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from imagineerd import config as configuration
from imagineerd import protocol, search, takes
from imagineerd.answers import card_sets, dealing, doctor, labels, mixes, session, sheets, steering
from imagineerd.answers.configuring import Configuring
from imagineerd.answers.parts import Parts, one_of
from imagineerd.errors import Draining
from imagineerd.server import Client

SUBMITS = (protocol.Submit, protocol.LabelTakes, protocol.RetryJobs, protocol.Release)


class Requests:
    """The daemon as its clients see it."""

    def __init__(self, parts: Parts, *, boot: str, stop: Callable[[], None]) -> None:
        self.parts = parts
        self.configuring = Configuring(parts)
        self.draining = False
        self._boot = boot
        self._stop = stop
        self._status = session.Status(parts, boot)

    @property
    def config(self) -> configuration.Config:
        """The configuration as it is now."""
        return self.parts.config

    async def answer(  # noqa: C901, PLR0911, PLR0912, PLR0915 - one case for each request, on purpose
        self, request: protocol.Request[Any], client: Client
    ) -> protocol.Body:
        """Do what was asked. Raises the errors of `errors.py`."""
        if self.draining and isinstance(request, SUBMITS):
            raise Draining("The daemon is stopping; ask again when it is back.")
        parts, store = self.parts, self.parts.store
        match request:
            case protocol.Hello():
                return session.welcome(request, client, store.epoch, self._boot)
            case protocol.GetStatus():
                return await self._status.look()
            case protocol.RunDoctor():
                return await doctor.examine(parts)
            case protocol.ListSets():
                return await card_sets.list_sets(parts)
            case protocol.GetSet():
                return card_sets.detail(await card_sets.find_set(parts, request.set))
            case protocol.ListLoras():
                return await mixes.list_loras(parts, request)
            case protocol.GetLora():
                return await mixes.get_lora(parts, request.lora)
            case protocol.NoteLora():
                return await mixes.note_lora(parts, request)
            case protocol.ListMixes():
                return protocol.Mixes(mixes=await store.list_mixes())
            case protocol.GetMix():
                return await store.get_mix(request.name)
            case protocol.SaveMix():
                return await mixes.save_mix(parts, request)
            case protocol.RenameMix():
                return await mixes.rename_mix(parts, request)
            case protocol.DeleteMix():
                await store.delete_mix(request.name, time.time())
                return protocol.Done()
            case protocol.PlanDeal():
                return await sheets.plan_deal(parts, request)
            case protocol.PlanPrompt():
                return await sheets.plan_prompt(parts, request)
            case protocol.MakeThemes():
                return sheets.make_themes(request)
            case protocol.Deal():
                return await dealing.deal(parts, request, client)
            case protocol.Generate():
                return await dealing.generate(parts, request, client)
            case protocol.DealGrid():
                return await dealing.deal_grid(parts, request, client)
            case protocol.Reroll():
                return await dealing.reroll(parts, request, client)
            case protocol.Complete():
                return await dealing.complete(parts, request, client)
            case protocol.ListBatches():
                return await store.list_batches(request.limit, request.before, auditions=request.auditions)
            case protocol.GetBatch():
                return await store.get_batch(request.batch)
            case protocol.ListJobs():
                return await store.list_jobs(request.states, request.batch, request.limit, request.before)
            case protocol.GetQueue():
                return await store.queue(request.limit, request.after)
            case protocol.Cancel():
                return await steering.cancel(parts, request)
            case protocol.RetryJobs():
                return await steering.retry(parts, request)
            case protocol.Hold():
                return await steering.hold(parts, request)
            case protocol.Release():
                return await steering.release(parts, request)
            case protocol.MoveJobs():
                return await steering.move(parts, request)
            case protocol.SetPriority():
                return await steering.set_priority(parts, request)
            case protocol.Pause():
                return await steering.pause(parts, request)
            case protocol.Unpause():
                return await steering.resume(parts)
            case protocol.Pick():
                await store.set_pick(request.take, time.time())
                return protocol.Done()
            case protocol.GetTake():
                return await takes.detail(store, parts.trash, request.take)
            case protocol.Favourite():
                await store.favourite(request.takes, time.time(), on=request.on)
                return protocol.Done()
            case protocol.DeleteTakes():
                one_of(request.takes, request.batch, "takes")
                return await parts.trash.delete(request.takes, request.batch)
            case protocol.RestoreTakes():
                one_of(request.takes, request.batch, "takes")
                return await parts.trash.restore(request.takes, request.batch)
            case protocol.ListTrash():
                return await store.list_trash(request.limit, request.before)
            case protocol.EmptyTrash():
                return await parts.trash.empty()
            case protocol.Search():
                return await store.search(search.parse(request.query), request.limit, request.before)
            case protocol.LabelTakes():
                return await labels.label_takes(parts, request, client)
            case protocol.GetLabels():
                return await store.labels(request.take)
            case protocol.EditLabel():
                return await labels.edit(parts, request, client)
            case protocol.RestoreLabel():
                return await labels.restore(parts, request)
            case protocol.ListLabelPrompts():
                return await labels.list_prompts(parts)
            case protocol.BuildLabeler():
                return labels.build_labeler(parts, request)
            case protocol.GetConfig():
                return self.configuring.show()
            case protocol.SetConfig():
                return await self.configuring.change(request)
            case protocol.Unsubscribe():
                parts.events.forget(client.address)
                return protocol.Done()
            case protocol.Stop():
                self.draining = True
                self._stop()
                return protocol.Done()
        raise AssertionError(request)
