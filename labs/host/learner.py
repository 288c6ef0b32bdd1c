"""Whether a person sits before this kernel: what differs from the lesson is then told, and nothing raised."""

import os
import sys

__all__ = ["STRICT", "strict"]

STRICT = "LAB_STRICT"  # "1": whatever builds and tests lessons sets it; "0": as for a learner


def strict() -> bool:
    """Say whether a verdict that differs from the ledger raises: everywhere but in a learner's kernel.

    A learner's is a kernel of Jupyter that nobody told to be strict.
    """
    if word := os.environ.get(STRICT):
        return word != "0"
    shell = sys.modules.get("IPython")
    return getattr(shell and shell.get_ipython(), "kernel", None) is None
