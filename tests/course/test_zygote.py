"""The process that forks: what it answers, when it refuses, and that its kernels end with it."""

import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labs.course.warm import Zygote

linux: Any = os  # where these tests run, it has more than elsewhere
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    own = Zygote([], "pass")
    yield own
    own.close()


def fork(zygote: Zygote, cwd: Path, *arguments: str) -> tuple[int, int]:
    """Fork a kernel; return its process id, and a handle that can be read once it has ended."""
    pid = zygote.ask(fork={"arguments": arguments, "cwd": str(cwd), "env": dict(os.environ)})
    return pid, linux.pidfd_open(pid)


@pytest.mark.parametrize(("arguments", "status"), [(("--version",), 0), (("--no-such-option=1",), 2)])
def test_the_status_of_a_kernel_is_told_once_it_has_ended(
    zygote: Zygote, tmp_path: Path, arguments: tuple[str, ...], status: int
) -> None:
    pid, handle = fork(zygote, tmp_path, *arguments)
    with open(handle, "rb"):
        assert select.select([handle], [], [], 60)[0]
    assert zygote.ask(poll=pid) == status


def test_a_kernel_that_runs_has_no_status_until_a_signal_ends_it(zygote: Zygote, tmp_path: Path) -> None:
    pid, handle = fork(zygote, tmp_path, "-f", str(tmp_path / "connection.json"))
    assert zygote.ask(poll=pid) is None
    assert zygote.ask(signal=[pid, signal.Signals["SIGKILL"]]) is None
    with open(handle, "rb"):
        assert select.select([handle], [], [], 60)[0]
    assert zygote.ask(poll=pid) == -signal.Signals["SIGKILL"]


def test_its_kernels_end_with_it(tmp_path: Path) -> None:
    zygote = Zygote([], "pass")
    handles = [fork(zygote, tmp_path, "-f", str(tmp_path / f"{number}.json"))[1] for number in range(2)]
    zygote.close()
    for handle in handles:
        with open(handle, "rb"):
            assert select.select([handle], [], [], 0)[0]
    with pytest.raises(ValueError, match="closed"):
        zygote.ask(poll=1)


def test_a_process_with_threads_does_not_fork() -> None:
    zygote = Zygote(
        [], "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
    )
    assert zygote.ask(fork={"arguments": [], "cwd": ".", "env": {}}) is None
    zygote.close()


def test_what_cannot_be_loaded_is_the_end_of_it() -> None:
    zygote = Zygote([], "import no_such_module")
    with pytest.raises(OSError, match="has ended"):
        while True:  # the first question may be asked before it ends
            zygote.ask(poll=1)
    zygote.close()
