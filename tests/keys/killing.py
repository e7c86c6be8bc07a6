"""Kills a process of its own, as a power cut would, at a chosen step: a statement, a commit, or a file."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import Engine, event

FILE_STEPS = frozenset({"open", "os.rename", "os.remove", "os.chmod", "shutil.rmtree"})


def _run_until(at: int, told: Connection, act: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    steps = 0

    def step(*_arguments: Any) -> None:
        nonlocal steps
        steps += 1
        if steps == at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", step)
    event.listen(Engine, "commit", step)
    sys.addaudithook(lambda name, _given: step() if name in FILE_STEPS else None)
    act(*arguments)
    told.send(steps)
    # Threads that stay behind must not keep a child that is done.
    os._exit(0)


def steps_of(act: Callable[..., None], *arguments: Any, kill_at: int) -> int | None:
    """Do `act` in a process of its own and return how many steps it took, or None when it was killed.

    `act` is a function of a module; it is killed just before step `kill_at`, and never when that is 0.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.keys.killing", "vault.commands"])
    heard, told = context.Pipe(duplex=False)
    child = context.Process(target=_run_until, args=(kill_at, told, act, arguments))
    child.start()
    told.close()
    child.join(60)
    assert child.exitcode in {0, -signal.SIGKILL}, "the act failed; its traceback is above"
    return int(heard.recv()) if child.exitcode == 0 else None
