"""A tiny Stable Diffusion model with random weights, its parts in this process, and a real worker process."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imagineerd import link
from imagineerd.jobs import GenerateSpec

ROOT = Path(__file__).resolve().parents[2]
STARTER = ROOT / "imagineerd" / "starter" / "model"
SHAPE = {
    "unet": {
        "sample_size": 8,
        "block_out_channels": (16, 16, 32, 32),
        "layers_per_block": 2,
        "cross_attention_dim": 32,
        "attention_head_dim": 2,
        "norm_num_groups": 8,
    },
    "vae": {
        "sample_size": 64,
        "block_out_channels": (8, 8, 16, 16),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 2,
        "norm_num_groups": 8,
        "scaling_factor": 0.18215,
    },
    "text_encoder": {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "projection_dim": 32,
        "vocab_size": 4096,
        "max_position_embeddings": 77,
        "bos_token_id": 4094,
        "eos_token_id": 4095,
    },
    "scheduler": {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "steps_offset": 1,
        "prediction_type": "v_prediction",
        "use_karras_sigmas": True,
    },
}
"""SD 1.5's shape (4 levels, 2 layers each) at toy width."""
SHALLOW = {
    "block_out_channels": (16, 32),
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    "layers_per_block": 1,
}
"""Every kind of block of such a UNet, each as seldom as can be: dynamo's work grows with their number."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pass over what diffusers' schedulers do to numpy."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"))


MakeSpec = Callable[..., GenerateSpec]


def build_tiny(folder: Path, **unet: Any) -> Path:
    """Write the tiny model as diffusers would, with weights that are large enough to make prompts matter.

    Keywords replace what `SHAPE` says of the UNet.
    """
    import torch
    from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(7)
    UNet2DConditionModel(**(SHAPE["unet"] | unet)).save_pretrained(folder / "unet")
    AutoencoderKL(**SHAPE["vae"]).save_pretrained(folder / "vae")
    CLIPTextModel(CLIPTextConfig(**SHAPE["text_encoder"])).save_pretrained(folder / "text_encoder")
    DPMSolverMultistepScheduler(**SHAPE["scheduler"]).save_pretrained(folder / "scheduler")
    shutil.copytree(STARTER / "tokenizer", folder / "tokenizer")
    index = json.loads((STARTER / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model's folder."""
    return build_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def source(tiny: Path) -> link.ModelSource:
    return link.ModelSource("tiny", str(tiny))


@pytest.fixture(scope="session")
def shallow(tmp_path_factory: pytest.TempPathFactory) -> link.ModelSource:
    """A tiny model that is soon compiled."""
    return link.ModelSource("shallow", str(build_tiny(tmp_path_factory.mktemp("models") / "shallow", **SHALLOW)))


@pytest.fixture(scope="session")
def device() -> Any:
    from imagineerd.worker import devices

    chosen = devices.choose(link.Hardware(device="cpu"))
    devices.set_up(chosen, threads=1)
    return chosen


@pytest.fixture(scope="session")
def model(source: link.ModelSource, device: Any) -> Any:
    """The tiny model, loaded in this process; whoever mixes into it restores it."""
    from imagineerd.worker.models import load

    return load(source, device, link.Configure(link.Hardware()), lambda _report: None)


@pytest.fixture(scope="session")
def spec() -> MakeSpec:
    """Make a small spec; keywords replace its fields."""

    def make(**fields: Any) -> GenerateSpec:
        base = {
            "prompt": "ace of hearts, gold on black",
            "negative_prompt": "watercolour",
            "width": 64,
            "height": 72,
            "steps": 3,
            "guidance_scale": 3.0,
            "seed": 11,
            "model": "tiny",
        }
        return GenerateSpec(**(base | fields))

    return make


class Worker:
    """A real worker process at the other end of a socketpair."""

    def __init__(
        self,
        configure: link.Configure,
        lane: str = "gpu",
        program: tuple[str, ...] = ("-m", "imagineerd.worker"),
        **environ: str,
    ) -> None:
        self.sock, theirs = socket.socketpair()
        self.sock.settimeout(180)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", *program, "--lane", lane, "--fd", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
                stderr=subprocess.PIPE,
            )
        self.send(configure)

    def send(self, order: link.Message) -> None:
        self.sock.sendall(link.frame(order))

    def receive(self) -> link.Report | None:
        """Return the next report, None at end of file."""
        header = self._exactly(4)
        return link.decode_report(self._exactly(link.length_of(header))) if header else None

    def until(self, kind: type[link.Message]) -> list[link.Report]:
        """Return the reports up to and with the next one of this kind."""
        reports: list[link.Report] = []
        while report := self.receive():
            reports.append(report)
            if isinstance(report, kind):
                return reports
        raise AssertionError(f"The worker left without {kind.__name__}: {self.leave()[1]}")

    def draw(self, *items: link.Item, **fields: Any) -> list[link.Report]:
        """Have an order drawn; return its answers, and its end."""
        self.send(link.Render(items, **fields))
        told = self.until(link.OrderDone)
        beside = link.Step | link.Loading | link.Loaded | link.Drawn
        return [report for report in told if not isinstance(report, beside)]

    def leave(self) -> tuple[int, str]:
        """Close the link; return exit status and stderr."""
        self.sock.close()
        stderr = self.process.communicate(timeout=30)[1]
        return self.process.returncode, stderr.decode(errors="replace")

    def _exactly(self, count: int) -> bytes:
        parts = b""
        while len(parts) < count and (part := self.sock.recv(count - len(parts))):
            parts += part
        return parts


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    """A configured worker that is shared by the tests."""
    started = Worker(link.Configure(link.Hardware(device="cpu", threads=1), offline=True))
    started.until(link.Ready)
    yield started
    started.leave()
