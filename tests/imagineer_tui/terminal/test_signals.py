"""Signals become an orderly end."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from imagineer_tui.terminal.signals import leave_on_signals


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_told_as_the_exit_code_that_a_shell_expects(signum: signal.Signals) -> None:
    async def killed() -> int:
        code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        leave_on_signals(code.set_result)
        os.kill(os.getpid(), signum)
        return await code

    assert asyncio.run(killed()) == 128 + signum
