"""What the tests of releases share: a ledger of three claims, and results that are stored of them."""

from collections.abc import Mapping

from labs.releases.store import ReleaseResults
from labs.trial.claims import Claim, Kind, Verdict

HOLDS, REFUTED, BROKEN, NOT_TESTED = Verdict.HOLDS, Verdict.REFUTED, Verdict.BROKEN, Verdict.NOT_TESTED


def claim(name: str, verdict: Verdict, sentence: str = "It is so.", lesson: str = "01_one") -> Claim:
    return Claim(name, sentence, "a test", Kind.OBSERVED, verdict, lesson, "")


BOOK = {
    it.id: it
    for it in (
        claim("C1", HOLDS, "A | B holds for `a|b`, *often* in <b>."),
        claim("C2", REFUTED),
        claim("C3", HOLDS, lesson="02_two"),
    )
}

NOW = {"01_one": "1a", "02_two": "2a"}


def result(release: str, why: Mapping[str, str] | None = None, **verdicts: Verdict) -> ReleaseResults:
    return ReleaseResults(release, "3.11.2", "Linux", {"yarl": "1.0"}, verdicts, {}, why or {}, NOW)


OLD = result("3.9.5", {"C1": "there: a|b", "C3": "the lab | *failed*"}, C1=REFUTED, C2=REFUTED, C3=BROKEN)
NEW = result("3.14.5", C1=HOLDS, C2=REFUTED)
AGREED = {"C1": ("holds", "q: a 1"), "C2": ("refuted", "q: a 2")}
