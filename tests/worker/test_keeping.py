"""What one worker measured counts for all."""

from __future__ import annotations

import threading
from pathlib import Path

from imagineerd.worker.keeping import keep, kept

Table = dict[int, float]
FIRST, SECOND = {1: 0.5}, {1: 0.7}


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    assert kept(tmp_path / "made" / "x", Table) is None
    assert keep(tmp_path / "made" / "x", Table, FIRST) == FIRST
    assert kept(tmp_path / "made" / "x", Table) == FIRST


def test_what_stands_counts_before_what_comes_later(tmp_path: Path) -> None:
    keep(tmp_path / "x", Table, FIRST)

    assert keep(tmp_path / "x", Table, SECOND) == FIRST
    assert kept(tmp_path / "x", Table) == FIRST


def test_of_two_that_come_at_once_one_counts_for_both(tmp_path: Path) -> None:
    barrier = threading.Barrier(2)
    taken: list[Table] = []

    def measure(found: Table) -> None:
        barrier.wait(60)
        taken.append(keep(tmp_path / "x", Table, found))

    threads = [threading.Thread(target=measure, args=(found,)) for found in (FIRST, SECOND)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert taken[0] == taken[1]
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b'{"1": 0.')

    assert kept(tmp_path / "x", Table) is None
    assert keep(tmp_path / "x", Table, FIRST) == FIRST
    assert kept(tmp_path / "x", Table) == FIRST


def test_a_disk_that_takes_nothing_costs_another_measurement_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert keep(tmp_path / "file" / "x", Table, FIRST) == FIRST
    assert kept(tmp_path / "file" / "x", Table) is None


def test_without_a_folder_nothing_is_kept() -> None:
    assert keep(None, Table, FIRST) == FIRST
    assert kept(None, Table) is None
