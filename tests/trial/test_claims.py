"""A verdict is computed; where the ledger says otherwise, the check raises, and says why."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest

from labs.capture.parser import Message
from labs.capture.said import Said
from labs.capture.trace import Trace
from labs.host.learner import STRICT
from labs.trial import claims
from labs.trial.claims import Claim, Disagreement, LedgerError, Reading, Verdict, check, ledger, read
from labs.trial.comparison import Broken, Comparison, NotTested

ENTRY: dict[str, Any] = {
    "id": "C1",
    "sentence": "A redirect makes the client ask twice.",
    "source": "RFC 9110",
    "kind": "posted",
    "verdict": "holds",
    "lesson": "01_x",
    "entry": ["P000-01"],
}
REFUTED: dict[str, Any] = {
    **ENTRY,
    "id": "C2",
    "sentence": "A proxy makes the client ask twice.",
    "verdict": "refuted",
    "corrected": "It asks once.",
}


def written(folder: Path, *entries: dict[str, Any]) -> Path:
    path = folder / "claims.toml"
    lines = [line for it in entries for line in ("[[claim]]", *(f"{key} = {it[key]!r}" for key in it))]
    path.write_text("\n".join(lines), "utf-8")
    ledger.cache_clear()
    return path


@pytest.fixture(autouse=True)
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the checks read a ledger of two claims: C1 holds, C2 is refuted."""
    read_book = ledger(written(tmp_path, ENTRY, REFUTED))
    monkeypatch.setattr(claims, "ledger", lambda: read_book)


def table(redirect: object = 2, proxy: object = 1) -> Comparison:
    said = Said("client", "front", Message("request", "GET /page HTTP/1.1"), "", 0, 0, 0.0)
    trace = Trace((said,), ("client", "front"))
    answers = {("requests", "redirect"): redirect, ("requests", "proxy"): proxy}
    return Comparison(("requests",), ("redirect", "proxy"), answers, {"redirect": trace, "proxy": trace})


TRUE = {"C1": {"requests": {"redirect": 2}}, "C2": {"requests": {"proxy": 2}}}


# ── the ledger ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_ledger_is_read_in_order(tmp_path: Path) -> None:
    claim, other = ledger(written(tmp_path, REFUTED, ENTRY)).values()
    words: dict[str, Any] = {**REFUTED, "kind": claims.Kind.POSTED, "verdict": Verdict.REFUTED}
    words["entry"] = ("P000-01",)
    assert claim == Claim(**words)
    assert (other.id, other.corrected) == ("C1", "")
    assert ledger(written(tmp_path)) == {}


def test_the_course_has_a_ledger_that_can_be_read() -> None:
    assert all(name == claim.id for name, claim in ledger().items())


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in ENTRY.items() if name != key}


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([ENTRY, ENTRY], "Claim id C1 stands twice in claims.toml: give the second a new id."),
        ([without("id")], "Claim (no id) in claims.toml lacks or misspells: id."),
        ([without("source")], "Claim C1 in claims.toml lacks or misspells: source."),
        ([{**ENTRY, "sentence": ""}], "Claim C1 in claims.toml lacks or misspells: sentence."),
        ([{**ENTRY, "corected": "x"}], "Claim C1 in claims.toml lacks or misspells: corected."),
        (
            [{"id": "C1", "verdict": "holds", "sentence": "x", "lesson": "y"}],
            "Claim C1 in claims.toml lacks or misspells: kind, source.",
        ),
        (
            [{**ENTRY, "kind": "rumoured"}],
            "Claim C1 in claims.toml: kind is required or promised or observed or posted or assumed, "
            "not 'rumoured'.",
        ),
        (
            [{**ENTRY, "verdict": "half true"}],
            "Claim C1 in claims.toml: verdict is holds or refuted, not 'half true'.",
        ),
        (
            [{**ENTRY, "verdict": "not tested"}],
            "Claim C1 in claims.toml: verdict is holds or refuted, not 'not tested'.",
        ),
        (
            [{**ENTRY, "verdict": "refuted"}],
            "Claim C1 is posted and refuted: write its corrected sentence.",
        ),
        ([{**ENTRY, "id": 3}], "Claim 3 in claims.toml: put quotes around the value of id."),
        ([{**ENTRY, "id": ["C1"]}], "Claim ['C1'] in claims.toml: put quotes around the value of id."),
    ],
)
def test_a_bad_ledger_gets_one_clear_sentence(
    tmp_path: Path, entries: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(LedgerError) as caught:
        ledger(written(tmp_path, *entries))
    assert str(caught.value) == words


HOLDS = "claims.toml holds [[claim]] entries, [retired] and nothing else"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[claim]\n", "claims.toml is not TOML: "),
        ("[[claims]]\nid = 'C1'\n", f"{HOLDS}, but also claims."),
        ("[claim]\nid = 'C1'\n", f"{HOLDS}, but also [claim]."),
        ("[[retired]]\nC1 = []\n", f"{HOLDS}, but also retired."),
        ("[retired]\nC1 = 'C2'\n", "[retired] in claims.toml: say in a list what stands in the place of C1."),
        ("[retired]\nC1 = ['C2']\n", "[retired] in claims.toml: C2, in the place of C1, is no claim."),
    ],
)
def test_another_file_gets_one_too(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path)
    path.write_text(text, "utf-8")
    with pytest.raises(LedgerError) as caught:
        ledger(path)
    assert str(caught.value).startswith(words) and "\n" not in str(caught.value)


