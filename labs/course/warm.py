"""Kernels for pytest that start warm: each is a fork of a process that has loaded what every lesson loads.

A kernel spends most of its start on imports, and most of them are the same in every lesson. A fork is safe
from a process without threads, so it is done on Linux only (on macOS, loaded frameworks forbid it), and only
for a notebook that imports all of NAMES itself; every other kernel starts in the ordinary way, cold. What
follows is a kernel like any other: its own process, asked over Jupyter's protocol.
"""

import ast
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from nbformat import NotebookNode

from labs.paths import LABS, ROOT

NAMES = ("Guard", "Town", "attempt", "check", "clients", "compare", "draw", "score")  # all lessons have them
LINE = f"from labs import {', '.join(NAMES)}"
PROGRAM = LABS / "course" / "zygote.py"  # run by its path: labs.course is nothing that a lesson loads
LAUNCHER = ["-m", "ipykernel_launcher"]
OWN = ("JPY_", "PYTEST_")  # variables that nothing reads while it is imported


class Zygote:
    """The process that forks; it ends, its kernels with it, when it is closed or this process ends."""

    def __init__(self, flags: list[str], line: str = LINE) -> None:
        self.flags, self.environment = flags, _read_at_import(os.environ)
        self._end, other = socket.socketpair()
        self._lines = self._end.makefile("rw", encoding="utf-8")
        with other:
            self._process = subprocess.Popen(
                [sys.executable, *flags, str(PROGRAM), str(other.fileno()), line],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
                start_new_session=True,
            )

    def ask(self, **request: Any) -> Any:
        """Ask for a fork, or after one; raise OSError once the process has ended."""
        try:
            self._lines.write(json.dumps(request) + "\n")
            self._lines.flush()
            if line := self._lines.readline():
                return json.loads(line)
        except ConnectionError:
            pass
        except BaseException:  # a timeout of a test, too: the answer would be taken for the next one's
            self.close()
            raise
        raise OSError("The process that forks kernels has ended.")

    def close(self) -> None:
        """End it and its kernels."""
        with contextlib.suppress(OSError):
            self._lines.close()
        self._end.close()
        self._process.wait()


class Forked:
    """A kernel that was forked: what a Popen is to one that was started."""

    stdin = stdout = stderr = None

    def __init__(self, zygote: Zygote, pid: int) -> None:
        self.pid, self._zygote = pid, zygote
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its status, None while it runs."""
        if self.returncode is None:
            try:
                self.returncode = self._zygote.ask(poll=self.pid)
            except (OSError, ValueError):  # it has ended, or is closed, and its kernels with it
                self.returncode = -9
        return self.returncode

    wait = poll  # jupyter_client waits for its end before it asks for the status

    def send_signal(self, signum: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                self._zygote.ask(signal=[self.pid, signum])


_zygote: Zygote | None = None


class Provisioner(LocalProvisioner):
    """Jupyter's way to start a kernel on this computer, and a fork where that is possible."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        forked = _fork(cmd, kwargs)
        if forked is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process = forked  # type: ignore[assignment]  # it has what jupyter_client asks of a Popen
        self.pid = self.pgid = forked.pid
        self.cwd = kwargs["cwd"]
        return self.connection_info


def _fork(cmd: list[str], kwargs: dict[str, Any]) -> Forked | None:
    global _zygote  # noqa: PLW0603  one for this process
    flags, arguments = cmd[1:-4], cmd[-2:]
    if cmd != [sys.executable, *flags, *LAUNCHER, *arguments]:
        return None
    with contextlib.suppress(OSError, ValueError):
        _zygote = _zygote or Zygote(flags)
        if (_zygote.flags, _zygote.environment) == (flags, _read_at_import(kwargs["env"])):
            pid = _zygote.ask(fork={"arguments": arguments, "cwd": kwargs["cwd"], "env": kwargs["env"]})
            if pid:
                return Forked(_zygote, pid)
    return None


def _read_at_import(environ: Any) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.startswith(OWN)}


def fits(notebook: NotebookNode) -> bool:
    """Tell whether a notebook's first code cell imports all of NAMES from labs."""
    first = next((cell.source for cell in notebook.cells if cell.cell_type == "code"), "")
    try:
        tree = ast.parse(first)
    except SyntaxError:
        return False
    imports = [it for it in tree.body if isinstance(it, ast.ImportFrom) and it.module == "labs"]
    return {*NAMES} <= {name.name for it in imports for name in it.names}


@contextlib.contextmanager
def starting(notebook: NotebookNode) -> Iterator[None]:
    """Start kernels warm inside the block, where that is safe and nothing is hidden from the notebook."""
    if sys.platform != "linux" or not fits(notebook):
        yield
        return
    factory = KernelProvisionerFactory.instance()
    factory.provisioners["warm"] = EntryPoint("warm", f"{__name__}:Provisioner", factory.GROUP_NAME)
    before, factory.default_provisioner_name = factory.default_provisioner_name, "warm"
    try:
        yield
    finally:
        factory.default_provisioner_name = before


def close() -> None:
    """End the process that forks, if there is one, and every kernel of it."""
    global _zygote  # noqa: PLW0603  one for this process
    if _zygote is not None:
        _zygote.close()
        _zygote = None
