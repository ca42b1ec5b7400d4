"""A real worker process over a real socketpair."""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import subprocess
import sys
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from imagineerd import link
from imagineerd.jobs import LANES
from imagineerd.worker.__main__ import _make_ready
from imagineerd.worker.failures import LOST_DEVICE
from imagineerd.worker.kinds import RUNNERS

from .conftest import ROOT, Worker
from .fake_graphs import FakeCapture

CPU = link.Hardware(device="cpu", threads=1)


def item(job: int, spec: Any, stem: Path, attempt: int = 1) -> link.Item:
    return link.Item(job, attempt, "deck", job, spec, str(stem))


def kinds(reports: list[link.Report]) -> list[str]:
    return [type(report).__name__ for report in reports if not isinstance(report, link.Drawn)]


def test_every_kind_has_a_runner() -> None:
    assert {kind.__name__ for kind in LANES} == set(RUNNERS)


@pytest.mark.skipif("__import__('torch').cuda.is_available()", reason="there is a CUDA device")
def test_a_missing_device_breaks_the_worker_instead_of_falling_back() -> None:
    worker = Worker(link.Configure(link.Hardware(device="cuda")))
    broken = worker.until(link.Broken)[-1]

    assert "cuda" in broken.message
    assert worker.receive() is None
    assert worker.leave()[0] != 0


def test_end_of_file_ends_the_worker_at_once() -> None:
    other = Worker(link.Configure(CPU))
    assert isinstance(other.receive(), link.Hello)
    other.sock.close()

    other.process.wait(timeout=10)


def test_a_picture_is_on_disk_when_it_is_reported(
    worker: Worker, source: link.ModelSource, spec: Any, tmp_path: Path
) -> None:
    finished, done = worker.draw(item(1, spec(name="Ace"), tmp_path / "deck" / "01_ace"), source=source, batch_size=1)

    assert (finished.job, finished.attempt, finished.file) == (1, 1, "01_ace.png")
    assert (finished.seed, finished.width, finished.height) == (11, 64, 72)
    assert finished.bytes == (tmp_path / "deck" / "01_ace.png").stat().st_size
    assert finished.model_revision
    assert done.seconds >= finished.duration > 0
    about = json.loads((tmp_path / "deck" / "01_ace.json").read_text())
    assert (about["batch_size"], about["decode_batch"]) == (1, 1)
    assert (about["compiled"], about["attention_sliced"], about["slot_independent"]) == (False, False, True)
    assert about["slot"] == 1
    assert about["versions"]["torch"]
    assert about["model_revision"] == finished.model_revision


def test_a_whole_life(source: link.ModelSource, spec: Any, tmp_path: Path) -> None:
    worker = Worker(link.Configure(CPU, preload=source))
    hello, ready, loading, loaded = worker.until(link.Loaded)
    worker.send(link.Render((item(1, spec(), tmp_path / "a"),), source, 1))
    drawn = worker.until(link.OrderDone)
    worker.send(link.Render((item(2, spec(steps=150), tmp_path / "b"),), source, 1))
    worker.until(link.Step)
    worker.send(link.Quit())
    stopped = worker.until(link.OrderDone)

    assert hello == link.Hello(worker.process.pid)
    assert (ready.device, ready.dtype, ready.batch_sizes[0]) == ("cpu", "float32", 1)
    assert ready.device_name
    assert 0 < ready.memory_used < ready.memory_total
    assert kinds([loading, loaded]) == ["Loading", "Loaded"]
    assert kinds(drawn) == ["Step"] * 3 + ["Finished", "OrderDone"]
    assert kinds(stopped)[-2:] == ["Stopped", "OrderDone"]
    assert worker.receive() is None
    assert worker.leave()[0] == 0


def test_two_orders_at_once_are_drawn_one_after_the_other_and_each_is_ended_by_its_number(
    worker: Worker, source: link.ModelSource, spec: Any, tmp_path: Path
) -> None:
    for number in (1, 2):
        items = tuple(item(10 * number + job, spec(seed=job), tmp_path / f"{number}_{job}") for job in (1, 2))
        worker.send(link.Render(items, source, 4, order=number))
    told = worker.until(link.OrderDone) + worker.until(link.OrderDone)
    steps = [report.order for report in told if isinstance(report, link.Step)]
    first_end, second_end = (at for at, report in enumerate(told) if isinstance(report, link.OrderDone))
    answered = [report.job for report in told[:first_end] if isinstance(report, link.Finished)]

    assert steps == [1, 1, 1, 2, 2, 2]
    assert [report.order for report in told if isinstance(report, link.Drawn)] == [1, 2]
    assert (told[first_end].order, told[second_end].order) == (1, 2)
    assert {11, 12} <= set(answered)
    assert pixels(tmp_path / "1_1.png") == pixels(tmp_path / "2_1.png")


