"""The size of a call: the fastest that fits, the same after a restart, and none above what fitted."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from imagineerd.worker import tuning
from imagineerd.worker.devices import GIB
from imagineerd.worker.tuning import Cells, Measured, Tuning, choose, fingerprint, kept, measure

CELLS = Cells(9, 8)
H100 = {1: Measured(0.04, 2 * GIB), 4: Measured(0.1, 5 * GIB), 8: Measured(0.18, 9 * GIB), 16: Measured(0.36, 17 * GIB)}


@pytest.mark.parametrize(
    ("limit", "free", "size"),
    [(16, 60 * GIB, 8), (4, 60 * GIB, 4), (16, 9 * GIB, 4), (16, 5 * GIB, 1), (16, GIB, 1), (3, 60 * GIB, 1)],
)
def test_the_smallest_of_the_fastest_that_fit_is_taken(limit: int, free: int, size: int) -> None:
    assert choose(H100, limit, free) == size


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
    gpu = replace(device, kind="cuda")
    measured: list[Cells] = []
    monkeypatch.setattr(tuning, "measure", lambda _model, _device, cells, _sizes: measured.append(cells) or H100)
    monkeypatch.setattr(tuning, "free_memory", lambda _device: 60 * GIB)
    sizes = [Tuning(gpu, tmp_path).size(model, CELLS, wanted) for wanted in (16, 4, 16)]

    assert sizes == [8, 4, 8]
    assert measured == [CELLS]


def test_a_size_that_fitted_when_memory_ran_out_is_not_exceeded_while_the_model_is_loaded(
    model: Any, device: Any
) -> None:
    known = Tuning(device, None)
    known.fitted(model, CELLS, 2)

    assert known.size(model, CELLS, 4) == 2
    assert known.size(model, CELLS, 1) == 1
    assert known.size(model, Cells(18, 8), 4) == 4
    assert known.size(replace(model), CELLS, 4) == 4


def test_of_two_that_measure_at_once_both_take_the_first_ones(tmp_path: Path) -> None:
    barrier = threading.Barrier(2)
    taken: list[Any] = []

    def measuring(seconds: float) -> Any:
        barrier.wait(60)
        return {1: Measured(seconds, 1)}

    threads = [
        threading.Thread(target=lambda number=number: taken.append(kept(tmp_path / "x", lambda: measuring(number))))
        for number in (1.0, 2.0)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert taken[0] == taken[1]
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_damaged_file_is_measured_again(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b'{"1": {"seconds"')

    assert kept(tmp_path / "x", lambda: H100) == H100
    assert kept(tmp_path / "x", dict) == H100


def test_a_disk_that_takes_nothing_costs_the_measurement_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert kept(tmp_path / "file" / "x", lambda: H100) == H100


def test_another_device_or_model_is_measured_anew(model: Any, device: Any) -> None:
    prints = {
        fingerprint(model, device),
        fingerprint(replace(model, revision="other"), device),
        fingerprint(model, replace(device, name="NVIDIA A100")),
        fingerprint(model, replace(device, slice_vae=True)),
    }

    assert len(prints) == 4
