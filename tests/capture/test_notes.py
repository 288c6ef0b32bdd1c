"""Notes lie beside a trace, and cannot be changed."""

import pytest

from labs.capture.notes import noted
from labs.capture.recording import Call
from labs.capture.trace import Trace


def test_notes_lie_beside_a_trace() -> None:
    trace = Trace((), ("client", "origin.test"), (Call("client", "origin.test"),))
    with_notes = noted(trace, {"early": True}, pieces=3)
    assert with_notes.notes == {"early": True, "pieces": 3} and isinstance(with_notes, Trace)
    assert (repr(with_notes), with_notes.calls) == (repr(trace), trace.calls)


def test_notes_stand_beside_a_trace_and_cannot_be_changed() -> None:
    notes = {"raised": "TimeoutError"}
    found = noted(Trace((), ("client",)), notes)
    notes.clear()
    assert isinstance(found, Trace)
    assert (found.parties, dict(found.notes)) == (("client",), {"raised": "TimeoutError"})
    with pytest.raises(TypeError):
        found.notes["raised"] = "nothing"  # type: ignore[index]
