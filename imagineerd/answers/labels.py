"""Labels, and what makes them."""

from __future__ import annotations

import asyncio
import time

from imagineerd import protocol
from imagineerd.answers.parts import Parts, one_of
from imagineerd.answers.terms import idem_of, who
from imagineerd.labels import checks, prompts
from imagineerd.labels.prompts import LabelPrompt
from imagineerd.link import Build
from imagineerd.server import Client


async def label_takes(parts: Parts, request: protocol.LabelTakes, client: Client) -> protocol.Labeling:
    """Have takes or a batch labelled. Raises `WrongState` where nothing can be labelled, `NotFound`, `Full`."""
    one_of(request.takes, request.batch, "takes")
    prompt = await asyncio.to_thread(find_prompt, parts, request.prompt or parts.config.labeling.prompt)
    limit = parts.config.daemon.queue_limit
    idem = idem_of(request, client)
    return await parts.store.label_takes(request, prompt, idem, limit, time.time(), client=who(client))


def find_prompt(parts: Parts, name: str) -> LabelPrompt:
    """Find a prompt. Raises `WrongState` where nothing can be labelled: no job is to wait for what never comes."""
    checks.require(parts.config, parts.paths)
    return prompts.find_prompt(parts.config.labeling.directory, name)


async def list_prompts(parts: Parts) -> protocol.LabelPrompts:
    """Return the names of the prompts and the folder that they are in."""
    folder = parts.config.labeling.directory
    names = await asyncio.to_thread(prompts.prompt_names, folder)
    return protocol.LabelPrompts(names=names, folder=str(folder))


async def edit(parts: Parts, request: protocol.EditLabel, client: Client) -> protocol.TakeLabel:
    """Say what a label should be."""
    return await _told(parts, request.take, await parts.store.edit_label(request, client.peer.user, time.time()))


async def restore(parts: Parts, request: protocol.RestoreLabel) -> protocol.TakeLabel:
    """Take back what was said of a label."""
    label = await parts.store.restore_label(request.take, request.label, time.time())
    return await _told(parts, request.take, label)


def build_labeler(parts: Parts, request: protocol.BuildLabeler) -> protocol.Done:
    """Begin to build the labeler's image. Raises `WrongState` while one is built."""
    image = parts.config.labeling.image
    parts.labeling.build(Build(image, request.base, request.version, request.network))
    return protocol.Done()


async def _told(parts: Parts, take: int, label: protocol.Label | None) -> protocol.TakeLabel:
    await parts.labeling.noting.note(take)
    return protocol.TakeLabel(take=take, label=label)
