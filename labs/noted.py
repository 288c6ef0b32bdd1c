"""What an experiment notes besides the recording: an exception raised, a setting in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from labs.trace import Trace

__all__ = ["Noted", "noted"]


@dataclass(frozen=True)
class Noted(Trace):
    """Hold a trace with notes. They say what never crosses the wire, so that `compare` can ask for it."""

    notes: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def noted(trace: Trace, notes: Mapping[str, Any]) -> Noted:
    """Return the trace with notes beside it. Plain values only: a note outlives the experiment."""
    return Noted(trace.said, trace.parties, trace.calls, MappingProxyType(dict(notes)))
