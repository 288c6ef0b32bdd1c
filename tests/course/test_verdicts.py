"""The page of verdicts: each sentence once, what is right first, and each claim where it is checked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labs.course import lesson, verdicts
from labs.course.verdicts import counts, page, places
from labs.host.paths import ROOT
from labs.trial.claims import ledger
from labs.trial.posts import Fair, passages, posts


def test_every_sentence_stands_there_once_and_in_the_order_of_its_post() -> None:
    found = re.findall(r"^\* \S+ ?!? \*\*(P\d{3}-\d\d)\*\*", page(), re.MULTILINE)
    assert sorted(found) == sorted(passages()) and len(found) == 166
    for post in posts():
        for verdict in Fair:
            some = [it for it in found if it.startswith(post) and passages()[it].verdict is verdict]
            assert some == sorted(some)


def test_what_is_right_comes_first() -> None:
    for part in page().split("\n## ")[1:]:
        marks = re.findall(r"^\* (\S+(?: !)?) \*\*", part, re.MULTILINE)
        order = ["✓", "✓ !", "✗", "–"]
        assert [order.index(it) for it in marks] == sorted(order.index(it) for it in marks)


def test_what_does_not_hold_says_what_does() -> None:
    lines = page().splitlines()
    for n, line in enumerate(lines):
        if line.startswith("* ✗") and "planned for" not in line:
            assert lines[n + 1].startswith("  * *Rather:* ") and len(lines[n + 1]) > 30


def test_every_claim_is_checked_where_the_page_says(tmp_path: Path) -> None:
    found = places()
    assert found.keys() == ledger().keys()
    assert all(found[name][0] == claim.lesson for name, claim in ledger().items())
    stem, number = found["C04"]
    cells = [it for it in lesson.cut(lesson.find(stem), solved=False).cells if it.cell_type == "code"]
    assert '"C04":' in cells[number - 1].source


def test_links_lead_to_notebooks_that_are_there() -> None:
    links = set(re.findall(r"\]\(([^)]+)\)", page()))
    assert len(links) > 10 and all((ROOT / it).exists() for it in links)


def test_the_counts_are_those_of_the_entries() -> None:
    total = {verdict: sum(counts(passages(), it)[verdict] for it in posts()) for verdict in Fair}
    assert total == {Fair.HOLDS: 78, Fair.REFUTED: 32, Fair.TRAP: 45, Fair.NOT_TESTABLE: 11}


def test_the_command_has_a_line_for_each_post(capsys: pytest.CaptureFixture[str]) -> None:
    assert verdicts.claims_command([]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["sentences", "hold"] and len(lines) == len(posts())
    assert [int(it.split()[0]) for it in lines] == [47, 26, 68, 25]
