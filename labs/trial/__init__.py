"""Comparison, claims, verdicts, prediction.

It runs experiments that others wrote, and is the only package that raises for a wrong lesson. It takes
from `capture`.
"""

from labs.trial.claims import Claim, Disagreement, Kind, LedgerError, Verdict, Verdicts, check, ledger
from labs.trial.comparison import Broken, Comparison, NotTested, compare, say
from labs.trial.prediction import score

__all__ = [
    "Broken",
    "Claim",
    "Comparison",
    "Disagreement",
    "Kind",
    "LedgerError",
    "NotTested",
    "Verdict",
    "Verdicts",
    "check",
    "compare",
    "ledger",
    "say",
    "score",
]
