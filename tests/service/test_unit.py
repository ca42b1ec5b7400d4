"""The units: their golden text, what systemd itself thinks of them, and installing them."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from house import ROOT, House

from imagineerd.errors import Denied, DiskError, Invalid, NotFound, WrongState
from imagineerd.service import unit
from imagineerd.version import VERSION

DATA = ROOT / "tests" / "data" / "units"
INSTALLED = Path("/opt/imagineer/bin/imagineerd")
OURS = f"{unit.MARK}0.0.1, long ago.\n[Unit]\n"
MOST_EXPOSED = 2.0
"""The worst score of the system unit, from 0 (safe) to 10, that we accept; network access alone costs 0.9."""
ANALYZE = shutil.which("systemd-analyze") or ""
OLDEST = 250
"""The systemd from which on a unit is judged that no manager has loaded (`security --offline`)."""
HIDDEN_HERE = any(Path(tempfile.gettempdir()).resolve().is_relative_to(folder) for folder in unit.HIDDEN)


def systemd_version() -> int:
    """Return the version of systemd-analyze, 0 where there is none."""
    if not ANALYZE:
        return 0
    said = subprocess.run([ANALYZE, "--version"], capture_output=True, text=True, check=False).stdout
    return int(re.findall(r"^systemd ([0-9]+)", said)[0])


needs_systemd = pytest.mark.skipif(systemd_version() < OLDEST, reason=f"there is no systemd-analyze {OLDEST} or newer")


def program(path: Path) -> Path:
    """Make what an installation puts into its folder of programs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable} -P\nfrom imagineerd.__main__ import main\nraise SystemExit(main())\n")
    path.chmod(0o755)
    return path


