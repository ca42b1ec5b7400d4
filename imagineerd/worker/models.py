"""Load, keep and evict models. One path for hub ids, diffusers folders and `.safetensors` checkpoints.

Only safetensors are loaded, no safety checker is. The parts are taken one by one from diffusers and transformers,
because our own loop (denoise.py) drives them; the pipeline class would bring nothing but its imports.
"""

from __future__ import annotations

import contextlib
import gc
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.utils import logging as transformers_logging

from imagineerd import link
from imagineerd.errors import ImagineerError, ModelError
from imagineerd.fingerprint import file_sha256
from imagineerd.models import SHORT, folder_revision, missing_parts
from imagineerd.worker import checkpoints, hub
from imagineerd.worker.cache import Cache
from imagineerd.worker.capturing import Captures
from imagineerd.worker.devices import Device, free_cached, memory_used, models_kept
from imagineerd.worker.failures import is_out_of_memory

transformers_logging.disable_progress_bar()

MAX_PROMPT_BYTES = 64 * 1024 * 1024
"""Of text embeddings that are kept for each model: some 500 at SD 1.5 size in fp16."""

Report = Callable[[link.Message], None]


Recipe = tuple[tuple[str, float], ...]
"""What is added to a weight: (hash of the LoRA's file, its strength), in the order of the sum."""


@dataclass(frozen=True)
class Merged:
    """A weight that a mix has changed: the bits that were loaded, and what is added to them."""

    pristine: torch.Tensor
    recipe: Recipe


def _new_prompts() -> Cache[tuple[frozenset[Recipe], str], torch.Tensor]:
    return Cache(MAX_PROMPT_BYTES, lambda embedding: embedding.nbytes)


@dataclass(eq=False)
class Model:
    """A loaded model: its parts on the device, ready to draw.

    `prompts` caches text embeddings, [1, 77, width], by `text_mix` (what is added to the text encoder) and text. That,
    `merged` and `mix` (None while nothing is sure) belong to mixing.py, `rgb_map` to preview.py, `captures` to
    capturing.py, `graphs` (None where nothing is compiled) to racing.py, `slot_independent` (None while nobody asked)
    to selftest.py. `checkpoint_sha256` is set for a `.safetensors` checkpoint.
    """

    name: str
    revision: str
    tokenizer: Any
    text_encoder: Any
    unet: Any
    vae: Any
    scheduler_config: dict[str, Any]
    device: torch.device
    dtype: torch.dtype
    checkpoint_sha256: str = ""
    prompts: Cache[tuple[frozenset[Recipe], str], torch.Tensor] = field(default_factory=_new_prompts)
    merged: dict[torch.nn.Parameter, Merged] = field(default_factory=dict)
    mix: tuple[Any, ...] | None = ()
    text_mix: frozenset[Recipe] = frozenset()
    rgb_map: torch.Tensor | None = None
    captures: Captures = field(default_factory=Captures)
    graphs: Any = None
    slot_independent: bool | None = None

    @property
    def parts(self) -> tuple[Any, Any, Any]:
        """Text encoder, UNet and VAE, in the order they are used."""
        return self.text_encoder, self.unet, self.vae


class Library:
    """The loaded models, most recently used last."""

    def __init__(
        self,
        device: Device,
        configure: link.Configure,
        report: Report,
        on_loaded: Callable[[Model], None] = lambda _model: None,
    ) -> None:
        self._device = device
        self._on_loaded = on_loaded
        self._configure = configure
        self._report = report
        self._loaded: OrderedDict[tuple[str, str, str], Model] = OrderedDict()

    def get(self, source: link.ModelSource) -> Model:
        """Return the model, loading it if need be. Raises `ModelError`."""
        key = (source.name, source.path, source.revision)
        if key not in self._loaded:
            self.keep(models_kept(self._device) - 1)
            self._loaded[key] = self._load(source)
        self._loaded.move_to_end(key)
        return self._loaded[key]

    def keep(self, count: int) -> None:
        """Evict the least recently used models until `count` are left."""
        while len(self._loaded) > count:
            _close(self._loaded.popitem(last=False)[1])
        gc.collect()  # nobody here has a name for what was evicted: else its memory would not be given back
        free_cached(self._device)

    def _load(self, source: link.ModelSource) -> Model:
        started = time.monotonic()
        self._report(link.Loading(source.name))
        model = load(source, self._device, self._configure, self._report)
        self._on_loaded(model)
        seconds = time.monotonic() - started
        used = memory_used(self._device)
        self._report(link.Loaded(source.name, model.revision, seconds, used))
        return model


