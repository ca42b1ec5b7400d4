"""All that is known of a take: what was asked for (its row), and what it was drawn with (its sidecar)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from imagineerd.jobs import GenerateSpec, LoraWeight
from imagineerd.protocol import ListedTake, MixedLora, Settings, TakeDetail
from imagineerd.store import Store
from imagineerd.trash import Trash


class Sidecar(msgspec.Struct, frozen=True):
    """What is read of the JSON file beside a picture; what it lacks stays empty."""

    mix: tuple[MixedLora, ...] = ()
    model_revision: str = ""
    device: str = ""
    device_name: str = ""
    dtype: str = ""
    batch_size: int = 0
    versions: dict[str, str] = {}


async def detail(store: Store, trash: Trash, take_id: int) -> TakeDetail:
    """Return all that is known of a take. Raises `NotFound`, also for one that is gone for good."""
    about, spec, home = await store.listed_take(take_id)
    return await asyncio.to_thread(_detail, trash, about, spec, home)


def settings_of(spec: GenerateSpec) -> Settings:
    """Return the settings that draw the same picture again."""
    return Settings(
        width=spec.width,
        height=spec.height,
        steps=spec.steps,
        guidance_scale=spec.guidance_scale,
        seed=spec.seed,
        scheduler=spec.scheduler,
        negative_prompt=spec.negative_prompt,
        mix=tuple(LoraWeight(lora.name, lora.weight) for lora in spec.mix),
        model=spec.model,
    )


def _detail(trash: Trash, about: ListedTake, spec: GenerateSpec, home: Path) -> TakeDetail:
    picture, thumb = (trash.path_of(about.take, home, variant) for variant in ("full", "thumb"))
    sidecar = trash.sidecar_of(about.take, home)
    return TakeDetail(
        about=about,
        spec=spec,
        settings=settings_of(spec),
        **msgspec.structs.asdict(read_sidecar(sidecar)),
        seconds_per_step=about.take.duration / spec.steps,
        sidecar_bytes=_size(sidecar),
        thumb_bytes=_size(thumb),
        folder=str(picture.parent),
    )


def read_sidecar(path: Path) -> Sidecar:
    """Read a sidecar; an empty one where there is none, or something else of its name."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Sidecar)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Sidecar()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