def typed(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed `imagineerd` of a house."""
    house.command = (str(program(house.root / "bin" / "imagineerd")), *arguments)
    house.environ = {name: value for name, value in house.environ.items() if not name.startswith("IMAGINEER_")}
    return house.run()


# ---------------------------------------------------------------- the text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("system.service", unit.system_unit(INSTALLED)),
        ("user.service", unit.user_unit(INSTALLED, {"IMAGINEER_DATA_DIR": "/srv/my cards"})),
    ],
)
def test_a_unit_reads_as_it_was_agreed(name: str, text: str) -> None:
    assert text.replace(f"imagineerd {VERSION},", "imagineerd VERSION,") == (DATA / name).read_text()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("/opt/bin/imagineerd", "/opt/bin/imagineerd"),
        ("/opt/my bin/imagineerd", '"/opt/my bin/imagineerd"'),
        ("/opt/100%/imagineerd", "/opt/100%%/imagineerd"),
        ('/opt/a"b\\c/imagineerd', r'"/opt/a\"b\\c/imagineerd"'),
    ],
)
def test_a_path_is_quoted_as_systemd_reads_it(text: str, word: str) -> None:
    assert unit.quoted(text) == word


# ---------------------------------------------------------------- what systemd thinks


def analyze(*arguments: str, folder: Path) -> str:
    """Run systemd-analyze, which fails where it finds fault, and return what it prints."""
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "SYSTEMD_COLORS": "0"}
    done = subprocess.run([ANALYZE, *arguments], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "imagineerd" not in done.stderr  # what it finds in other units is not ours
    return done.stdout


@needs_systemd
def test_systemd_finds_the_system_unit_safe(tmp_path: Path) -> None:
    file = unit.install(unit.system_unit(program(tmp_path / "bin" / "imagineerd")), tmp_path)

    said = analyze("security", "--offline=true", "--no-pager", str(file), folder=tmp_path)

    (score,) = re.findall(r"exposure level for imagineerd\.service: ([0-9.]+)", said)
    assert float(score) <= MOST_EXPOSED


def test_labels_need_the_docker_group_and_are_asked_for() -> None:
    plain, labels = unit.system_unit(INSTALLED), unit.system_unit(INSTALLED, labels=True)

    assert "docker" not in plain
    assert "\nSupplementaryGroups=docker\n" in labels
    assert labels.rindex("PrivateUsers=no") > labels.index("PrivateUsers=yes")
    assert labels.index("PrivateUsers=no") < labels.index("[Install]")


@needs_systemd
def test_systemd_finds_the_system_unit_with_labels_well_formed(tmp_path: Path) -> None:
    text = unit.system_unit(program(tmp_path / "bin" / "imagineerd"), labels=True)

    analyze("--system", "verify", str(unit.install(text, tmp_path)), folder=tmp_path)


@needs_systemd
@pytest.mark.parametrize("place", ["bin", "100% my $HOME"])
@pytest.mark.parametrize("manager", ["--system", "--user"])
def test_systemd_finds_no_fault(manager: str, place: str, tmp_path: Path) -> None:
    executable = program(tmp_path / place / "imagineerd")
    variables = {"IMAGINEER_CONFIG": f"{tmp_path}/100% mine.yaml"}
    text = unit.system_unit(executable) if manager == "--system" else unit.user_unit(executable, variables)

    analyze(manager, "verify", str(unit.install(text, tmp_path)), folder=tmp_path)


# ---------------------------------------------------------------- what is put into it


def test_the_running_program_is_put_into_the_unit_as_it_was_called(tmp_path: Path) -> None:
    real = program(tmp_path / "versions" / "imagineerd")
    link = tmp_path / "bin" / "imagineerd"
    link.parent.mkdir()
    link.symlink_to(real)

    assert unit.find_executable(str(link), "/usr/bin/python3") == link


def test_python_m_finds_the_program_beside_the_interpreter(tmp_path: Path) -> None:
    installed = program(tmp_path / "imagineerd")

    assert unit.find_executable("/x/imagineerd/__main__.py", str(tmp_path / "python")) == installed


def test_a_checkout_that_is_not_installed_is_told_to_install(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="install it first"):
        unit.find_executable("/x/imagineerd/__main__.py", str(tmp_path / "python"))


def test_the_daemon_is_told_only_what_this_environment_says(house: House) -> None:
    environ = {"HOME": str(house.root), "XDG_DATA_HOME": "/srv/data"}

    assert unit.variables_of(environ, house.paths) == {"IMAGINEER_DATA_DIR": str(house.paths.data_dir)}
    assert unit.variables_of({"HOME": str(house.root)}, house.paths) == {}


@pytest.mark.parametrize("place", [f"{folder}/bin/python" for folder in unit.HIDDEN])
def test_a_system_service_is_not_run_from_where_it_cannot_see(place: str) -> None:
    with pytest.raises(Invalid, match=f"cannot see {place}: install imagineer and its Python elsewhere"):
        unit.check_visible([INSTALLED, Path(place)])


# ---------------------------------------------------------------- installing


def test_a_user_installs_the_service_and_is_told_what_to_type(house: House) -> None:
    done = typed(house, "install-service")

    file = house.root / "config" / "systemd" / "user" / "imagineerd.service"
    assert (done.returncode, done.stderr) == (0, "")
    assert f"ExecStart={house.root}/bin/imagineerd\n" in file.read_text()
    assert f"Environment=IMAGINEER_CONFIG={house.root}/config/imagineer/config.yaml\n" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert f"{file} is written." in done.stdout
    assert "systemctl --user daemon-reload && systemctl --user enable --now imagineerd" in done.stdout
    assert "loginctl enable-linger" in done.stdout


@pytest.mark.parametrize("option", ["--system", "--print"])
def test_print_shows_the_unit_and_writes_nothing(house: House, option: str) -> None:
    done = typed(house, "install-service", "--print", option)

    assert done.stdout.startswith(unit.MARK)
    assert ("User=imagineer" in done.stdout) == (option == "--system")
    assert not (house.root / "config").exists()


@pytest.mark.skipif(not HIDDEN_HERE, reason="the tests' own folder is one that a system service can see")
def test_the_system_service_is_refused_from_a_folder_it_cannot_see(house: House) -> None:
    done = typed(house, "install-service", "--system")

    assert done.returncode == 2
    assert done.stderr.startswith("imagineerd: A system service cannot see ")
    assert "Traceback" not in done.stderr


def test_the_system_commands_create_its_user_and_talk_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit, "USER", "nobody-of-this-name")
    commands = unit.next_system_commands(INSTALLED)

    assert commands[0] == f"sudo {unit.USERADD}"
    assert commands[1] == "sudo systemctl daemon-reload && sudo systemctl enable --now imagineerd"
    assert commands[2].endswith("IMAGINEER_RUNTIME_DIR=/run/imagineer /opt/imagineer/bin/imagineer status")
    monkeypatch.setattr(unit, "USER", "root")
    assert len(unit.next_system_commands(INSTALLED)) == 2


def test_a_unit_of_ours_is_replaced(tmp_path: Path) -> None:
    (tmp_path / unit.NAME).write_text(OURS)

    unit.install("new", tmp_path)

    assert (tmp_path / unit.NAME).read_text() == "new"
    assert os.listdir(tmp_path) == [unit.NAME]  # noqa: PTH208 - nothing else was left


def test_a_unit_of_somebody_else_stays(tmp_path: Path) -> None:
    (tmp_path / unit.NAME).write_text("[Unit]\n")

    with pytest.raises(WrongState, match=r"imagineerd\.service was not written by imagineerd"):
        unit.install("new", tmp_path)

    assert (tmp_path / unit.NAME).read_text() == "[Unit]\n"


def test_a_masked_unit_stays_masked(tmp_path: Path) -> None:
    (tmp_path / unit.NAME).symlink_to("/dev/null")

    with pytest.raises(WrongState):
        unit.install("new", tmp_path)

    assert (tmp_path / unit.NAME).is_symlink()


def test_a_folder_that_takes_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "user").write_text("no folder")

    with pytest.raises(DiskError, match="was not written"):
        unit.install("new", tmp_path / "user")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(Denied, match="use sudo"):
        unit.install("new", tmp_path)
