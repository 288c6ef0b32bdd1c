"""What an experiment notes besides the recording: an exception raised, a setting in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from labs.capture.trace import Trace

__all__ = ["Noted", "noted"]

NOTHING = Trace((), ())


@dataclass(frozen=True, repr=False)
class Noted(Trace):
    """Hold a trace with notes. They say what never crosses the wire, so that `compare` can ask for it."""

    notes: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def noted(trace: Trace = NOTHING, notes: Mapping[str, Any] = MappingProxyType({}), **more: Any) -> Noted:
    """Return the trace with notes beside it, given by name or as a mapping: `t.notes["name"]`.

    Plain values only: a note outlives the experiment. Without a trace, what was recorded is left out: to read
    the recording of a gigabyte takes several.
    """
    return Noted(trace.said, trace.parties, trace.calls, trace.servers, MappingProxyType({**notes, **more}))
