"""All about the line under the cursor: what a card is drawn with, why it failed, where a batch lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from imagineer_tui.words import moment, took

if TYPE_CHECKING:
    from imagineerd.jobs import Job
    from imagineerd.protocol import Batch


class JobDetail(VerticalScroll, can_focus=False):
    """A few lines; errors stand here in full."""

    DEFAULT_CSS = """
    JobDetail {
        display: none; height: auto; max-height: 9; padding: 0 1; border-top: solid $border-blurred;
        scrollbar-size: 1 1;
        &.-told { display: block; }
    }
    """

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static()

    def show_job(self, job: Job) -> None:
        """Show a job."""
        self._write(job_lines(job))

    def show_batch(self, batch: Batch) -> None:
        """Show a batch."""
        self._write(batch_lines(batch))

    def clear(self) -> None:
        """Show nothing."""
        self._write([])

    def _write(self, lines: list[Content]) -> None:
        self.set_class(bool(lines), "-told")
        self.query_one(Static).update(Content("\n").join(lines))


def job_lines(job: Job) -> list[Content]:
    """Return the error, then the prompt, then the settings."""
    from imagineerd.jobs import LabelSpec  # loaded with the first job

    error = [Content.assemble(("✗ ", "b $error"), (job.error.message, "$error"))] if job.error else []
    spec = job.spec
    if isinstance(spec, LabelSpec):
        facts = [f"job {job.id}", job.state.value, f"take {spec.take}", f"prompt {spec.prompt} {spec.prompt_version}"]
        return [*error, Content(f"Label {spec.name}"), Content.styled(" · ".join(facts), "dim")]
    mix = " + ".join(f"{lora.name} {lora.weight:g}" for lora in spec.mix)
    facts = [
        f"job {job.id}", job.state.value, f"seed {spec.seed}", f"{spec.width}x{spec.height}", f"{spec.steps} steps",
        spec.scheduler, mix, f"attempt {job.attempts}" if job.attempts > 1 else "",
    ]  # fmt: skip
    return [*error, Content(spec.prompt), Content.styled(" · ".join(fact for fact in facts if fact), "dim")]


def batch_lines(batch: Batch) -> list[Content]:
    """Return what a batch was dealt as, and where it lies."""
    dealt = f"dealt {moment(batch.created_at)}" if batch.created_at else ""
    drawn = f"drawn in {took(batch.duration)}" if batch.duration else ""
    facts = " · ".join(filter(None, [batch.id, dealt, drawn]))
    return [Content.styled(facts, "dim"), Content.styled(batch.folder, "dim")]
