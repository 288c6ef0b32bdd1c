"""What a party noted of itself, beside what was recorded: the pieces a client took from a stream, say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from labs.trace import Trace

__all__ = ["Noted", "noted"]

NOTHING = Trace((), ())


@dataclass(frozen=True, repr=False)
class Noted(Trace):
    """Hold a recorded conversation, and notes of what never crossed a wire; plain values, too."""

    notes: Mapping[str, object] = field(default_factory=dict)


def noted(trace: Trace = NOTHING, **notes: object) -> Noted:
    """Return the trace with notes, which a question finds as `t.notes["name"]`.

    Without a trace, what was recorded is left out: to read a recording of a gigabyte takes several.
    """
    return Noted(trace.said, trace.parties, trace.calls, notes)
