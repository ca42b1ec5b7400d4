"""The doctor says what is wrong and what to do about it, and never fails itself."""

import os
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from imagineerd.config import Config, Paths, default_config, find_paths
from imagineerd.doctor import (
    GIB,
    MIB,
    WANTED,
    check_config,
    check_device,
    check_folder,
    check_library,
    check_model,
    check_network,
    check_nvidia,
    check_python,
    check_runtime,
    check_sets,
    disk_level,
    fits,
    run_checks,
)
from imagineerd.errors import Problem
from imagineerd.network import keys
from imagineerd.network.key_files import draw
from imagineerd.protocol import Check, ModelInfo, Worker

REPOSITORY = Path(__file__).parents[1]
CPU = Worker(phase="idle", device="cpu", dtype="float32", torch="2.13.0+cpu")
CUDA = Worker(
    phase="idle",
    device="cuda:0",
    device_name="NVIDIA RTX 3060",
    dtype="float16",
    memory_used=3 * GIB,
    memory_total=12 * GIB,
    torch="2.13.0+cu130",
)
STARTER = ModelInfo(name="starter", revision="0123456789abcdef")
HUB = ModelInfo(name="stable-diffusion-v1-5/stable-diffusion-v1-5", present=False)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find_paths({"HOME": str(tmp_path), "IMAGINEER_RUNTIME_DIR": "/run/i"})


@pytest.fixture
def config(paths: Paths) -> Config:
    return default_config(paths)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose name leaves room for a socket."""
    with tempfile.TemporaryDirectory(prefix="im-") as folder:
        yield Path(folder)


def on_device(config: Config, device: str, model: str = "starter") -> Config:
    return msgspec.structs.replace(
        config,
        hardware=msgspec.structs.replace(config.hardware, device=device),
        model=msgspec.structs.replace(config.model, default=model),
    )


def is_helpful(check: Check) -> bool:
    """Say whether a finding is a sentence, with a remedy exactly where something is wrong."""
    return check.message.endswith((".", "?")) and bool(check.remedy) == (check.level != "ok")


# ---------------------------------------------------------------- all of them


def test_a_machine_is_looked_at_in_order(paths: Paths, config: Config) -> None:
    environ = {"PATH": "", "DOCKER_HOST": f"unix://{paths.home}/no.sock"}
    checks = run_checks(paths, config, CPU, STARTER, environ=environ, sqlite="3.40.1")

    assert [check.name for check in checks] == [
        *["python", "torch", "diffusers", "transformers", "accelerate", "peft", "config"],
        *["device", "nvidia", "model", "sets", "data folder", "output folder", "runtime folder", "network"],
        *["sqlite", "docker", "labeler", "login"],
    ]
    assert [check for check in checks if not is_helpful(check)] == []


def test_nothing_is_changed_on_the_machine(paths: Paths, config: Config) -> None:
    run_checks(paths, config, None, None)

    assert list(paths.home.iterdir()) == []


def test_what_only_labels_need_never_fails(paths: Paths, config: Config) -> None:
    checks = run_checks(paths, config, None, None, environ={"DOCKER_HOST": "unix:///nowhere"})

    assert {c.level for c in checks if c.name in {"docker", "labeler", "login"}} == {"warn"}


def test_a_check_that_breaks_is_a_finding_itself(config: Config) -> None:
    nonsense = Paths(Path("/x\0"), Path("/x\0"), Path("/x\0"), Path("/x\0"))

    checks = run_checks(nonsense, config, CPU, STARTER)

    assert len(checks) == 18
    assert any("could not be checked" in check.message for check in checks)


# ---------------------------------------------------------------- software


def test_this_python_will_do_and_an_old_one_will_not() -> None:
    assert check_python(sys.version_info[:3]).level == "ok"
    assert check_python((3, 10, 4)).remedy == "Install Python 3.11 or newer."


def test_the_versions_asked_for_are_those_of_the_package() -> None:
    package = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())

    assert set(WANTED.values()) <= set(package["project"]["dependencies"])


@pytest.mark.parametrize(
    ("version", "wanted", "expected"),
    [
        ("2.6", "torch>=2.6,<2.14", True),
        ("2.6.0", "torch>=2.6,<2.14", True),
        ("2.13.1+cu130", "torch>=2.6,<2.14", True),
        ("2.5.9", "torch>=2.6,<2.14", False),
        ("2.14.0", "torch>=2.6,<2.14", False),
        ("2.14.0rc1", "torch>=2.6,<2.14", False),
        ("10.0", "peft>=0.18", True),
        ("0.9", "peft>=0.18", False),
    ],
)
def test_a_version_fits_a_range_or_not(version: str, wanted: str, expected: bool) -> None:  # noqa: FBT001
    assert fits(version, wanted) is expected


def test_a_library_is_missing_old_or_right() -> None:
    missing = check_library("no-such-library", "no-such-library>=1")
    old = check_library("msgspec", "msgspec>=99")

    assert (missing.level, missing.remedy) == ("fail", 'Run: pip install "no-such-library>=1".')
    assert old.message.endswith("does not fit msgspec>=99.")
    assert check_library("msgspec", "msgspec>=0.19").level == "ok"


# ---------------------------------------------------------------- what the user wrote


def test_the_file_is_read_anew_and_its_mistakes_are_shown(paths: Paths) -> None:
    assert check_config(paths).message.endswith("does not exist, so defaults are used.")

    paths.config_file.parent.mkdir(parents=True)
    paths.config_file.write_text("".join(f"x{n}: 1\n" for n in range(5)))
    check = check_config(paths)

    assert check.level == "fail"
    assert check.message.count("There is no section of this name.") == 3
    assert check.message.endswith("and 2 more.")

    paths.config_file.write_text("hardware: {enable_xformers: true}\n")
    assert check_config(paths).level == "warn"

    paths.config_file.write_text("hardware: {threads: 1}\n")
    assert check_config(paths).message.endswith("config.yaml is right.")


def test_a_set_that_cannot_be_dealt_is_named() -> None:
    check = check_sets((Problem("There is no column.", "zodiac.csv", 3),))

    assert (check.level, check.message) == ("fail", "zodiac.csv, line 3: There is no column.")
    assert check_sets(()).level == "ok"


# ---------------------------------------------------------------- device and model


def test_the_device_is_as_the_worker_says(config: Config) -> None:
    assert check_device(config, CPU).message == "cpu, float32, torch 2.13.0+cpu."
    assert check_device(on_device(config, "cuda"), CUDA).message == (
        "cuda:0 (NVIDIA RTX 3060), float16, 3.0 of 12.0 GiB in use, torch 2.13.0+cu130."
    )


@pytest.mark.parametrize("worker", [None, Worker(), Worker(phase="loading")])
def test_a_worker_that_has_said_nothing_yet_is_a_warning(config: Config, worker: Worker | None) -> None:
    assert check_device(config, worker).level == "warn"


def test_cuda_asked_for_but_missing_fails_with_a_remedy(config: Config) -> None:
    check = check_device(on_device(config, "cuda:1"), CPU)

    assert check.level == "fail"
    assert check.message == "hardware.device asks for cuda:1, but the worker runs on cpu."
    assert "set hardware.device to auto" in check.remedy


def test_a_dead_worker_fails_with_its_own_words(config: Config) -> None:
    check = check_device(config, Worker(phase="dead", detail="There is no torch."))

    assert (check.level, check.message) == ("fail", "There is no torch.")
    assert is_helpful(check)


def nvidia(folder: Path, script: str) -> dict[str, str]:
    """Put a program of the name nvidia-smi on the path."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.defpath}"}


