"""Models come from the hub with progress, or a sentence says why not. The hub is a local server here."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from imagineerd import link
from imagineerd.errors import ModelError
from imagineerd.models import resolve_model
from imagineerd.worker.hub import files_to_fetch

from .conftest import STARTER, Worker

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPO = "cards/tiny"
SD15_FILES = [
    ".gitattributes",
    "README.md",
    "feature_extractor/preprocessor_config.json",
    "model_index.json",
    "safety_checker/config.json",
    "safety_checker/model.fp16.safetensors",
    "safety_checker/model.safetensors",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.fp16.safetensors",
    "text_encoder/model.safetensors",
    "text_encoder/pytorch_model.bin",
    "tokenizer/merges.txt",
    "tokenizer/special_tokens_map.json",
    "tokenizer/tokenizer_config.json",
    "tokenizer/vocab.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.bin",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.non_ema.safetensors",
    "unet/diffusion_pytorch_model.safetensors",
    "v1-5-pruned-emaonly.safetensors",
    "v1-inference.yaml",
    "vae/config.json",
    "vae/diffusion_pytorch_model.fp16.safetensors",
    "vae/diffusion_pytorch_model.safetensors",
]


def test_only_what_is_needed_is_fetched() -> None:
    chosen = files_to_fetch(SD15_FILES, half=True)

    assert [name for name in chosen if name.endswith(".safetensors")] == [
        "text_encoder/model.fp16.safetensors",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "vae/diffusion_pytorch_model.fp16.safetensors",
    ]
    assert not [name for name in chosen if "safety" in name or "feature" in name or name.endswith(".bin")]
    assert {"model_index.json", "tokenizer/merges.txt", "scheduler/scheduler_config.json"} <= set(chosen)


def test_full_weights_are_taken_where_there_are_no_half_ones() -> None:
    files = [name for name in SD15_FILES if ".fp16." not in name]

    assert "unet/diffusion_pytorch_model.safetensors" in files_to_fetch(files, half=True)


def test_a_repository_of_pickles_is_refused() -> None:
    with pytest.raises(ModelError, match="only safetensors"):
        files_to_fetch([name for name in SD15_FILES if not name.endswith(".safetensors")], half=False)


@pytest.fixture
def hub(tiny: Path) -> Iterator[str]:  # noqa: C901 - a whole hub
    """The hub's address; it holds the tiny model as `cards/tiny`."""
    files = {path.relative_to(tiny).as_posix(): path.read_bytes() for path in tiny.rglob("*") if path.is_file()}

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(head=True)

        def do_GET(self) -> None:
            self.answer(head=False)

        def answer(self, *, head: bool) -> None:
            path = self.path.partition("?")[0]
            name = path.removeprefix(f"/{REPO}/resolve/{COMMIT}/")
            if path.startswith(f"/api/models/{REPO}/tree/"):
                self.reply(json.dumps(tree()).encode(), head=head)
            elif path.startswith(f"/api/models/{REPO}"):
                self.reply(json.dumps(about()).encode(), head=head)
            elif name in files:
                self.reply(files[name], head=head)
            else:
                self.send_response(404)
                self.send_header("X-Error-Code", "RepoNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()

        def reply(self, content: bytes, *, head: bool) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if not head:
                self.wfile.write(content)

        def log_message(self, *_args: Any) -> None:
            pass

    def about() -> dict[str, Any]:
        siblings = [{"rfilename": name, "size": len(content)} for name, content in files.items()]
        return {"id": REPO, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}

    def tree() -> list[dict[str, Any]]:
        return [
            {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha256(content).hexdigest()[:40]}
            for name, content in files.items()
        ]

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def ask(spec: Any, tmp_path: Path) -> Callable[[Worker, str], list[link.Report]]:
    """Have a worker draw with a model that it must fetch first."""

    def draw(worker: Worker, name: str) -> list[link.Report]:
        item = link.Item(1, 1, "b", 1, spec(), str(tmp_path / "a"))
        worker.send(link.Render((item,), link.ModelSource(name), 1))
        return worker.until(link.OrderDone)

    return draw


def worker_with(endpoint: str, cache: Path) -> Worker:
    configure = link.Configure(link.Hardware(device="cpu", threads=1), cache_dir=str(cache))
    return Worker(configure, HF_ENDPOINT=endpoint, HF_HUB_OFFLINE="0", NO_PROXY="127.0.0.1")


def test_a_model_is_fetched_with_progress_and_found_again(hub: str, ask: Any, tmp_path: Path) -> None:
    worker = worker_with(hub, tmp_path / "cache")
    failed = ask(worker, "cards/none")[-2]
    told = ask(worker, REPO)
    worker.leave()
    fractions = [report.fraction for report in told if isinstance(report, link.Loading)]
    found = resolve_model(REPO, starter=STARTER, cache_dir=tmp_path / "cache")

    assert failed.code == "E_MODEL"
    assert "no such repository" in failed.message
    assert [report.revision for report in told if isinstance(report, link.Loaded)] == [COMMIT]
    assert max(fractions) > 0.99
    assert (tmp_path / "a.png").exists()
    assert (found.present, found.source.revision) == (True, COMMIT)


def test_no_network_is_one_sentence(ask: Any, tmp_path: Path) -> None:
    worker = worker_with("http://127.0.0.1:9", tmp_path / "cache")
    failed = ask(worker, REPO)[-2]
    worker.leave()

    assert failed.code == "E_MODEL"
    assert "cannot be reached" in failed.message
