"""Run a program on the imitated loop of Windows, and every Python that it starts: kernels, workers, programs.

    LAB_WINDOWS_LOOP=1 PYTHONPATH=…/tests/proactor python -m …
    LAB_WINDOWS_LOOP=ticks,refusals …

Python imports this file by its name when it starts (https://docs.python.org/3/library/site.html). Without the
variable, and on Windows, it does nothing.
"""

import os
import sys

if (chosen := os.environ.get("LAB_WINDOWS_LOOP", "0")) not in ("", "0") and sys.platform != "win32":
    import windows_loop  # type: ignore[import-not-found]

    try:
        windows_loop.install(*([] if chosen == "1" else chosen.split(",")))
    except ValueError as error:  # which Python would print, and go on with the loop of this system
        raise SystemExit(str(error)) from None