def _close(model: Model) -> None:
    """End what goes on for a model that is evicted."""
    model.captures.give_back()
    if model.graphs is not None:
        model.graphs.close()


def load(source: link.ModelSource, device: Device, configure: link.Configure, report: Report) -> Model:
    """Fetch and load a model onto the device. Raises `ModelError` with one sentence."""
    path = Path(source.path) if source.path else hub.fetch(source, device.dtype, configure, report)
    try:
        if path.is_dir():
            model = _load_folder(source, path, device.dtype)
        else:
            model = _load_checkpoint(source, path, device.dtype, configure)
    except ImagineerError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, checkpoints.SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(f'The model "{source.name}" cannot be loaded: {reason}') from error
    return _place(model, device)


def _load_folder(source: link.ModelSource, folder: Path, dtype: torch.dtype) -> Model:
    if missing := missing_parts(folder):
        raise ModelError(f'The model "{source.name}" lacks {", ".join(missing)} in {folder}.')
    return Model(
        name=source.name,
        revision=source.revision or _revision(folder),
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True),
        text_encoder=_part(CLIPTextModel, folder / "text_encoder", dtype),
        unet=_part(UNet2DConditionModel, folder / "unet", dtype),
        vae=_part(AutoencoderKL, folder / "vae", dtype),
        scheduler_config=_read_json(folder / "scheduler" / "scheduler_config.json"),
        device=torch.device("cpu"),
        dtype=dtype,
    )


def _load_checkpoint(source: link.ModelSource, path: Path, dtype: torch.dtype, configure: link.Configure) -> Model:
    cache_dir = Path(configure.cache_dir) if configure.cache_dir else None
    parts = checkpoints.load(path, dtype, cache_dir)
    sha256 = file_sha256(path)
    return Model(
        name=source.name,
        revision=source.revision or sha256[:SHORT],
        device=torch.device("cpu"),
        dtype=dtype,
        checkpoint_sha256=sha256,
        **parts,
    )


def _part(cls: Any, folder: Path, dtype: torch.dtype) -> Any:
    """Load one part; the weights' file nearest to the wanted dtype is taken where there are several."""
    return cls.from_pretrained(
        folder,
        dtype=dtype,
        variant=_variant(folder, dtype),
        use_safetensors=True,
        local_files_only=True,
    )


def _variant(folder: Path, dtype: torch.dtype) -> str | None:
    halves = any(folder.glob("*.fp16.safetensors"))
    full = any(path for path in folder.glob("*.safetensors") if path.name.count(".") == 1)
    return "fp16" if halves and (dtype == torch.float16 or not full) else None


def _place(model: Model, device: Device) -> Model:
    """Move the parts to the device and set their memory switches."""
    for part in model.parts:
        part.requires_grad_(requires_grad=False)
        part.eval()
    if device.offload:
        _offload(model, device)
    else:
        for part in model.parts:
            part.to(device.handle)
    model.device = device.handle
    if device.compile:
        model.unet.to(memory_format=torch.channels_last)
    if device.slice_attention:
        model.unet.set_attention_slice("auto")
    if device.slice_vae:
        model.vae.enable_slicing()
    return model


@contextlib.contextmanager
def sliced_attention(model: Model) -> Iterator[None]:
    """Compute attention one head at a time: a fraction of the memory, half as fast, and other last bits."""
    model.unet.set_attention_slice("max")
    try:
        yield
    finally:
        model.unet.set_attention_slice(None)


def _offload(model: Model, device: Device) -> None:
    """Keep the parts in main memory; each comes to the device when it is used and sends the one before it back."""
    from accelerate import cpu_offload_with_hook

    hook = None
    for part in model.parts:
        _, hook = cpu_offload_with_hook(part, device.handle, prev_module_hook=hook)


def _revision(folder: Path) -> str:
    """Return a hub snapshot's commit, or a content hash for any other folder."""
    return folder.name if folder.parent.name == "snapshots" else folder_revision(folder)


def _read_json(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_bytes())
    if not isinstance(content, dict):
        raise ModelError(f"{path} is no JSON object.")
    return content
