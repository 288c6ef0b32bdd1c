"""What a check can come to, and how it says so."""

from __future__ import annotations

__all__ = [
    "BROKEN",
    "FAILED",
    "MARKS",
    "NOT_APPLICABLE",
    "PASSED",
    "PATIENCE",
    "Failed",
    "NotApplicable",
    "demand",
]

PASSED, FAILED, BROKEN, NOT_APPLICABLE = "passed", "failed", "broken", "not applicable"
MARKS = {PASSED: "✓", FAILED: "✗", BROKEN: "!", NOT_APPLICABLE: "–"}
PATIENCE = 2.0  # seconds in which nothing happens, until a proxy that hangs has failed


class Failed(AssertionError):
    """Say in one sentence what a proxy did, where it owed something else."""


class NotApplicable(Exception):
    """Say why a check cannot be put to this proxy."""


def demand(owed: object, otherwise: str) -> None:
    """Raise Failed with the sentence `otherwise` unless `owed` is true."""
    if not owed:
        raise Failed(otherwise)