def test_a_worker_that_is_told_to_quit_writes_what_is_drawn(
    source: link.ModelSource, spec: Any, tmp_path: Path
) -> None:
    worker = Worker(link.Configure(CPU))
    worker.send(link.Render((item(1, spec(), tmp_path / "a"),), source, 1))
    worker.until(link.Drawn)
    worker.send(link.Quit())

    assert worker.until(link.OrderDone)
    assert worker.leave()[0] == 0
    assert pixels(tmp_path / "a.png")


def test_a_picture_has_the_same_bytes_in_a_full_and_in_a_padded_batch(
    worker: Worker, source: link.ModelSource, spec: Any, tmp_path: Path
) -> None:
    items = [item(job, spec(seed=job), tmp_path / f"full_{job}") for job in (1, 2, 3, 4)]
    full = worker.draw(*items, source=source, batch_size=4)
    alone = worker.draw(item(3, spec(seed=3), tmp_path / "alone"), source=source, batch_size=4)

    assert sorted(kinds(full)) == ["Finished"] * 4 + ["OrderDone"]
    assert pixels(tmp_path / "alone.png") == pixels(tmp_path / "full_3.png")
    assert pixels(tmp_path / "full_1.png") != pixels(tmp_path / "full_3.png")
    assert kinds(alone) == ["Finished", "OrderDone"]


def test_unguided_rows_share_an_order_but_not_a_call(
    worker: Worker, source: link.ModelSource, spec: Any, tmp_path: Path
) -> None:
    plain = item(2, spec(guidance_scale=1.0), tmp_path / "mixed_plain")
    worker.draw(item(1, spec(), tmp_path / "mixed"), plain, source=source, batch_size=4)
    worker.draw(item(2, spec(guidance_scale=1.0), tmp_path / "plain"), source=source, batch_size=4)

    assert pixels(tmp_path / "mixed_plain.png") == pixels(tmp_path / "plain.png")


def test_cancel_stops_a_job_between_two_steps(
    worker: Worker, source: link.ModelSource, spec: Any, tmp_path: Path
) -> None:
    items = (item(1, spec(steps=150), tmp_path / "a"), item(2, spec(steps=150), tmp_path / "b"))
    worker.send(link.Render(items, source, 4))
    worker.until(link.Step)
    worker.send(link.Cancel((1, 2)))
    told = worker.until(link.OrderDone)
    steps = [report for report in told if isinstance(report, link.Step)]

    assert sorted(kinds(told)[-3:]) == ["OrderDone", "Stopped", "Stopped"]
    assert len(steps) < 149
    assert not list(tmp_path.glob("*.png"))


def test_a_cancelled_row_leaves_its_neighbours_bits_alone(
    worker: Worker, source: link.ModelSource, spec: Any, tmp_path: Path
) -> None:
    def order(folder: str) -> tuple[link.Item, ...]:
        return tuple(item(job, spec(seed=job, steps=40), tmp_path / folder / f"{job}") for job in (1, 2, 3))

    worker.draw(*order("whole"), source=source, batch_size=4)
    worker.send(link.Render(order("part"), source, 4))
    worker.until(link.Step)
    worker.send(link.Cancel((2,)))
    told = worker.until(link.OrderDone)

    assert [report.job for report in told if isinstance(report, link.Stopped)] == [2]
    for job in (1, 3):
        assert pixels(tmp_path / "part" / f"{job}.png") == pixels(tmp_path / "whole" / f"{job}.png")
    assert not (tmp_path / "part" / "2.png").exists()


def test_an_old_cancel_does_not_stop_the_next_attempt(
    worker: Worker, source: link.ModelSource, spec: Any, tmp_path: Path
) -> None:
    worker.send(link.Cancel((7,)))
    told = worker.draw(item(7, spec(), tmp_path / "a", attempt=2), source=source, batch_size=1)

    assert kinds(told) == ["Finished", "OrderDone"]


