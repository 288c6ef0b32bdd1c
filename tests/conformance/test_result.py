"""Results as plain values: found by id, counted by verdict, scored over what could be asked."""

import pytest

from labs.conformance.result import Result, Results


def results(**verdicts: str) -> Results:
    return Results(tuple(Result(id, "retry", "lab", "a", "A.", it) for id, it in verdicts.items()))


FOUND = results(A="passed", B="failed", C="not applicable", D="passed", E="broken")


def test_what_cannot_be_asked_does_not_count_and_what_is_broken_does() -> None:
    assert FOUND.score == (2, 4)
    assert FOUND.ids("passed") == ("A", "D") and FOUND.ids("unheard") == ()
    assert repr(FOUND) == "2 passed, 1 failed, 1 broken, 1 not applicable"


def test_a_result_is_found_by_its_id() -> None:
    assert FOUND["B"].verdict == "failed"
    with pytest.raises(KeyError, match="No check F was run"):
        FOUND["F"]


def test_no_check_is_no_score() -> None:
    assert (results().score, repr(results())) == ((0, 0), "no check was run")
