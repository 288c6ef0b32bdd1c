"""Repeat everything, to see that it shows the same again, on a busy machine, too."""

import contextlib
import difflib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from labs.course.build import comparable, describe, kept, targets
from labs.course.kernel import execute
from labs.course.lesson import cut
from labs.host.paths import NOTEBOOKS

# It ends when its standard input closes: at the end of the block, and also when this process is killed.
BURNER = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while True: pass
"""


def repeat(
    notebooks: Path = NOTEBOOKS, *, only: Sequence[str] = (), times: int = 20, busy: bool = False
) -> tuple[bool, str]:
    """Execute lessons and solutions again and again, and compare with what is stored, byte for byte.

    `only` is as in `targets`; `busy` keeps every core busy meanwhile. Returns whether all runs showed the
    same, and a summary of one line, followed by the first difference of each notebook that differed.
    """
    began = time.monotonic()
    runs = 0
    differences: dict[str, str] = {}
    with burning() if busy else contextlib.nullcontext():
        for _ in range(times):
            for source, solved, target in targets(notebooks, only):
                made = comparable(describe(execute(cut(source, solved=solved), target.parent, source.stem)))
                before = kept(target)
                runs += 1
                if made != before:
                    differences.setdefault(str(target.relative_to(notebooks)), _difference(before, made))
    idle = "every core busy" if busy else "the machine as it was"
    summary = (
        f"{runs} runs ({times} of each notebook), {idle}: "
        f"{len(differences) or 'no'} notebooks differ from what is stored; {time.monotonic() - began:.0f} s."
    )
    return runs > 0 and not differences, "\n".join([summary, *(f"{k}:\n{v}" for k, v in differences.items())])


def _difference(before: str, made: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), made.splitlines(), "stored", "again", lineterm="", n=2)
    return "\n".join(list(lines)[:30])


@contextlib.contextmanager
def burning() -> Iterator[None]:
    """Keep every core of this machine busy while the block runs."""
    with contextlib.ExitStack() as stack:
        for _ in range(os.cpu_count() or 2):
            line = [sys.executable, "-c", BURNER]
            stack.enter_context(subprocess.Popen(line, stdin=subprocess.PIPE))
        yield