def good_lora() -> bytes:
    """Return a file that fits the tiny model."""
    import torch
    from safetensors.torch import save

    name = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
    return save({f"{name}.lora_A.weight": torch.ones(2, 16), f"{name}.lora_B.weight": torch.ones(16, 2)})


def bad_lora(how: str) -> bytes:
    """Return a file that must not be applied."""
    whole = good_lora()
    nan = struct.pack("<f", float("nan"))
    files = {
        "pickle": b"\x80\x02}q\x00." * 20,
        "cut": whole[:-8],
        "nan": whole[:-4] + nan,
        "infinity": whole[:-4] + struct.pack("<f", float("inf")),
        "elsewhere": whole.replace(b"down_blocks.0", b"down_blocks.9"),
    }
    return files[how]


@pytest.mark.parametrize("how", ["pickle", "cut", "nan", "infinity", "elsewhere"])
def test_a_bad_lora_fails_its_jobs_and_the_worker_lives(
    worker: Worker, source: link.ModelSource, spec: Any, tmp_path: Path, how: str
) -> None:
    from imagineerd.jobs import LoraWeight

    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(bad_lora(how))
    mixed = spec(mix=(LoraWeight("bad", 0.5),))
    told = worker.draw(
        item(1, mixed, tmp_path / "a"),
        item(2, mixed, tmp_path / "b"),
        source=source,
        batch_size=4,
        loras=(("bad", str(bad)),),
    )
    after = worker.draw(item(3, spec(), tmp_path / "c"), source=source, batch_size=1)

    assert [(report.job, report.code) for report in told[:-1]] == [(1, "E_LORA"), (2, "E_LORA")]
    assert re.fullmatch(r'The LoRA "bad" [^\n]+\.', told[0].message)
    assert kinds(after) == ["Finished", "OrderDone"]


def test_a_missing_model_fails_its_jobs_in_one_sentence(worker: Worker, spec: Any, tmp_path: Path) -> None:
    told = worker.draw(item(1, spec(), tmp_path / "a"), source=link.ModelSource("nobody/nothing"), batch_size=1)

    assert told[0].code == "E_MODEL"
    assert "nobody/nothing" in told[0].message
    assert "downloads are off" in told[0].message


