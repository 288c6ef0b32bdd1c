"""The list of checks: each once, with words, in the order of its topics."""

import pkgutil
import re
from pathlib import Path

import pytest

from labs.conformance import topics
from labs.conformance.registry import TOPICS, _checks, check, checks, select
from labs.course.mutants import mutants
from tests.conformance.proxies import liar

TESTS = "tests/conformance/"


def test_every_check_has_an_id_a_clause_and_words() -> None:
    known = checks()
    assert len(known) >= 60 and len({it.id for it in known}) == len(known)
    assert {it.topic for it in known} == set(TOPICS)
    for it in known:
        assert re.fullmatch(r"[A-Z]+-[1-9][0-9]?", it.id)
        assert re.fullmatch(
            r"RFC (3875|9110|9112|6265|6455|6585|7239) section [\d.]+|aiohttp issue \d+|lab", it.clause
        )
        assert it.sentence[0].islower() or it.sentence[0] in "PKHTSOEACMVX2341%", it.id
        assert it.hint.endswith((".", "502")) and not it.sentence.endswith("."), it.id


def test_an_id_is_given_once_and_needs_words() -> None:
    with pytest.raises(ValueError, match="Two checks are called HOP-1"):
        check(checks()[0].id, "lab", "a sentence", "A hint.")(liar)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="X-1 needs a clause, a sentence and a hint"):
        check("X-1", "lab", "a sentence", "")(liar)  # type: ignore[arg-type]
    assert "X-1" not in _checks


def test_checks_are_chosen_by_id_or_topic() -> None:
    assert [it.id for it in select(["HOP-2", "AUTH-1"])] == ["HOP-2", "AUTH-1"]
    assert {it.topic for it in select("retry")} == {"retry"}
    with pytest.raises(ValueError, match="No check and no topic is called 'nonsense'"):
        select("nonsense")


def test_a_topic_that_was_forgotten_in_the_order_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "forgotten.py").write_text("raise AssertionError('it was loaded')", "utf-8")
    monkeypatch.setattr(topics, "__path__", [*topics.__path__, str(tmp_path)])
    with pytest.raises(ValueError, match="The topic forgotten has no place in the list: add it to TOPICS"):
        checks()


def test_a_topic_of_the_order_that_is_no_module_is_found() -> None:
    assert sorted(TOPICS) == sorted(it.name for it in pkgutil.iter_modules(topics.__path__))


def test_every_topic_has_a_planted_fault() -> None:
    """A fault in a check of the topic: tests/conformance must notice it."""
    planted = {it.file for it in mutants() if all(by.startswith(TESTS) for by in it.by)}
    assert [it for it in TOPICS if f"labs/conformance/topics/{it}.py" not in planted] == []