def test_a_machine_without_a_driver_is_fine_unless_cuda_is_asked_for(config: Config) -> None:
    assert check_nvidia(config, CPU, {"PATH": ""}).level == "ok"
    assert check_nvidia(on_device(config, "cuda"), None, {"PATH": ""}).level == "fail"


def test_a_gpu_with_room_is_fine(config: Config, tmp_path: Path) -> None:
    environ = nvidia(tmp_path, "echo 'NVIDIA RTX 3060, 12288, 8192'")

    check = check_nvidia(on_device(config, "cuda", "sd/sd"), CUDA, environ)

    assert (check.level, check.message) == ("ok", "NVIDIA RTX 3060, 8.0 of 12.0 GiB free.")


def test_a_full_gpu_is_a_warning_for_a_true_model_and_not_for_the_starter(config: Config, tmp_path: Path) -> None:
    environ = nvidia(tmp_path, "echo 'RTX A, 24576, 20000'; echo 'RTX B, 8192, 512'")

    full = check_nvidia(on_device(config, "cuda:1", "sd/sd"), None, environ)

    assert full.level == "warn"
    assert "Close other programs" in full.remedy
    assert check_nvidia(on_device(config, "cuda:1"), None, environ).level == "ok"
    assert check_nvidia(on_device(config, "cuda:0", "sd/sd"), None, environ).level == "ok"


def test_what_our_own_worker_holds_counts_as_room(config: Config, tmp_path: Path) -> None:
    environ = nvidia(tmp_path, "echo 'RTX, 8192, 1536'")

    assert check_nvidia(on_device(config, "cuda", "sd/sd"), CUDA, environ).level == "ok"


def test_memory_that_is_not_told_is_no_reason_to_warn(config: Config, tmp_path: Path) -> None:
    environ = nvidia(tmp_path, "echo 'GB10, [N/A], [N/A]'")

    assert check_nvidia(on_device(config, "cuda", "sd/sd"), None, environ).level == "ok"


