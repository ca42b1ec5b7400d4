"""A label beside a bare `docker run` of the same stand-in, both in one engine of their own; needs root and dockerd."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from table import Line, median_of, seconds

TESTS = Path(__file__).resolve().parents[1]
sys.path.append(str(TESTS))

from docker_engine import docker_engine  # noqa: E402
from house import House, short_folder, wait_until  # noqa: E402
from labeler import IMAGE, build_stand_in  # noqa: E402

from imagineerd.client import Client  # noqa: E402

GOAL = 1.1
ROUNDS = 5
TAKES = 4
"""Pictures of one round; one is labelled at a time."""


def lines() -> list[Line]:
    """Label pictures one by one, and run the labeler on as many by hand."""
    with docker_engine() as engine:
        build_stand_in(engine)
        house = House(short_folder())
        section = {"image": IMAGE, "network": "none", "memory_mb": 64, "login_by": "none", "concurrency": 1}
        house.with_fake_worker(labeling=json.dumps(section))
        house.environ["DOCKER_HOST"] = f"unix://{engine}"
        try:
            return [_compared(house.start(), engine)]
        finally:
            house.close()


def _compared(house: House, engine: Path) -> Line:
    with house.client() as client:
        takes = _draw(client)
        _label(client, takes)  # the worker starts and the engine warms up
        picture = Path(client.batch("last").batch.folder) / client.batch("last").slots[0].takes[0].file
        ours, bare = median_of(
            ROUNDS, lambda: _label(client, takes), lambda: sum(_run(engine, picture) for _ in takes) / len(takes)
        )
    ratio = sorted(ours)[ROUNDS // 2] / sorted(bare)[ROUNDS // 2]
    return Line(
        benchmark="labeling",
        measure="a label, from the queue to the row",
        imagineer=seconds(ours),
        reference=f"{seconds(bare)} docker run --rm",
        ratio=ratio,
        goal=f"<= {GOAL}x",
        met=ratio <= GOAL,
    )


def _draw(client: Client) -> list[int]:
    batch = client.generate("x", TAKES).batch.id
    wait_until(lambda: client.batch(batch).batch.takes == TAKES)
    return [take.id for take in client.batch(batch).slots[0].takes]


def _label(client: Client, takes: list[int]) -> float:
    """Label every take anew; return the seconds that one took."""
    began = time.monotonic()
    last = client.label(takes, force=True).jobs[-1]
    wait_until(lambda: client.jobs(before=last + 1, limit=1).jobs[0].state.value == "done", 120)
    return (time.monotonic() - began) / len(takes)


def _run(engine: Path, picture: Path) -> float:
    """Do the same by hand, hardened alike."""
    options = [
        *("--rm", "--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
        *("--pids-limit=128", "--memory=64m", "--memory-swap=64m", "--cpus=2", "--user=1000:1000"),
        *("--tmpfs=/home/node:uid=1000,gid=1000", "--tmpfs=/tmp:uid=1000,gid=1000", "--env=HOME=/home/node"),
        f"--volume={picture}:/images/take.png:ro",
    ]
    command = ["docker", f"--host=unix://{engine}", "run", *options, IMAGE, "claude", "Look."]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "A card with a ram." in json.loads(done.stdout)["result"]
    return time.monotonic() - began
