"""The contact sheet shows the picks with the values that made them."""

from __future__ import annotations

from imagineerd.grids.contents import Contents, Shown, contents_of
from imagineerd.jobs import State
from imagineerd.protocol import Axis, Batch, BatchDetail, LoraAxis, SeedAxis, Slot, StepsAxis, Take, ThemeAxis

INK = LoraAxis(lora="Ink", values=(0.0, 0.5))


def take(number: int) -> Take:
    return Take(
        id=number, batch="g", slot=1, job=number, file=f"{number}.png", seed=1, width=8, height=8, bytes=1, sha256=""
    )


def contents(*axes: Axis, slots: tuple[Slot, ...] = ()) -> Contents:
    batch = Batch(id="g", set="", title="a fox", theme="ice", folder="/out/g", mixes=("dark",), grid=axes)
    return contents_of(BatchDetail(batch=batch, slots=slots))


def test_the_first_axis_runs_across_and_the_second_down() -> None:
    found = contents(INK, StepsAxis(values=(10, 20)))

    assert (found.columns, found.rows, found.blocks) == (("Ink 0", "Ink 0.5"), ("10 steps", "20 steps"), ("",))
    assert found.path == "/out/g/sheet.png"
    assert found.title == "a fox · ice · dark"


def test_one_axis_is_one_row_without_a_label() -> None:
    assert (contents(INK).rows, contents(INK).blocks) == (("",), ("",))


def test_further_axes_are_blocks_that_name_all_their_values() -> None:
    found = contents(INK, StepsAxis(values=(10,)), SeedAxis(values=(1, 2)), ThemeAxis(values=("ice", "fire")))

    assert found.blocks == ("seed 1, ice", "seed 2, ice", "seed 1, fire", "seed 2, fire")


def test_a_cell_shows_its_pick_or_why_there_is_none() -> None:
    picked = Slot(index=1, name="", state=State.DONE, pick=2, takes=(take(1), take(2)))
    failed = Slot(index=2, name="", state=State.FAILED)
    deleted = Slot(index=3, name="", state=State.DONE)

    assert contents(INK, slots=(picked, failed, deleted)).cells == (
        Shown(picture="/out/g/2.png"), Shown(note="failed"), Shown(note="deleted"),
    )  # fmt: skip
