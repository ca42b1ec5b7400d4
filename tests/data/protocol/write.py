"""Write `messages.json`, the golden messages: `python tests/data/protocol/write.py`.

One message of every kind, as it stands on the wire. A line that was published is never changed, for it must be
understood for ever: this program keeps what the file has and adds the kinds that it lacks.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from imagineerd import protocol
from imagineerd.jobs import GenerateSpec, Job, JobError, LoraWeight, PromptParts, State
from imagineerd.protocol import Body

FILE = Path(__file__).with_name("messages.json")

MIX = (LoraWeight("Tarot", 0.6, "ab" * 32), LoraWeight("Ink"))
SPEC = GenerateSpec(
    prompt="tarot card, at sea, The Fool, ink",
    width=96,
    height=144,
    steps=20,
    guidance_scale=3.0,
    seed=2**40 + 1,
    model="starter",
    model_revision="9d104f0d1622",
    negative_prompt="blurry",
    scheduler="euler",
    mix=MIX,
    name="The Fool",
    parts=PromptParts("tarot card", "at sea", "The Fool", "ink"),
)
BATCH = protocol.Batch(
    id="tarot_20261122_121503",
    set="tarot",
    title="Tarot",
    theme="at sea",
    folder="/pictures/tarot_20261122_121503",
    created_at=1795349703.5,
    slots=22,
    takes=1,
    states={"done": 1, "queued": 21},
)
TAKE = protocol.Take(
    id=7,
    batch=BATCH.id,
    slot=1,
    job=41,
    file="01_the_fool.png",
    seed=SPEC.seed,
    width=96,
    height=144,
    bytes=20480,
    sha256="cd" * 32,
    color="#102030",
    created_at=1795349710.25,
    duration=1.5,
)
FAVOURITE = msgspec.structs.replace(TAKE, favourite=True, rating="SAFE", is_nsfw=False)
LISTED = protocol.ListedTake(
    take=msgspec.structs.replace(TAKE, deleted_at=1795349999.5),
    card="The Fool",
    set="tarot",
    title="Tarot",
    theme="at sea",
    pick=True,
)
LABEL = protocol.Label(
    id=3,
    caption="A fool at a cliff.",
    rating="ADULT",
    tags=("fool", "cliff"),
    is_nsfw=True,
    model="claude-model",
    prompt="default",
    prompt_version="1",
    person="1000",
    job=51,
    at=1795349720.0,
    answer="RATING: adult",
)
ERROR = JobError("E_WORKER_LOST", "The worker died of signal 11.")
JOB = Job(
    id=41,
    batch=BATCH.id,
    slot=1,
    state=State.HELD,
    spec=SPEC,
    priority=1,
    attempts=2,
    cancel_requested=True,
    submitted_at=1795349703.5,
    started_at=1795349704.0,
    ended_at=1795349705.0,
    error=ERROR,
)
WAITING = Job(
    id=42,
    batch=BATCH.id,
    slot=2,
    state=State.QUEUED,
    spec=SPEC,
    priority=10,
    submitted_at=1795349703.5,
    turn=3,
    rank=41.5,
)
WORKER = protocol.Worker(
    phase="working",
    pid=4711,
    device="2 x cuda",
    device_name="2 x A GPU",
    dtype="float16",
    model="starter",
    detail="loading 50%",
    memory_used=2**31,
    memory_total=2**34,
    torch="2.13.0",
    restarts=1,
    seconds_per_step=0.05,
    workers=(
        protocol.DeviceWorker(phase="working", pid=4711, device="cuda:0", seconds_per_step=0.1),
        protocol.DeviceWorker(phase="working", pid=4712, device="cuda:1", seconds_per_step=0.1, index=1),
    ),
)
MODEL = protocol.ModelInfo(name="starter", revision="9d104f0d1622", sizes=((96, 144),), knows="night sky")
PROBLEM = protocol.Problem("There is no such column.", "tarot.csv", 3, "weight")
SETTINGS = protocol.Settings(width=96, height=144, steps=20, guidance_scale=3.0, seed=9, scheduler="lms", mix=MIX)
SET = protocol.SetInfo(id="tarot", name="Tarot", builtin=True, cards=22, width=512, height=896, mix=MIX)
LORA = protocol.LoraInfo(
    name="Ink",
    base="sd1",
    ranks=(8, 16),
    parts=("unet", "text_encoder"),
    bytes=37_000_000,
    trigger="ink wash",
    trigger_from="note",
    weight=0.6,
    usable=False,
    problems=(PROBLEM,),
)
SAVED = protocol.MixInfo(
    name="card-gothic", mix=(LoraWeight("Tarot", 0.6), LoraWeight("Ink", 0.7)), saved_at=1795349700.5
)

MESSAGES: dict[str, Body] = {
    "hello": protocol.Hello(client="imagineer", version="1.0.0"),
    "status": protocol.GetStatus(),
    "doctor": protocol.RunDoctor(),
    "sets": protocol.ListSets(),
    "set": protocol.GetSet(set="tar"),
    "loras": protocol.ListLoras(),
    "lora": protocol.GetLora(lora="ink"),
    "lora_note": protocol.NoteLora(lora="ink", trigger="ink wash", weight=0.6, notes="Quiet."),
    "mixes": protocol.ListMixes(),
    "mix": protocol.GetMix(name="gothic"),
    "mix_save": protocol.SaveMix(name="gothic", mix=(LoraWeight("Tarot", 0.6), LoraWeight("Ink", noted=True))),
    "mix_rename": protocol.RenameMix(name="gothic", to="card-gothic"),
    "mix_delete": protocol.DeleteMix(name="gothic"),
    "plan": protocol.PlanDeal(set="tarot", theme="at sea", settings=SETTINGS, cards=(1, 5)),
    "plan_prompt": protocol.PlanPrompt(prompt="a fox", n=3, name="Fox", settings=SETTINGS),
    "themes": protocol.MakeThemes(count=3, seed=4),
    "deal": protocol.Deal(idem="k1", set="tarot", theme="at sea", settings=SETTINGS, cards=(1, 5)),
    "generate": protocol.Generate(idem="k2", prompt="a fox", n=3, name="Fox", settings=SETTINGS),
    "grid": protocol.DealGrid(
        idem="k5",
        axes=(
            protocol.LoraAxis(lora="Ink", values=(0.0, 0.5, 1.0)),
            protocol.StepsAxis(values=(10, 20)),
            protocol.GuidanceAxis(values=(3.0,)),
            protocol.SeedAxis(values=(1, 2)),
            protocol.ThemeAxis(values=("at sea", "at night")),
        ),
        set="tarot",
        card=5,
        settings=SETTINGS,
    ),
    "reroll": protocol.Reroll(idem="k3", batch="last", slots=(1, 2), seed=5),
    "complete": protocol.Complete(idem="k4", batch="last"),
    "batches": protocol.ListBatches(limit=10, before=BATCH.id),
    "batch": protocol.GetBatch(batch="last"),
    "jobs": protocol.ListJobs(states=(State.HELD, State.FAILED), batch="last", limit=5, before=9),
    "queue": protocol.GetQueue(limit=5, after=9),
    "cancel": protocol.Cancel(jobs=(1, 2)),
    "hold": protocol.Hold(jobs=(1, 2)),
    "release": protocol.Release(batch="last"),
    "move": protocol.MoveJobs(jobs=(5, 3), before=2),
    "priority": protocol.SetPriority(priority=5, batch="last"),
    "pause": protocol.Pause(now=True),
    "unpause": protocol.Unpause(),
    "retry": protocol.RetryJobs(batch="last"),
    "pick": protocol.Pick(take=7),
    "take": protocol.GetTake(take=7),
    "favourite": protocol.Favourite(takes=(7, 8), on=False),
    "delete": protocol.DeleteTakes(takes=(7, 8)),
    "restore": protocol.RestoreTakes(batch="last"),
    "trash": protocol.ListTrash(limit=10, before=8),
    "empty_trash": protocol.EmptyTrash(),
    "search": protocol.Search(query='fool -ink lora:tarot is:favourite "at sea"', limit=10, before=8),
    "label": protocol.LabelTakes(idem="k5", takes=(7, 8), prompt="sd_training", force=True),
    "labels": protocol.GetLabels(take=7),
    "label_edit": protocol.EditLabel(take=7, caption="A fool.", rating="SAFE", tags=("fool", "cliff")),
    "label_restore": protocol.RestoreLabel(take=7, label=3),
    "label_prompts": protocol.ListLabelPrompts(),
    "labeler_build": protocol.BuildLabeler(base="node:22-slim", version="2.1.197", network="host"),
    "config": protocol.GetConfig(),
    "config_set": protocol.SetConfig(key="generation.steps", value="30"),
    "subscribe": protocol.Subscribe(since=protocol.EventMark(epoch="e1", seq=12), ticks_hz=2.5),
    "unsubscribe": protocol.Unsubscribe(),
    "watch_previews": protocol.WatchPreviews(batch="last", max_side=48, rate=4.0),
    "stop": protocol.Stop(),
    "blob_stat": protocol.BlobStat(take=7, variant="thumb"),
    "blob_get": protocol.BlobGet(take=7, offset=262144, length=1000),
    "sheet_stat": protocol.SheetStat(batch="last"),
    "sheet_get": protocol.SheetGet(batch="last", offset=262144, length=1000),
    "welcome": protocol.Welcome(
        proto=1, daemon="1.0.0", epoch="e1", boot="b1", features=("deal", "blob"), uid=1000, pid=4712
    ),
    "err": protocol.Error(code="E_INVALID", message="It is wrong.", field="$.set", retry="later", problems=(PROBLEM,)),
    "ok": protocol.Done(),
    "status_is": protocol.Status(
        version="1.0.0",
        pid=4710,
        uptime=12.5,
        boot="b1",
        epoch="e1",
        worker=WORKER,
        model=MODEL,
        jobs={"queued": 21, "done": 1},
        data_dir="/data",
        output_dir="/pictures",
        config_file="/config.yaml",
        disk_free=10**12,
        eta_s=33.5,
    ),
    "doctor_says": protocol.Doctor(
        checks=(protocol.Check(name="disk", level="warn", message="Full.", remedy="Empty."),)
    ),
    "sets_are": protocol.Sets(sets=(SET,), problems=(PROBLEM,)),
    "set_is": protocol.SetDetail(
        info=SET,
        base_prompt="tarot card",
        prompt_template="{name}",
        style_suffix="ink",
        negative_prompt="blurry",
        columns=("name",),
        cards=(protocol.Card(index=1, name="The Fool", values={"name": "The Fool"}),),
    ),
    "loras_are": protocol.Loras(loras=(LORA,), folder="/loras", problems=(PROBLEM,)),
    "lora_is": protocol.LoraDetail(
        info=LORA,
        file="brushes/Ink.safetensors",
        sha256="ef" * 32,
        base_because="its cross-attention takes 768 inputs",
        layout="kohya",
        alpha=8.0,
        tags=(("ink wash", 40), ("paper", 12)),
        notes="Quiet.",
        description="Ink on paper.",
    ),
    "mixes_are": protocol.Mixes(mixes=(SAVED,)),
    "mix_is": SAVED,
    "plan_is": protocol.Plan(
        set="tarot",
        title="Tarot",
        theme="at sea",
        model=MODEL,
        width=96,
        height=144,
        scheduler="euler",
        cards=(
            protocol.PlannedCard(
                index=2,
                name="The Fool",
                prompt=SPEC.prompt,
                seed=9,
                tokens=protocol.Tokens(count=80, cut="ink", exact=False),
                parts=SPEC.parts,
                negative_prompt="blurry",
                steps=20,
                guidance_scale=3.0,
                mix=MIX,
                unresolved=("weight",),
                duplicate_of=1,
            ),
        ),
        warnings=("It will be cut.",),
        eta_s=1.5,
    ),
    "themes_are": protocol.Themes(themes=("at sea",), seed=4),
    "dealt": protocol.Dealt(batch=BATCH, jobs=(41, 42), warnings=("It will be cut.",), repeated=True),
    "batches_are": protocol.Batches(batches=(BATCH,), before=BATCH.id),
    "batch_is": protocol.BatchDetail(
        batch=BATCH,
        slots=(
            protocol.Slot(index=1, name="The Fool", state=State.DONE, pick=7, job=41, takes=(TAKE,)),
            protocol.Slot(index=2, name="The Magician", state=State.HELD, job=42, error=ERROR),
        ),
    ),
    "takes_are": protocol.Takes(takes=(LISTED,), before=7),
    "take_is": protocol.TakeDetail(
        about=LISTED,
        spec=SPEC,
        settings=SETTINGS,
        mix=(protocol.MixedLora(name="Tarot", weight=0.6, sha256="ab" * 32, applied=1.0),),
        model_revision="9d104f0d1622",
        device="cuda",
        device_name="A GPU",
        dtype="float16",
        batch_size=4,
        versions={"torch": "2.13.0"},
        seconds_per_step=0.075,
        sidecar_bytes=1500,
        thumb_bytes=3200,
        folder=BATCH.folder,
    ),
    "deleted": protocol.Deleted(takes=(7, 8)),
    "restored": protocol.Restored(takes=(7,)),
    "emptied": protocol.Emptied(takes=(8,), bytes=25180),
    "jobs_are": protocol.Jobs(jobs=(JOB,), before=41),
    "queue_is": protocol.Queue(jobs=(WAITING,), paused=True, after=42),
    "held": protocol.Held(jobs=(1, 2)),
    "placed": protocol.Placed(jobs=(5, 3)),
    "cancelled": protocol.Cancelled(cancelled=(1,), stopping=(2,), ended=(3,)),
    "retried": protocol.Retried(jobs=(1, 2)),
    "labeling": protocol.Labeling(jobs=(51, 52), skipped=3, repeated=True),
    "labels_are": protocol.Labels(take=7, current=3, labels=(LABEL,)),
    "label_is": protocol.TakeLabel(take=7, label=LABEL),
    "label_prompts_are": protocol.LabelPrompts(names=("default", "sd_training"), folder="/config/labels"),
    "config_is": protocol.Config(
        values={"generation": {"steps": None, "width": 512}}, file="/config.yaml", restart_needed=True
    ),
    "snap": protocol.Snapshot(epoch="e1", seq=12, worker=WORKER, jobs=(JOB,), batches=(BATCH,)),
    "resume": protocol.Resume(epoch="e1", seq=12),
    "blob_is": protocol.BlobInfo(
        name="01.png", media="image/png", bytes=20480, sha256="cd" * 32, path="/pictures/01.png"
    ),
    "chunk": protocol.Chunk(offset=0, length=1000, total=20480),
    "batch_added": protocol.BatchAdded(batch=BATCH, jobs=(41, 42)),
    "jobs_added": protocol.JobsAdded(batch=BATCH.id, jobs=(43,), slots=(1,)),
    "job_moved": protocol.JobMoved(job=41, batch=BATCH.id, slot=1, state=State.HELD, attempts=2, error=ERROR),
    "jobs_placed": protocol.JobsPlaced(places=(protocol.Place(job=42, priority=10, turn=3, rank=41.5),)),
    "pause_changed": protocol.PauseChanged(paused=True),
    "take_added": protocol.TakeAdded(take=TAKE, pick=True),
    "pick_changed": protocol.PickChanged(batch=BATCH.id, slot=1, take=7),
    "mixes_changed": protocol.MixesChanged(names=("gothic", "card-gothic")),
    "loras_changed": protocol.LorasChanged(added=("Ink",), removed=("Tarot",), changed=("Gold",)),
    "take_changed": protocol.TakeChanged(take=FAVOURITE),
    "take_deleted": protocol.TakeDeleted(take=7, batch=BATCH.id, slot=1, pick=6),
    "take_restored": protocol.TakeRestored(take=FAVOURITE, pick=7),
    "trash_emptied": protocol.TrashEmptied(takes=(8,)),
    "batches_forgotten": protocol.BatchesForgotten(batches=("zodiac_20251122_121503",)),
    "label_changed": protocol.LabelChanged(batch=BATCH.id, slot=1, take=7, label=LABEL),
    "labeler_built": protocol.LabelerBuilt(image="imagineer-claude-cli:latest", error=JobError("E_LABEL", "No space.")),
    "building": protocol.Building(line="Step 1/9 : ARG BASE=node:22-slim"),
    "tick": protocol.Tick(job=41, batch=BATCH.id, slot=1, step=3, steps=20, eta_s=0.5),
    "preview": protocol.Preview(
        job=41, batch=BATCH.id, slot=1, step=3, steps=20, width=2, height=2, rgb=bytes(range(12))
    ),
    "worker": WORKER,
    "hb": protocol.Heartbeat(boot="b1", seq=12),
    "bye": protocol.Bye(),
}


def golden(kind: str, body: Body) -> dict[str, Any]:
    """Return one message as hexadecimal frames and, to be read by people, as JSON."""
    seq = 12 if kind in protocol.EVENTS else 0
    rid = 99 if kind in (protocol.REQUESTS | protocol.REPLIES) else 0
    head, rest = protocol.encode(body, rid=rid, seq=seq)
    return {"kind": kind, "head": head.hex(), "body": rest.hex(), "json": json.loads(msgspec.json.encode(body))}


def main() -> None:
    """Add what the file lacks."""
    kept = json.loads(FILE.read_text()) if FILE.exists() else []
    known = {message["kind"] for message in kept}
    new = [golden(kind, body) for kind, body in MESSAGES.items() if kind not in known]
    FILE.write_text(json.dumps(kept + new, indent=1) + "\n")


if __name__ == "__main__":
    main()