@pytest.mark.parametrize("entry", [[], "P000-01", [1], None])
def test_a_posted_claim_names_its_entries(tmp_path: Path, entry: object) -> None:
    bad = {key: value for key, value in {**ENTRY, "entry": entry}.items() if value is not None}
    with pytest.raises(LedgerError, match="C1 in claims.toml: a posted claim, and no other, names"):
        ledger(written(tmp_path, bad))


def test_no_other_claim_has_an_entry(tmp_path: Path) -> None:
    for kind in set(claims.Kind) - {claims.Kind.POSTED}:
        with pytest.raises(LedgerError, match="C1 in claims.toml: a posted claim, and no other, names"):
            ledger(written(tmp_path, {**ENTRY, "kind": str(kind)}))


def test_a_retired_id_is_never_used_again(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY)
    path.write_text("[retired]\nC0 = ['C1']\nC2 = []\n" + path.read_text("utf-8"), "utf-8")
    assert [*ledger(path)] == ["C1"]
    path.write_text("[retired]\nC1 = []\n" + written(tmp_path, ENTRY).read_text("utf-8"), "utf-8")
    with pytest.raises(LedgerError, match="Claim id C1 is retired in claims.toml: give the claim a new id."):
        ledger(path)


def test_only_what_is_posted_and_refuted_needs_a_correction(tmp_path: Path) -> None:
    for entry in ({**REFUTED, "kind": "observed", "corrected": ""}, {**ENTRY, "kind": "assumed"}):
        del entry["entry"]
        assert len(ledger(written(tmp_path, entry))) == 1


# ── a verdict ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reading", "verdict"),
    [
        ({"requests": {"redirect": 2}}, Verdict.HOLDS),
        ({"requests": {"redirect": 2, "proxy": 1}}, Verdict.HOLDS),
        ({"requests": {"redirect": 1}}, Verdict.REFUTED),
        ({"requests": {"redirect": 2, "proxy": 2}}, Verdict.REFUTED),
        ({"requests": {"redirect": 1, "proxy": 2}}, Verdict.REFUTED),
    ],
)
def test_a_claim_holds_when_every_answer_is_as_predicted(reading: Reading, verdict: Verdict) -> None:
    assert read(table(), reading) is verdict


def test_swapping_the_sides_refutes() -> None:
    reading = {"requests": {"redirect": 2, "proxy": 1}}
    assert read(table(2, 1), reading) is Verdict.HOLDS
    assert read(table(1, 2), reading) is Verdict.REFUTED
    assert read(table(2, 2), reading) is read(table(1, 1), reading) is Verdict.REFUTED
    swapped = {"requests": {"proxy": 1, "redirect": 2}}  # the order of the columns says nothing
    assert read(table(2, 1), swapped) is Verdict.HOLDS


