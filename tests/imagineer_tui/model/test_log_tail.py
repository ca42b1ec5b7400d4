"""The end of a log that grows."""

from __future__ import annotations

from pathlib import Path

from imagineer_tui.model.log_tail import MOST_BYTES, MOST_LINES, LogTail, level_of


def test_it_reads_what_was_written_since(tmp_path: Path):
    file = tmp_path / "log"
    file.write_text("one\ntw")
    tail = LogTail(file)

    assert tail.read()
    assert list(tail.lines) == ["one"]
    assert not tail.read()

    with file.open("a") as log:
        log.write("o\nthree\n")

    assert tail.read()
    assert list(tail.lines) == ["one", "two", "three"]


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path):
    file = tmp_path / "log"
    file.write_text("x" * 99 + "\n" + "y\n" * MOST_BYTES)

    tail = LogTail(file)
    tail.read()

    assert len(tail.lines) == MOST_LINES
    assert set(tail.lines) == {"y"}


def test_lines_keep_their_numbers_when_old_ones_go(tmp_path: Path):
    file = tmp_path / "log"
    tail = LogTail(file)
    for start in (0, MOST_LINES):
        with file.open("a") as log:
            log.writelines(f"{number}\n" for number in range(start, start + MOST_LINES))
        tail.read()

    assert (tail.first, tail.lines[0]) == (MOST_LINES, str(MOST_LINES))


def test_a_log_that_began_anew_is_read_anew(tmp_path: Path):
    file = tmp_path / "log"
    file.write_text("a long line of yesterday\n")
    tail = LogTail(file)
    tail.read()

    file.write_text("today\n")

    assert tail.read()
    assert list(tail.lines) == ["today"]


def test_without_a_file_there_is_nothing(tmp_path: Path):
    assert not LogTail(tmp_path / "log").read()


def test_a_line_names_its_level():
    assert level_of("2026-11-22 16:41:58,608 WARNING imagineerd: Slow.") == "WARNING"
    assert level_of('  File "x.py", line 3, in f') == ""
