"""The ledger says of the posts what stands in them, and whoever makes it say more is told."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labs.course import lesson
from labs.trial import claims, posts
from labs.trial.claims import Claim, Kind, LedgerError, Verdict
from labs.trial.posts import Fair, Passage, passages, unfair

HOLDS = Passage("P000-01", "section 1", "One comes first.", "sentence", Fair.TRAP, ("C1",), ("L1",))
REFUTED = Passage("P000-02", "section 1", "One comes last.", "code", Fair.REFUTED, ("C2",))
PLANNED = Passage("P000-03", "section 1", "One comes again.", "comment", Fair.HOLDS, lesson="18_planned")
OPINION = Passage("P000-04", "section 1", "One is best.", "sentence", Fair.NOT_TESTABLE)
POSTS = {it.id: it for it in (HOLDS, REFUTED, PLANNED, OPINION)}


def claim(id: str, kind: Kind, verdict: Verdict, *entry: str) -> Claim:
    """Make a claim of a lesson that is written."""
    return Claim(id, "One.", "nobody", kind, verdict, "01_one", "Two.", entry)


LEDGER = {
    "C1": claim("C1", Kind.POSTED, Verdict.HOLDS, "P000-01"),
    "C2": claim("C2", Kind.POSTED, Verdict.REFUTED, "P000-02"),
    "L1": claim("L1", Kind.ASSUMED, Verdict.REFUTED),
}
LESSONS = ["01_one"]


# ── the entries ───────────────────────────────────────────────────────────────────────────────────────────


def test_all_that_the_posts_say_is_there_in_their_order() -> None:
    every = passages()
    found = Counter(it.id.partition("-")[0] for it in every.values())
    assert found == {"P000": 47, "P001": 26, "P002": 68, "P003": 25}
    assert [*every] == [f"{post}-{n:02}" for post, many in found.items() for n in range(1, many + 1)]
    assert Counter(it.verdict for it in every.values()) == {
        Fair.HOLDS: 78,
        Fair.TRAP: 45,
        Fair.REFUTED: 32,
        Fair.NOT_TESTABLE: 11,
    }


def test_the_ledger_is_fair_to_the_posts() -> None:
    written = [it.stem for it in lesson.sources()]
    assert [*unfair(claims.ledger(), passages(), written)] == []


ENTRY: dict[str, Any] = {
    "id": "P000-01",
    "section": "section 1",
    "sentence": "One comes first.",
    "kind": "sentence",
    "verdict": "holds",
}


def book(folder: Path, *entries: dict[str, Any], post: str = "P000") -> Path:
    """Write entries of one post."""
    lines = [line for it in entries for line in ("[[entry]]", *(f"{key} = {it[key]!r}" for key in it))]
    path = folder / "posts.toml"
    path.write_text("\n".join([f"[post.{post}]", *lines]), "utf-8")
    passages.cache_clear()
    return path


def test_an_entry_is_read(tmp_path: Path) -> None:
    (found,) = passages(book(tmp_path, {**ENTRY, "claims": ["C1"], "trap": ["L1", "L2"]})).values()
    assert found == Passage(
        "P000-01", "section 1", "One comes first.", "sentence", Fair.HOLDS, ("C1",), ("L1", "L2")
    )


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([ENTRY, ENTRY], "Entry P000-01 stands twice in posts.toml: give the second a new id."),
        ([{**ENTRY, "id": "P009-01"}], "Entry P009-01 in posts.toml is of no [post]: correct its id."),
        ([{**ENTRY, "section": ""}], "Entry P000-01 in posts.toml lacks or misspells: section."),
        ([{**ENTRY, "claim": ["C1"]}], "Entry P000-01 in posts.toml lacks or misspells: claim."),
        ([{**ENTRY, "claims": "C1"}], "Entry P000-01 in posts.toml: write claims as a list of ids."),
        (
            [{**ENTRY, "kind": "advice"}],
            "Entry P000-01 in posts.toml: kind is sentence or code or comment, not 'advice'.",
        ),
        (
            [{**ENTRY, "verdict": "half true"}],
            "Entry P000-01 in posts.toml: verdict is holds or refuted or trap beside or not testable, "
            "not 'half true'.",
        ),
    ],
)
def test_a_bad_entry_gets_one_clear_sentence(
    tmp_path: Path, entries: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(LedgerError) as caught:
        passages(book(tmp_path, *entries))
    assert str(caught.value) == words


def test_another_file_gets_one_too(tmp_path: Path) -> None:
    path = book(tmp_path)
    path.write_text("[[entry]\n", "utf-8")
    with pytest.raises(LedgerError, match=r"posts.toml is not TOML: .*\."):
        passages(path)


# ── the ledger, held to them ──────────────────────────────────────────────────────────────────────────────


def test_a_fair_ledger_is_left_alone() -> None:
    assert [*unfair(LEDGER, POSTS, LESSONS)] == []


@pytest.mark.parametrize(
    ("id", "change", "words"),
    [
        (
            "C1",
            {"entry": ("P000-01", "P000-09")},
            "claims.toml, C1: no entry P000-09 is in posts.toml: correct it.",
        ),
        ("C1", {"entry": ("P000-01", "P000-03")}, "P000-03: C1 names it as its entry: add it to claims."),
        ("C1", {"entry": ()}, "P000-01: C1 is posted and does not name it: add it to"),
        (
            "C1",
            {"verdict": Verdict.REFUTED},
            "C1 is called refuted and its entry P000-01 trap beside",
        ),
        ("C2", {"verdict": Verdict.HOLDS}, "C2 is called holds and its entry P000-02 refuted: restate"),
        ("L1", {"kind": Kind.POSTED}, "P000-01: L1 is posted, and a trap is nobody's sentence"),
    ],
)
def test_a_claim_that_is_unfair_is_found(id: str, change: dict[str, Any], words: str) -> None:
    (found,) = unfair({**LEDGER, id: replace(LEDGER[id], **change)}, POSTS, LESSONS)
    assert words in found


@pytest.mark.parametrize(
    ("id", "change", "words"),
    [
        ("P000-01", {"claims": ("C1", "C9")}, "P000-01: no claim C9 is in the ledger: correct it."),
        ("P000-01", {"trap": ("L9",)}, "P000-01: no claim L9 is in the ledger: correct it."),
        ("P000-01", {"verdict": Fair.HOLDS}, "it has a trap and is called holds: call it trap beside"),
        ("P000-01", {"lesson": "18_planned"}, "P000-01: give it the claims that compute it"),
        (
            "P000-03",
            {"lesson": ""},
            "P000-03: give it the claims that compute it",
        ),
        (
            "P000-03",
            {"lesson": "01_one"},
            "P000-03: it belongs to 01_one and nobody computes it",
        ),
        (
            "P000-04",
            {"lesson": "18_planned"},
            "it is called not testable: take out its claims",
        ),
    ],
)
def test_an_entry_that_is_unfair_is_found(id: str, change: dict[str, Any], words: str) -> None:
    (found,) = unfair(LEDGER, {**POSTS, id: replace(POSTS[id], **change)}, LESSONS)
    assert words in found


def test_a_planned_lesson_that_is_written_has_to_compute_its_entries() -> None:
    (found,) = unfair(LEDGER, POSTS, [*LESSONS, "18_under_another_name"])
    assert "P000-03: it belongs to 18_under_another_name and nobody computes it" in found


def test_what_concerns_other_lessons_is_not_told_of_one() -> None:
    bad = {**LEDGER, "C1": replace(LEDGER["C1"], entry=("P000-09",))}
    assert len([*unfair(bad, POSTS, LESSONS, chosen=["01_one"])]) == 2
    assert [*unfair(bad, POSTS, LESSONS, chosen=["02_two"])] == []
    assert len([*unfair(LEDGER, POSTS, [*LESSONS, "18_x"], chosen=["18_x"])]) == 1


def test_posts_is_the_data_that_stands_beside_it() -> None:
    assert posts.POSTS.name == "posts.toml" and posts.POSTS.exists()
