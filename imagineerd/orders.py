"""What a drawing worker is told: claimed jobs, the folders of their batches, and where model and LoRAs are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from imagineerd import link
from imagineerd.jobs import GenerateSpec, Job
from imagineerd.naming import stem_of
from imagineerd.store import Store


class Orders(msgspec.Struct, frozen=True):
    """What the daemon looks up when it is needed: where a model and a LoRA are, and how long an idle model is kept.

    `unload_s` gives the seconds after which it leaves the memory, or None.
    """

    configure: Callable[[], link.Configure]
    source: Callable[[str, str], link.ModelSource]
    lora: Callable[[str], str]
    unload_s: Callable[[], float | None] = lambda: None


async def make_render(store: Store, orders: Orders, jobs: tuple[Job, ...], size: int, number: int) -> link.Render:
    """Make the order for a call of jobs that share a group. Raises what looking things up raises."""
    spec = drawing_of(jobs[0])
    folders = {batch: await _folder(store, batch) for batch in {job.batch for job in jobs}}
    loras = await asyncio.to_thread(lambda: [(lora.name, orders.lora(lora.name)) for lora in spec.mix])
    source = await asyncio.to_thread(orders.source, spec.model, spec.model_revision)
    items = tuple(_item(job, folders[job.batch]) for job in jobs)
    return link.Render(items, source, size, tuple(loras), number)


def drawing_of(job: Job) -> GenerateSpec:
    """Return what a job of the drawing lane is to draw."""
    assert isinstance(job.spec, GenerateSpec)  # noqa: S101 - its lane has jobs of no other kind
    return job.spec


def speed_key(spec: GenerateSpec) -> str:
    """Return what a measured speed is kept under: model and size."""
    return f"{spec.model}|{spec.width}x{spec.height}"


async def _folder(store: Store, batch: str) -> Path:
    folder = await store.folder(batch)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    return folder


def _item(job: Job, folder: Path) -> link.Item:
    stem = folder / stem_of(job.slot, job.spec.name)
    return link.Item(job.id, job.attempts, job.batch, job.slot, drawing_of(job), str(stem))
