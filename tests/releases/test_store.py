"""What is stored for releases fits the ledger, or what does not is told."""

import dataclasses
from pathlib import Path

import pytest

from labs.course.check import volatile
from labs.host import paths
from labs.releases import page as chronicle
from labs.releases import store
from labs.releases.store import ReleaseResults, cookie_cases
from labs.trial.claims import Verdict, ledger
from tests.releases.support import BOOK, BROKEN, HOLDS, NOT_TESTED, NOW, REFUTED, result


def test_what_is_stored_for_the_pinned_release_is_the_ledger() -> None:
    assert [*store.findings(ledger(), store.digests()), *chronicle.stale()] == []


def test_any_one_verdict_that_is_flipped_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the ledger or in what is stored: no verdict can be turned without a finding that names it."""
    every = store.stored()
    monkeypatch.setattr(store, "stored", lambda folder: every)
    unseen = []
    for name, claim in ledger().items():
        other = Verdict.REFUTED if claim.verdict is Verdict.HOLDS else Verdict.HOLDS
        turned = {**ledger(), name: dataclasses.replace(claim, verdict=other)}
        if not any(it.startswith(f"{name} is {other} in the ledger") for it in store.findings(turned, {})):
            unseen.append(name)
    assert unseen == []


@pytest.mark.parametrize("kept", store.stored(), ids=lambda it: it.aiohttp)
def test_what_is_stored_can_be_read(kept: ReleaseResults) -> None:
    assert (paths.RESULTS / f"aiohttp-{kept.aiohttp}.json").exists()
    assert set(kept.claims.values()) <= set(Verdict) and kept.claims.keys() <= ledger().keys()
    assert set(kept.cases.values()) <= {store.PASSED, store.FAILED, BROKEN, NOT_TESTED}
    assert kept.cases.keys() <= cookie_cases().keys()
    lessons = {it.lesson for it in ledger().values()}
    assert kept.why.keys() <= ledger().keys() | cookie_cases().keys() | lessons
    assert {
        name for name, verdict in kept.claims.items() if verdict != ledger()[name].verdict
    } <= kept.why.keys()
    assert volatile("\n".join(kept.why.values())) == []


def test_stored_results_come_back_as_they_were(tmp_path: Path) -> None:
    newer, oldest = result("3.10.1", {"C2": "a\u2028b ü"}, C2=BROKEN), result("3.9.5", C1=HOLDS)
    pure = result("3.9.5-pure", C1=REFUTED)
    for it in (newer, pure, oldest):
        store.write(it, tmp_path / "results")
    assert store.stored(tmp_path / "results") == [oldest, pure, newer]  # by number, not by letter


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (result("3.9.5"), "results/ has nothing of aiohttp 3.14.5, which the lab pins: run `make versions`."),
        (
            result("3.14.5", C2=REFUTED),
            "results/ lacks claims of aiohttp 3.14.5: "
            "run `python -m labs versions 3.14.5 --lesson 01 --lesson 02`.",
        ),
        (
            result("3.14.5", {"C1": "it took long."}, C1=BROKEN, C2=REFUTED, C3=HOLDS),
            "C1 is holds in the ledger, broken in aiohttp 3.14.5's results: it took long.",
        ),
        (
            result("3.14.5", C1=HOLDS, C2=REFUTED, C3=HOLDS, C9=HOLDS),
            "results/aiohttp-3.14.5.json has C9, not in the ledger: run `python -m labs versions --page`.",
        ),
        (
            dataclasses.replace(
                result("3.14.5", C1=HOLDS, C2=REFUTED, C3=HOLDS), lessons={"01_one": "1a", "02_two": "2b"}
            ),
            "results/ has what 02_two gave before the code changed: "
            "run `python -m labs versions 3.14.5 --lesson 02`.",
        ),
        (result("3.14.5", C1=HOLDS, C2=REFUTED, C3=HOLDS), ""),
    ],
)
def test_what_does_not_fit_is_found(tmp_path: Path, kept: ReleaseResults, words: str) -> None:
    store.write(kept, tmp_path)
    assert "".join(store.findings(BOOK, NOW, tmp_path, "3.14.5")) == words
