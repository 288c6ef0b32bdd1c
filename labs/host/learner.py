"""Whether a person sits before this kernel: what differs is then told, nothing raised, and progress noted."""

import contextlib
import json
import os
import sys
from pathlib import Path

__all__ = ["PROGRESS", "STRICT", "note", "strict"]

STRICT = "LAB_STRICT"  # "1": whatever builds and tests lessons sets it; "0": as for a learner
PROGRESS = "LAB_PROGRESS"  # the file for what a learner does: `labs lab` names it, nobody else


def strict() -> bool:
    """Say whether a verdict that differs from the ledger raises: everywhere but in a learner's kernel.

    A learner's is a kernel of Jupyter that nobody told to be strict.
    """
    if word := os.environ.get(STRICT):
        return word != "0"
    shell = sys.modules.get("IPython")
    return getattr(shell and shell.get_ipython(), "kernel", None) is None


def note(**what: object) -> None:
    """Write what a learner did as a line of JSON at the end of the file of progress, with the lesson's name.

    Nothing is noted where nobody names a file, where builds and tests run, or in a solution. What a disk does
    not take is not noted: a lesson goes on. A line is one write, so that two labs do not mix theirs, and it
    begins a new one after a line that a crash has cut.
    """
    file = os.environ.get(PROGRESS)
    notebook = Path(os.environ.get("JPY_SESSION_NAME", ""))  # Jupyter's, of the kernel of a notebook
    if not file or strict() or notebook.parent.name == "solutions":
        return
    line = json.dumps({"lesson": notebook.name.partition(".")[0], **what}, ensure_ascii=False)
    with contextlib.suppress(OSError), open(file, "a+b", buffering=0) as out:
        if end := out.tell():
            out.seek(end - 1)
        cut = end > 0 and out.read(1) != b"\n"
        # Half a character (a lone surrogate) becomes the escape that JSON has for it.
        out.write(("\n" * cut + f"{line}\n").encode(errors="backslashreplace"))
