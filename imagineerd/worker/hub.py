"""Fetch a model from the Hugging Face hub: only the files that are needed, with progress."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from tqdm import tqdm  # type: ignore[import-untyped,unused-ignore]

from imagineerd import link
from imagineerd.errors import ModelError
from imagineerd.models import hub_cache

Report = Callable[[link.Message], None]
_WEIGHTS = {
    "text_encoder": "model",
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
}
_CONFIGS = (".json", ".txt")
_FOLDERS = ("scheduler", "text_encoder", "tokenizer", "unet", "vae")


def fetch(source: link.ModelSource, dtype: torch.dtype, configure: link.Configure, report: Report) -> Path:
    """Return the snapshot folder of a hub model, downloading what is missing. Raises `ModelError`."""
    if configure.offline:
        raise _absent(source.name, "and downloads are off")
    try:
        return _download(source, dtype, configure, report)
    except GatedRepoError as error:
        raise _absent(source.name, "and the hub asks for a login (huggingface-cli login)") from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise _absent(source.name, "and the hub has no such repository or revision") from error
    except OfflineModeIsEnabled as error:
        raise _absent(source.name, "and HF_HUB_OFFLINE is set") from error
    except OSError as error:
        if error.errno is not None and not isinstance(error, (ConnectionError, TimeoutError)):
            raise
        raise _absent(source.name, "and the hub cannot be reached") from error
    except Exception as error:
        if _is_network(error):
            raise _absent(source.name, "and the hub cannot be reached") from error
        raise


def files_to_fetch(files: Iterable[str], *, half: bool) -> list[str]:
    """Choose from a repository's file list: configs, tokenizer, and one safetensors file (or its shards) per part.

    `half` prefers `.fp16.` weights. Raises `ModelError` where a part has no safetensors.
    """
    files = sorted(files)
    chosen = [name for name in files if name in {"model_index.json", "imagineer.json"}]
    for folder in _FOLDERS:
        chosen += [name for name in files if _is_config(name, folder)]
    for folder, stem in _WEIGHTS.items():
        chosen += _weights(files, f"{folder}/{stem}", half=half)
    return chosen


def _is_config(name: str, folder: str) -> bool:
    inside = name.startswith(f"{folder}/") and name.count("/") == 1
    return inside and name.endswith(_CONFIGS) and "index" not in name


def _weights(files: list[str], stem: str, *, half: bool) -> list[str]:
    full, fp16 = f"{stem}.safetensors", f"{stem}.fp16.safetensors"
    for name in (fp16, full) if half else (full, fp16):
        if name in files:
            return [name]
    raise ModelError(f"The hub repository has no {full}, and only safetensors are loaded.")


def _download(source: link.ModelSource, dtype: torch.dtype, configure: link.Configure, report: Report) -> Path:
    report(link.Loading(source.name, "asking the hub"))
    revision = source.revision or None
    info = HfApi().model_info(source.name, revision=revision, timeout=20, files_metadata=True)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    files = files_to_fetch(sizes, half=dtype == torch.float16)
    cache = Path(configure.cache_dir) if configure.cache_dir else None
    folder = snapshot_download(
        source.name,
        revision=info.sha,
        cache_dir=hub_cache(cache),
        allow_patterns=files,
        tqdm_class=_bar_that_reports(source.name, sum(sizes[name] for name in files), report),
    )
    _remember_main(Path(folder), source)
    return Path(folder)


def _remember_main(folder: Path, source: link.ModelSource) -> None:
    """Write `refs/main`, which a download by commit leaves out, so that the model is found in the cache again."""
    ref = folder.parent.parent / "refs" / "main"
    if not source.revision and not ref.exists():
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(folder.name)


def _bar_that_reports(name: str, total: int, report: Report) -> type[Any]:
    """Return a progress bar class that prints nothing and reports bytes of `total`, once per percent."""
    lock = threading.Lock()
    told = -1

    def tell(count: float) -> None:
        nonlocal told
        percent = int(100 * min(count / total, 1.0)) if total else 0
        with lock:
            if percent > told:
                told = percent
                detail = f"downloading, {count / 1e6:.0f} of {total / 1e6:.0f} MB"
                report(link.Loading(name, detail, percent / 100))

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self._counts_bytes = kwargs.get("unit") == "B"
            wanted = {key: value for key, value in kwargs.items() if key != "name"}
            super().__init__(*args, **wanted | {"disable": False, "file": _Nowhere()})

        def update(self, n: float | None = 1) -> bool | None:
            shown: bool | None = super().update(n)
            if self._counts_bytes:
                tell(self.n)
            return shown

    return Bar


class _Nowhere:
    """A file that swallows what is written to it."""

    def write(self, _text: str) -> None:
        """Drop the text."""

    def flush(self) -> None:
        """Do nothing."""


def _is_network(error: Exception) -> bool:
    # The hub client lets its HTTP library's errors through, and which library that is (httpx, httpx2) changes.
    return isinstance(error, HfHubHTTPError) or type(error).__module__.startswith("httpx")


def _absent(name: str, why: str) -> ModelError:
    return ModelError(
        f'The model "{name}" is not on this machine {why}. Download it once with network, '
        'or set model.default to a local folder, a .safetensors file or "starter".'
    )