def test_what_is_missing_or_broken_is_no_verdict_on_the_claim() -> None:
    gone, broken = NotTested("no curl"), Broken("OSError: x", OSError("x"))
    reading = {"requests": {"redirect": 2, "proxy": 1}}
    assert read(table(gone, 1), reading) is Verdict.NOT_TESTED
    assert read(table(broken, 1), reading) is read(table(broken, gone), reading) is Verdict.BROKEN
    assert read(table(2, gone), {"requests": {"redirect": 2}}) is Verdict.HOLDS  # it does not rest on it


@pytest.mark.parametrize("reading", [{}, {"requests": {}}])
def test_a_reading_that_cannot_fail_is_refused(reading: Reading) -> None:
    with pytest.raises(ValueError, match="predicts nothing"):
        read(table(), reading)
    with pytest.raises(ValueError, match="predicts nothing"):
        check(table(), {"C1": reading})
    with pytest.raises(ValueError, match="without a claim"):
        check(table(), {})


def test_what_the_table_does_not_have_is_named() -> None:
    with pytest.raises(KeyError, match="The table has no 'request' / 'redirect'. It has: requests."):
        read(table(), {"request": {"redirect": 1}})
    with pytest.raises(KeyError, match="The table has no 'requests' / 'poxy'. It has: redirect, proxy."):
        read(table(), {"requests": {"poxy": 1}})
    with pytest.raises(KeyError, match="No claim C9 is in the ledger: add it to claims.toml"):
        check(table(), {"C9": {"requests": {"redirect": 1}}})


# ── the check ─────────────────────────────────────────────────────────────────────────────────────────────


def test_verdicts_that_agree() -> None:
    verdicts = check(table(), TRUE)
    expected = """\
✓ C1 holds: A redirect makes the client ask twice. (posted: RFC 9110)
✗ C2 refuted: A proxy makes the client ask twice. (posted: RFC 9110)
    it would show   requests: proxy 2
    recorded        requests: proxy 1
    rather          It asks once."""
    assert repr(verdicts) == expected


def test_html_says_the_same_as_a_list_that_needs_no_style() -> None:
    page = check(table(), TRUE)._repr_html_()
    lines = re.sub(r"<li>|<ul[^>]*>", "\n", page)
    bare = [html.unescape(re.sub(r"<[^>]*>", "", line)) for line in lines.split("\n")]
    told = [
        re.sub(r"^\s+(it would show|recorded|rather) +", r"\1: ", it)
        for it in repr(check(table(), TRUE)).split("\n")
    ]
    assert [it for it in bare if it] == told
    assert page.count("<b>C1</b>") == page.count("<b>rather</b>") == 1


def test_a_claim_that_should_hold_and_does_not() -> None:
    with pytest.raises(Disagreement) as caught:
        check(table(redirect=1), TRUE)
    said = str(caught.value)
    assert said.startswith("The ledger and the recording disagree.\n\nexpected holds, measured refuted\n✗ C1")
    assert ENTRY["sentence"] in said and REFUTED["sentence"] not in said
    assert "it would show   requests: redirect 2\n    recorded        requests: redirect 1\n" in said
    assert f"redirect:\n{table()['redirect'].lanes()}" in said
    assert f"proxy:\n{table()['proxy'].lanes()}" in said and "GET /page" in said


def test_answers_that_read_the_same_and_are_not_are_said_in_python() -> None:
    with pytest.raises(Disagreement) as caught:
        check(table(redirect="2"), TRUE)
    assert "it would show   requests: redirect 2\n    recorded        requests: redirect '2'\n" in str(
        caught.value
    )


def test_a_claim_that_should_be_refuted_and_is_not() -> None:
    with pytest.raises(Disagreement, match="expected refuted, measured holds\n✓ C2") as caught:
        check(table(proxy=2), TRUE)
    assert REFUTED["sentence"] in str(caught.value) and "GET /page" in str(caught.value)


def test_every_disagreement_is_told() -> None:
    with pytest.raises(Disagreement) as caught:
        check(table(1, 2), TRUE)
    assert "✗ C1" in str(caught.value) and "✓ C2" in str(caught.value)


