"""A fresh kernel for a notebook: the environment it starts in, and one execution from top to bottom."""

import asyncio
import contextlib
import functools
import os
import random
import re
import socket
import tempfile
from pathlib import Path

from nbformat import NotebookNode

from labs.course.lesson import SECONDS, LessonError, missing
from labs.host.environment import without_proxies
from labs.host.learner import STRICT
from labs.host.paths import ROOT

LAST = 2000  # bytes of a dead kernel's last words
PORTS = (20000, 32000)  # below those that Linux (32768), macOS and Windows (49152) hand out

# Settings of a learner's machine that change what a cell shows, or where a client connects.
UNWANTED = (
    *("PYTHONWARNINGS", "PYTHONASYNCIODEBUG", "PYTHONDEVMODE", "PYTHONOPTIMIZE", "PYTHONSTARTUP"),
    *("AIOHTTP_NO_EXTENSIONS", "SSLKEYLOGFILE"),
    "MPLBACKEND",  # a kernel chooses its inline backend only where this is not set
)
PARSER = "LAB_PARSER"  # "python": aiohttp's parser in Python, which PyPy and browsers run, on purpose


def environment() -> dict[str, str]:
    """Make the environment of a kernel: `labs` importable from any folder, no proxy, nothing of UNWANTED.

    Where PARSER says so, aiohttp takes its parser in Python. Raises LessonError for another word there.
    """
    wanted = {name: value for name, value in without_proxies().items() if name.upper() not in UNWANTED}
    if word := wanted.get(PARSER, ""):
        if word != "python":
            raise LessonError(f"{PARSER} is {word!r}: set it to python, or not at all.")
        wanted["AIOHTTP_NO_EXTENSIONS"] = "1"
    others = [path for path in wanted.get("PYTHONPATH", "").split(os.pathsep) if path and path != str(ROOT)]
    return wanted | {"PYTHONPATH": os.pathsep.join([str(ROOT), *others])}


@functools.cache
def choose_ports() -> None:
    """Let Jupyter choose the ports of this process's kernels where the system never hands one out.

    Jupyter looks for free ports before the kernel binds them. Chosen among those of outgoing connections, one
    may be taken meanwhile, and the kernel dies with "Address already in use" (jupyter_client issue 487).
    """
    from jupyter_client.connect import LocalPortCache

    class Ports(LocalPortCache):
        def find_available_port(self, ip: str) -> int:
            while True:
                port = random.SystemRandom().randrange(*PORTS)
                with contextlib.suppress(OSError), socket.socket() as sock:
                    sock.bind((ip, port))
                    if port not in self.currently_used_ports:
                        self.currently_used_ports.add(port)
                        return port

    Ports.instance()  # stands for LocalPortCache.instance() from now on


def execute(notebook: NotebookNode, folder: Path, name: str) -> NotebookNode:
    """Execute a notebook in a fresh kernel that works in `folder`, and keep only outputs that can repeat.

    Raises LessonError naming lesson and code cell. Cells may take SECONDS each.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    choose_ports()
    import labs.draw.sheet  # noqa: F401  builds the font cache here: building it in a cell can show a warning

    for number, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), 1):
        if program := missing(cell):
            raise LessonError(f"{name}, code cell {number} needs {program}: install it, then build again.")
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # it warns of TCP on loopback at each start
        resources={"metadata": {"path": str(folder)}},
    )
    # What cells write to stderr is an output of theirs. The rest are a kernel's last words: of use when it
    # died in a cell, and noise when it dies as it ends (libzmq: "Assertion failed: pfd.revents & POLLIN").
    with tempfile.TemporaryFile() as words:
        try:
            # On Windows' own loop zmq warns and takes a thread (zmq/asyncio.py, _get_selector_windows).
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(client.async_execute(env=environment() | {STRICT: "1"}, stderr=words))
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            done = sum(
                cell.cell_type == "code" and cell.execution_count is not None for cell in notebook.cells
            )
            told = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
            if isinstance(error, DeadKernelError):
                words.seek(0)
                told = f"{told}\n{words.read()[-LAST:].decode(errors='replace')}".strip()
            raise LessonError(f"{name}, code cell {done or 1} stopped:\n{told}") from error
    notebook.metadata["language_info"] = {"name": "python"}  # the kernel adds its own version
    return notebook
