"""What an import costs: the heavy libraries stay behind the border of the worker process.

import-linter reads the static graph (`.ci/check`); only a fresh process shows that a deferred import is deferred.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest
from house import ROOT

HEAVY = ("torch", "diffusers", "transformers", "peft", "accelerate", "docker", "textual")


def loaded(module: str, names: tuple[str, ...]) -> list[str]:
    """Return which of the names a fresh process has loaded after it imported the module."""
    code = f"import sys, {module}; print(*[name for name in {names} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.split()


@pytest.mark.parametrize(
    "module",
    ["imagineerd", "imagineerd.__main__", "imagineerd.daemon", "imagineerd.protocol", "imagineerd.worker.__main__"],
)
def test_the_daemon_s_side_loads_nothing_heavy(module: str) -> None:
    assert loaded(module, HEAVY) == []


@pytest.mark.parametrize(
    "module", ["imagineerd.client", "imagineerd.client.launch", "imagineerd.protocol", "imagineerd.jobs"]
)
def test_the_client_s_side_loads_no_database_either(module: str) -> None:
    assert loaded(module, (*HEAVY, "sqlite3")) == []


@pytest.mark.skipif(importlib.util.find_spec("imagineer_tui") is None, reason="there is no terminal side yet")
@pytest.mark.parametrize("module", ["imagineer_tui", "imagineer_tui.__main__"])
def test_the_command_line_loads_nothing_heavy(module: str) -> None:
    assert loaded(module, (*HEAVY, "sqlite3")) == []


def test_a_package_s_own_file_imports_nothing() -> None:
    assert loaded("imagineerd", ("msgspec", "zmq", "yaml", "asyncio")) == []
