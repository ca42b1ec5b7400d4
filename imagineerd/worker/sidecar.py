"""What is written beside and into every picture: all that its bits depend on, and where it came from."""

from __future__ import annotations

import functools
import json
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec
import torch

from imagineerd import link
from imagineerd.infotext import SAMPLERS, Infotext, lora_hashes, with_loras, write_infotext
from imagineerd.version import VERSION
from imagineerd.worker.devices import Device
from imagineerd.worker.mixing import Applied
from imagineerd.worker.models import Model
from imagineerd.worker.samplers import uses_karras

FORMAT = 1
"""Version of the sidecar and of the `imagineer` chunk; keys are added, never renamed."""


def describe(  # noqa: PLR0913 - a picture's provenance has this many sources
    item: link.Item,
    *,
    model: Model,
    mix: tuple[Applied, ...],
    device: Device,
    batch_size: int,
    decode_batch: int,
    compiled: bool = False,
    sliced: bool = False,
) -> dict[str, Any]:
    """Return the content of the sidecar, ready for JSON, but for `duration`.

    `batch_size` is the number of pictures of the UNet's calls, `decode_batch` that of the VAE's, with the padding;
    `compiled` says whether a compiled UNet drew all of its steps, `sliced` which attention did, `slot_independent`
    whether the worker found that neighbours change no bit (None: it did not ask).
    """
    spec = item.spec
    return {
        "version": FORMAT,
        "prompt": spec.prompt,
        "prompt_parts": msgspec.to_builtins(spec.parts),
        "negative_prompt": spec.negative_prompt,
        "seed": spec.seed,
        "steps": spec.steps,
        "guidance_scale": spec.guidance_scale,
        "scheduler": spec.scheduler,
        "karras_sigmas": uses_karras(spec.scheduler, model.scheduler_config),
        "width": spec.width,
        "height": spec.height,
        "mix": [msgspec.to_builtins(lora) for lora in mix],
        "model": model.name,
        "model_revision": model.revision,
        **({"model_sha256": model.checkpoint_sha256} if model.checkpoint_sha256 else {}),
        "batch_size": batch_size,
        "decode_batch": decode_batch,
        "compiled": compiled,
        "attention_sliced": sliced,
        "slot_independent": model.slot_independent,
        **_machine(device),
        "job": item.job,
        "attempt": item.attempt,
        "batch": item.batch,
        "slot": item.slot,
        "name": spec.name,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def infotext_of(about: dict[str, Any]) -> str:
    """Return a sidecar's content in the web UI's form."""
    mix = about["mix"]
    scheduler = {"Schedule type": "Karras"} if about["karras_sigmas"] else {}
    checkpoint = about.get("model_sha256", "")
    hashes = lora_hashes({lora["name"]: lora["autov3"] for lora in mix})
    parameters = {
        "Steps": str(about["steps"]),
        "Sampler": SAMPLERS[about["scheduler"]],
        **scheduler,
        "CFG scale": f"{about['guidance_scale']:g}",
        "Seed": str(about["seed"]),
        "Size": f"{about['width']}x{about['height']}",
        **({"Model hash": checkpoint[:10]} if checkpoint else {}),
        "Model": about["model"],
        **({"Lora hashes": hashes} if hashes else {}),
        "RNG": "CPU",
        "Version": f"imagineer {VERSION}",
    }
    prompt = with_loras(about["prompt"], {lora["name"]: lora["weight"] for lora in mix})
    return write_infotext(Infotext(prompt, about["negative_prompt"], parameters))


def as_json(about: dict[str, Any], *, indent: int | None = None) -> str:
    """Return JSON in ASCII, which is safe in every kind of PNG chunk."""
    return json.dumps(about, indent=indent)


def _machine(device: Device) -> dict[str, Any]:
    """Return the rest of what the bits depend on."""
    return {
        "dtype": device.dtype_name,
        "device": device.kind,
        "device_name": device.name,
        "threads": torch.get_num_threads() if device.kind == "cpu" else 0,
        "versions": _versions(),
    }


@functools.cache
def _versions() -> dict[str, str]:
    packages = {name: _version_of(name) for name in ("torch", "diffusers", "transformers")}
    return {"imagineer": VERSION, **packages, "python": platform.python_version()}


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
