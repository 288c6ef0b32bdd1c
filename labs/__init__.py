"""The words that every lesson uses: a name stands here when five lessons or more use it.

Each is looked up when it is asked for, and not kept: `python -m labs doctor` imports labs where no
package is installed, and an old aiohttp must import no more than a lesson asks for. What only some
lessons use stands in its package, and the import line of such a lesson is a map.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labs import clients, draw
    from labs.capture import noted
    from labs.exercises import attempt
    from labs.guard import Guard
    from labs.show import Grid
    from labs.town import Gate, Town
    from labs.trial import check, compare, score

__all__ = [
    "Gate",
    "Grid",
    "Guard",
    "Town",
    "attempt",
    "check",
    "clients",
    "compare",
    "draw",
    "noted",
    "score",
]

_HOME = {
    "Gate": "town",
    "Grid": "show",
    "Guard": "guard",
    "Town": "town",
    "attempt": "exercises",
    "check": "trial",
    "compare": "trial",
    "noted": "capture",
    "score": "trial",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(f"labs.{_HOME[name]}"), name)
    if name in __all__:
        return importlib.import_module(f"labs.{name}")
    raise AttributeError(f"labs has no {name!r}: the words of a lesson are {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
