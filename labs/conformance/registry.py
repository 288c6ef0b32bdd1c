"""What a check is, and the list of them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from labs.conformance import topics
from labs.conformance.stand import Stand
from labs.conformance.verdict import PATIENCE

__all__ = ["LONG", "SHORT", "TOPICS", "Check", "check", "checks", "select"]

TOPICS = (
    "hop_by_hop",
    "framing",
    "codings",
    "target",
    "methods",
    "bodies",
    "fields",
    "host",
    "versions",
    "redirects",
    "cookies",
    "forwarding",
    "authorization",
    "errors",
    "streaming",
    "leaving",
    "retry",
    "upgrade",
    "trailers",
    "limits",
    "timeouts",
    "shutdown",
)
SHORT, LONG = 0.3, 60.0  # seconds: a limit that a check waits for, and one that none ever meets
Body: TypeAlias = Callable[[Stand], Awaitable[None]]


@dataclass(frozen=True)
class Check:
    """Hold one check: what is owed, by which clause, and a hint for whoever builds the proxy.

    `clause` is a section of an RFC, an aiohttp issue, or "lab" for what the lab itself asks for.
    """

    id: str
    topic: str
    clause: str
    sentence: str
    hint: str
    body: Body
    linger: float = 0.0  # seconds that a stopping proxy may take to finish what runs; 0: the lab's shortest
    patience: float = PATIENCE  # seconds in which nothing happens, until a proxy that hangs has failed
    needs: Mapping[str, Any] = field(default_factory=dict)  # settings that the check must know: see Stand


_checks: dict[str, Check] = {}


def check(
    id: str,
    clause: str,
    sentence: str,
    hint: str,
    *,
    linger: float = 0.0,
    patience: float = PATIENCE,
    needs: Mapping[str, Any] = MappingProxyType({}),
) -> Callable[[Body], Body]:
    """Enter a check into the list. Raise ValueError for an id that is taken, or words that are missing.

    `needs` asks for settings: a proxy that can be set up so gets them, any other tells its own, or none.
    """

    def enter(body: Body) -> Body:
        if id in _checks:
            raise ValueError(f"Two checks are called {id}: give one of them another id.")
        if not (clause and sentence and hint):
            raise ValueError(f"{id} needs a clause, a sentence and a hint.")
        topic = body.__module__.rpartition(".")[2]
        _checks[id] = Check(id, topic, clause, sentence, hint, body, linger, patience, needs)
        return body

    return enter


def checks() -> tuple[Check, ...]:
    """Return all checks, in the order of their topics. Raise ValueError for a topic without a place there."""
    for topic in sorted(it.name for it in pkgutil.iter_modules(topics.__path__)):
        if topic not in TOPICS:
            raise ValueError(f"The topic {topic} has no place in the list: add it to TOPICS, in {__name__}.")
        importlib.import_module(f"{topics.__name__}.{topic}")
    return tuple(sorted(_checks.values(), key=lambda it: TOPICS.index(it.topic)))


def select(only: str | Iterable[str] | None = None) -> tuple[Check, ...]:
    """Return the checks that `only` names by id or topic; all without it. Raise ValueError for neither."""
    known = checks()
    if only is None:
        return known
    wanted = [only] if isinstance(only, str) else list(only)
    for name in wanted:
        if not any(name in (it.id, it.topic) for it in known):
            raise ValueError(
                f"No check and no topic is called {name!r}; the topics are: {', '.join(TOPICS)}."
            )
    return tuple(it for it in known if it.id in wanted or it.topic in wanted)