def test_a_disk_that_takes_nothing_fails_the_job(
    worker: Worker, source: link.ModelSource, spec: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    told = worker.draw(item(1, spec(), tmp_path / "file" / "a"), source=source, batch_size=1)

    assert told[0].code == "E_DISK"


LOSES_ITS_DEVICE = """
import sys
from imagineerd.worker import __main__
from imagineerd.worker.kinds import generate

def lost(*_, **__):
    raise RuntimeError("CUDA error: an illegal memory access was encountered")

generate.{step} = lost
sys.exit(__main__.main())
"""


@pytest.mark.parametrize("step", ["denoise", "decode", "write_take"])
def test_a_device_that_is_lost_fails_no_card_whichever_thread_hears_of_it(
    source: link.ModelSource, spec: Any, tmp_path: Path, step: str
) -> None:
    worker = Worker(link.Configure(CPU), program=("-c", LOSES_ITS_DEVICE.format(step=step)))
    worker.until(link.Ready)
    worker.send(link.Render(tuple(item(job, spec(seed=job), tmp_path / f"{job}") for job in (1, 2)), source, 2))
    told = list(takewhile(lambda report: not isinstance(report, link.OrderDone | None), iter(worker.receive, ())))
    status, said = worker.leave()

    assert not [report for report in told if isinstance(report, link.Failed | link.Finished)]
    assert (status, "illegal memory access" in said) == (LOST_DEVICE, True)


def test_models_that_are_unloaded_give_their_memory_back_and_are_loaded_again_when_needed(
    source: link.ModelSource, spec: Any, tmp_path: Path
) -> None:
    worker = Worker(link.Configure(CPU, preload=source))
    loaded = worker.until(link.Loaded)[-1]
    worker.send(link.Unload())
    unloaded = worker.until(link.Unloaded)[-1]
    worker.send(link.Render((item(1, spec(), tmp_path / "a"),), source, 1))
    again = worker.until(link.OrderDone)
    worker.leave()

    assert isinstance(loaded, link.Loaded)
    assert isinstance(unloaded, link.Unloaded)
    assert unloaded.memory_used < loaded.memory_used
    assert kinds(again)[:2] == ["Loading", "Loaded"]
    assert kinds(again)[-2:] == ["Finished", "OrderDone"]


def test_ten_decks_take_no_more_memory_than_three(source: link.ModelSource, spec: Any, tmp_path: Path) -> None:
    from imagineerd.jobs import LoraWeight

    lora = tmp_path / "ink.safetensors"
    lora.write_bytes(good_lora())
    worker = Worker(link.Configure(CPU))
    used = []
    for deck in range(10):
        mix = (LoraWeight("ink", 0.1 * deck),) if deck % 2 else ()
        specs = [spec(seed=card, steps=1, prompt=f"card {card} of deck {deck}", mix=mix) for card in range(4)]
        items = [item(card, one, tmp_path / f"{deck}_{card}") for card, one in enumerate(specs)]
        told = worker.draw(*items, source=source, batch_size=4, loras=(("ink", str(lora)),))
        used.append(told[-1].memory_used)
    worker.leave()

    assert kinds(told) == ["Finished"] * 4 + ["OrderDone"]
    assert used[-1] - used[2] < 8 * 1024 * 1024


SET_UP = """
import os, socket, sys
from imagineerd import link
from imagineerd.worker.__main__ import _set_up
from imagineerd.worker.mailbox import Mailbox

ours, theirs = socket.socketpair()
_set_up(Mailbox(theirs), link.Configure(link.Hardware(device="cpu"), keep=sys.argv[1]))
from torch._inductor.runtime.cache_dir_utils import cache_dir
print(cache_dir(), os.environ["TRITON_CACHE_DIR"])
"""


def test_what_is_compiled_is_kept_beside_what_else_workers_keep(tmp_path: Path) -> None:
    chosen = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")  # torch sets the first one itself, in this process too
    environ = {name: value for name, value in os.environ.items() if name not in chosen}
    command = (sys.executable, "-c", SET_UP, str(tmp_path))

    told, told_otherwise = (
        subprocess.run(command, env=env, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True).stdout
        for env in (environ, environ | {"TRITON_CACHE_DIR": "elsewhere"})
    )

    assert told == f"{tmp_path / 'inductor'} {tmp_path / 'triton'}\n"
    assert told_otherwise == f"{tmp_path / 'inductor'} elsewhere\n"


def test_a_killed_worker_leaves_no_half_picture(source: link.ModelSource, spec: Any, tmp_path: Path) -> None:
    worker = Worker(link.Configure(CPU))
    worker.until(link.Ready)
    items = tuple(item(job, spec(seed=job), tmp_path / f"{job}") for job in range(1, 9))
    worker.send(link.Render(items, source, 4))
    worker.until(link.Finished)
    worker.process.send_signal(signal.SIGKILL)
    worker.leave()

    for png in tmp_path.glob("*.png"):
        assert pixels(png)
        assert png.with_suffix(".json").exists()


def test_ctrl_c_is_the_daemons_business(worker: Worker, source: link.ModelSource, spec: Any, tmp_path: Path) -> None:
    os.kill(worker.process.pid, signal.SIGINT)
    told = worker.draw(item(1, spec(), tmp_path / "a"), source=source, batch_size=1)

    assert kinds(told) == ["Finished", "OrderDone"]


def pixels(path: Path) -> bytes:
    from PIL import Image

    with Image.open(path) as image:
        return image.tobytes()


def test_the_text_encoder_is_captured_before_there_is_a_compiler(
    source: link.ModelSource, device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imagineerd.worker import capturing, compiling
    from imagineerd.worker.models import load

    loaded = load(source, device, link.Configure(CPU), lambda _report: None)
    capture, seen = FakeCapture(device), []
    monkeypatch.setattr(capturing, "Capturer", lambda _device: capture)
    monkeypatch.setattr(compiling, "Graphs", lambda _unet: seen.append(len(capture.graphs)))
    _make_ready(replace(device, capture=True, compile=True), None, loaded)

    assert seen == [1]
    assert capture.graphs[0].output.shape == (1, 77, 32)