def test_a_gpu_that_is_not_there_fails(config: Config, tmp_path: Path) -> None:
    environ = nvidia(tmp_path, "echo 'RTX, 8192, 8000'")

    check = check_nvidia(on_device(config, "cuda:3"), None, environ)

    assert check.message == "There is no GPU 3 among the 1 that nvidia-smi lists."


def test_a_gpu_that_torch_does_not_use_is_a_warning(config: Config, tmp_path: Path) -> None:
    environ = nvidia(tmp_path, "echo 'RTX, 8192, 8000'")

    assert "torch built for CUDA" in check_nvidia(config, CPU, environ).remedy


@pytest.mark.parametrize("script", ["exit 9", "echo nonsense", "kill -9 $$"])
def test_a_driver_that_fails_is_a_warning(config: Config, tmp_path: Path, script: str) -> None:
    check = check_nvidia(config, CPU, nvidia(tmp_path, script))

    assert check.level == "warn"
    assert is_helpful(check)


def test_a_model_is_here_or_will_be_fetched_or_cannot_be(config: Config) -> None:
    offline = msgspec.structs.replace(config.model, offline=True)

    assert check_model(config, STARTER).message == "starter is here, revision 0123456789ab."
    assert check_model(config, HUB).level == "warn"
    assert check_model(msgspec.structs.replace(config, model=offline), HUB).level == "fail"
    assert check_model(config, None).level == "warn"


# ---------------------------------------------------------------- folders


@pytest.mark.parametrize(
    ("free", "level"),
    [
        (0, "fail"),
        (500 * MIB - 1, "fail"),
        (500 * MIB, "warn"),
        (5 * GIB - 1, "warn"),
        (5 * GIB, "ok"),
    ],
)
def test_little_disk_is_a_warning_and_none_a_failure(free: int, level: str) -> None:
    assert disk_level(free) == level


def test_a_folder_that_is_not_there_yet_can_be_created(tmp_path: Path) -> None:
    check = check_folder("data folder", tmp_path / "a" / "b", "$X")

    assert "can be written" in check.message


def test_a_folder_that_takes_no_files_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    for folder in (tmp_path / "file", Path("/proc/x")):
        check = check_folder("data folder", folder, "$IMAGINEER_DATA_DIR")
        assert check.level == "fail"
        assert "set $IMAGINEER_DATA_DIR to another folder" in check.remedy


def test_sockets_that_vanish_at_logout_are_a_warning_until_the_user_lingers(tmp_path: Path) -> None:
    sessions, linger = tmp_path / "run" / "user", tmp_path / "systemd" / "linger"
    folder = sessions / "1000" / "imagineer"

    assert check_runtime(folder, sessions, linger).level == "ok"  # there is no systemd

    linger.mkdir(parents=True)
    warning = check_runtime(folder, sessions, linger)
    assert warning.level == "warn"

    user = warning.remedy.removeprefix("Run: loginctl enable-linger ").removesuffix(".")
    (linger / user).touch()
    assert check_runtime(folder, sessions, linger).level == "ok"
    assert check_runtime(tmp_path / "elsewhere", sessions, linger).level == "ok"


# ---------------------------------------------------------------- network


def test_where_no_other_machine_can_come_in_keys_do_not_matter(paths: Paths) -> None:
    assert check_network(paths, None).level == "ok"
    assert list(paths.home.iterdir()) == []


def test_an_open_address_without_a_key_to_it_is_a_warning(paths: Paths) -> None:
    check = check_network(paths, "127.0.0.1:5757")

    assert check.level == "warn"
    assert check.message == "Nobody has a key to come in at 127.0.0.1:5757."


def test_who_may_come_in_is_told(paths: Paths) -> None:
    keys.authorize(paths.keys_dir, keys.AuthorizedKey("anne", "viewer", draw().public))

    check = check_network(paths, "127.0.0.1:5757")

    assert (check.level, check.message) == ("ok", "At 127.0.0.1:5757 may come in: anne (viewer).")


def test_keys_that_others_could_have_touched_are_a_failure(paths: Paths) -> None:
    keys.authorize(paths.keys_dir, keys.AuthorizedKey("anne", "viewer", draw().public))
    (keys.authorized_folder(paths.keys_dir) / "anne.key").chmod(0o666)
    assert "chmod go-w" in check_network(paths, "127.0.0.1:5757").message

    keys.daemon_pair(paths.keys_dir)
    (paths.keys_dir / "daemon.key_secret").chmod(0o644)
    check = check_network(paths, "127.0.0.1:5757")

    assert check.level == "fail"
    assert "chmod go=" in check.message