@pytest.mark.parametrize(("came", "expected"), [(1, True), (True, 1), (2, 2.0), ([0], [False]), ("1", 1)])
def test_a_reading_is_of_a_kind_and_a_value(came: object, expected: object) -> None:
    found = table(redirect=came)
    assert read(found, {"requests": {"redirect": expected}}) is Verdict.REFUTED
    assert read(found, {"requests": {"redirect": came}}) is Verdict.HOLDS
    with pytest.raises(Disagreement) as caught:
        check(found, {"C1": {"requests": {"redirect": expected}}})
    would, rec = (
        line.split("redirect ")[1] for line in str(caught.value).splitlines() if "   requests" in line
    )
    assert would != rec


def test_swapped_sides_are_found_by_the_check() -> None:
    check(table(2, 1), TRUE)
    with pytest.raises(Disagreement):
        check(table(1, 2), TRUE)


def test_a_broken_lab_is_neither_refuted_nor_held() -> None:
    error = OSError("no port left")
    with pytest.raises(Disagreement, match="expected refuted, measured broken\n! C2") as caught:
        check(table(proxy=Broken("OSError: no port left", error)), {"C2": TRUE["C2"]})
    assert caught.value.__cause__ is error
    assert "recorded        requests: proxy broken: OSError: no port left" in str(caught.value)


def test_what_is_not_tested_passes_and_says_so() -> None:
    for found, name in ((table(redirect=NotTested("no curl")), "C1"), (table(2, NotTested("no curl")), "C2")):
        shown = repr(check(found, {name: TRUE[name]}))
        assert shown.startswith(f"? {name} not tested: ") and "not tested: no curl" in shown


# ── for a learner, who has changed the code ───────────────────────────────────────────────────────────────


@pytest.fixture
def learner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STRICT, "0")
    monkeypatch.setattr(claims, "recorded", lambda claim, lesson: {"requests": "proxy 1"})


@pytest.mark.usefixtures("learner")
def test_a_learner_is_told_what_changed_and_nothing_is_raised() -> None:
    assert repr(check(table(redirect=3, proxy=2), TRUE)).splitlines() == [
        "✗ C1 with your change: refuted, and holds in the lesson: A redirect makes the client ask twice.",
        "    you have              requests: redirect 3",
        "    the lesson recorded   requests: redirect 2",
        "✓ C2 with your change: holds, and refuted in the lesson: A proxy makes the client ask twice.",
        "    you have              requests: proxy 2",
        "    the lesson recorded   requests: proxy 1",
    ]


@pytest.mark.usefixtures("learner")
def test_for_a_learner_who_changed_nothing_all_is_as_it_is() -> None:
    shown = repr(check(table(), TRUE))
    assert shown.startswith("✓ C1 holds") and "with your change" not in shown


@pytest.mark.usefixtures("learner")
def test_a_crash_of_a_learner_refutes_nothing() -> None:
    shown = repr(check(table(redirect=Broken("OSError: mine", OSError())), TRUE))
    assert shown.splitlines()[:2] == [
        "! C1 with your change: broken, and holds in the lesson: A redirect makes the client ask twice.",
        "    Under the table stands why.",
    ]


@pytest.mark.usefixtures("learner")
@pytest.mark.parametrize(
    ("reading", "words"),
    [
        ({"requests": {"mine": 2}}, "The table has no 'requests' / 'mine'."),
        ({}, "A reading that predicts nothing"),
    ],
)
def test_what_a_learner_took_away_is_not_tested(reading: Reading, words: str) -> None:
    first, second, *_ = repr(check(table(), {"C1": reading})).splitlines()
    assert first.startswith("? C1 with your change: not tested, and holds in the lesson: ")
    assert second.strip().startswith(words)


@pytest.mark.parametrize("word", ["1", "yes"])
def test_a_build_is_as_strict_as_ever(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STRICT, word)
    with pytest.raises(Disagreement):
        check(table(redirect=3), TRUE)
    with pytest.raises(KeyError):
        check(table(), {"C1": {"requests": {"mine": 2}}})
