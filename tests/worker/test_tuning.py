"""The size of a call: the fastest that fits, by figures that outlive a restart, and none above what fitted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from imagineerd.worker import devices, tuning
from imagineerd.worker.compiling import alone
from imagineerd.worker.devices import GIB
from imagineerd.worker.tuning import Cells, Measured, Tuning, choose, fingerprint, measure

CELLS = Cells(9, 8)
H100 = {
    1: Measured(0.04, 2 * GIB),
    4: Measured(0.1, 5 * GIB),
    8: Measured(0.18, 9 * GIB),
    16: Measured(0.36, 17 * GIB),
    18: Measured(0.405, 19 * GIB),
}


def gpu(device: Any) -> Any:
    """Return a device that passes for a large GPU."""
    return replace(device, kind="cuda", memory=80 * GIB)


def sweeps_that_find(monkeypatch: pytest.MonkeyPatch, *tables: dict[int, Measured]) -> list[Cells]:
    """Let each sweep find the next of these tables; return the cells of those that were made."""
    measured: list[Cells] = []
    left = list(tables)
    monkeypatch.setattr(tuning, "measure", lambda _model, _device, cells, _sizes: measured.append(cells) or left.pop(0))
    monkeypatch.setattr(tuning, "free_memory", lambda _device: 60 * GIB)
    return measured


@pytest.mark.parametrize(
    ("wanted", "free", "size"),
    [
        (16, 60 * GIB, 8),
        (4, 60 * GIB, 4),
        (16, 9 * GIB, 4),
        (16, 5 * GIB, 1),
        (16, GIB, 1),
        (3, 60 * GIB, 1),
        (18, 60 * GIB, 18),
        (18, 18 * GIB, 4),  # in calls of 8 they are drawn as 24
    ],
)
def test_the_smallest_of_the_fastest_that_fit_is_taken(wanted: int, free: int, size: int) -> None:
    assert choose(H100, wanted, free) == size


def test_where_not_even_one_picture_was_measured_one_is_tried() -> None:
    assert choose({}, 16, 60 * GIB) == 1


def test_sizes_are_measured_until_memory_runs_out(model: Any, device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = model.unet.forward

    def forward(rows: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if len(rows) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        return real(rows, *args, **kwargs)

    monkeypatch.setattr(model.unet, "forward", forward)
    table = measure(model, device, CELLS, (1, 2, 4, 8))

    assert list(table) == [1, 2]
    assert all(found.seconds > 0 for found in table.values())


def test_a_cpu_is_not_measured(model: Any, device: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tuning, "measure", None)

    assert Tuning(device, tmp_path).size(model, CELLS, 4) == 4


def test_a_gpu_is_measured_once_for_all_workers(
    model: Any, device: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measured = sweeps_that_find(monkeypatch, H100)
    sizes = [Tuning(gpu(device), tmp_path).size(model, CELLS, wanted) for wanted in (16, 4, 16)]

    assert sizes == [8, 4, 8]
    assert measured == [CELLS]


def test_what_was_measured_is_told_by_the_size_of_the_call(
    model: Any, device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps_that_find(monkeypatch, H100)
    tuned = Tuning(gpu(device), None)
    before = tuned.call_seconds(model, CELLS)
    tuned.size(model, CELLS, 4)

    assert before == {}
    assert tuned.call_seconds(model, CELLS) == {1: 0.04, 4: 0.1, 8: 0.18, 16: 0.36, 18: 0.405}
    assert tuned.call_seconds(model, Cells(1, 1)) == {}


def test_what_memory_cut_short_counts_in_this_process_alone(
    model: Any, device: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measured = sweeps_that_find(monkeypatch, {size: H100[size] for size in (1, 4)}, H100)
    first, later = (Tuning(gpu(device), tmp_path) for _ in range(2))

    assert [known.size(model, CELLS, 16) for known in (first, first, later)] == [4, 4, 8]
    assert measured == [CELLS] * 2


def test_what_captured_calls_hold_is_not_free(model: Any, device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sweeps_that_find(monkeypatch, H100)
    holding = replace(model, captures=SimpleNamespace(held=52 * GIB))

    assert Tuning(gpu(device), None).size(holding, CELLS, 16) == 4


def test_nor_is_what_those_of_another_model_hold_that_is_loaded(
    model: Any, device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps_that_find(monkeypatch, H100, H100)
    other = replace(model, captures=SimpleNamespace(held=0))
    tuned = Tuning(gpu(device), None)
    before = tuned.size(other, CELLS, 4), tuned.size(model, CELLS, 16)
    other.captures.held = 52 * GIB

    assert before == (4, 8)
    assert tuned.size(model, CELLS, 16) == 4


def test_where_nothing_could_be_measured_the_next_order_tries_again(
    model: Any, device: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measured = sweeps_that_find(monkeypatch, {}, H100)
    known = Tuning(gpu(device), tmp_path)
    sizes = [known.size(model, CELLS, 16) for _ in range(3)]

    assert sizes == [1, 8, 8]
    assert measured == [CELLS] * 2


def test_while_something_is_compiled_nothing_is_measured_and_what_did_not_fit_is_not_remembered(
    model: Any, device: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measured = sweeps_that_find(monkeypatch, H100)
    known = Tuning(gpu(device), tmp_path)
    with alone():
        meanwhile = known.size(model, CELLS, 16)
        known.fitted(model, CELLS, 4)

    assert (meanwhile, measured) == (16, [])
    assert known.size(model, CELLS, 16) == 8


def test_a_size_that_fitted_when_memory_ran_out_is_not_exceeded_while_the_model_is_loaded(
    model: Any, device: Any
) -> None:
    known = Tuning(device, None)
    known.fitted(model, CELLS, 2)

    assert known.size(model, CELLS, 4) == 2
    assert known.size(model, CELLS, 1) == 1
    assert known.size(model, Cells(18, 8), 4) == 4
    assert known.size(replace(model), CELLS, 4) == 4


def test_another_device_or_model_is_measured_anew_and_so_are_other_sizes(
    model: Any, device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    prints = {
        fingerprint(model, device),
        fingerprint(replace(model, revision="other"), device),
        fingerprint(model, replace(device, name="NVIDIA A100")),
        fingerprint(model, replace(device, slice_vae=True)),
        fingerprint(model, replace(device, compile=True)),
    }
    monkeypatch.setattr(devices, "_CPU_BATCHES", (1, 2, 4))

    assert len(prints | {fingerprint(model, device)}) == 6
