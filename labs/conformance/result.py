"""What the checks found of one proxy, as plain values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from labs.conformance.verdict import MARKS, NOT_APPLICABLE, PASSED

__all__ = ["Result", "Results"]


@dataclass(frozen=True)
class Result:
    """Hold what one check found.

    `verdict` is "passed", "failed", "broken" (the lab's fault) or "not applicable". `why` is one sentence
    unless it passed; `bytes` is the exchange of a check that did not.
    """

    id: str
    topic: str
    clause: str
    sentence: str
    hint: str
    verdict: str
    why: str = ""
    bytes: str = ""


@dataclass(frozen=True)
class Results:
    """Hold the results of one proxy, in the order of the list."""

    results: tuple[Result, ...]

    def __getitem__(self, id: str) -> Result:
        """Return the result of a check. Raise KeyError with a sentence for one that was not run."""
        for it in self.results:
            if it.id == id:
                return it
        raise KeyError(f"No check {id} was run.")

    def ids(self, verdict: str) -> tuple[str, ...]:
        """Return the ids of the checks with this verdict."""
        return tuple(it.id for it in self.results if it.verdict == verdict)

    @property
    def score(self) -> tuple[int, int]:
        """How many passed, of how many that could be put to this proxy."""
        return len(self.ids(PASSED)), len(self.results) - len(self.ids(NOT_APPLICABLE))

    def __repr__(self) -> str:
        counts = Counter(it.verdict for it in self.results)
        return ", ".join(f"{counts[it]} {it}" for it in MARKS if counts[it]) or "no check was run"
