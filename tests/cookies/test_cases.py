"""The cookie cases: their demands follow from the RFC's algorithms, and running them changes nothing."""

import re
from pathlib import Path

import pytest

from labs import cookies
from tests.cookies.support import Jar

CASES = cookies.cases()

NOW = 1_790_000_000  # September 2026; no case depends on it


def test_there_are_enough_cases_in_six_topics_each_with_a_clause_and_a_sentence() -> None:
    assert len(CASES) >= 60
    assert [*dict.fromkeys(it.topic for it in CASES.values())] == [
        "name and value",
        "attributes",
        "lifetime",
        "host",
        "path and order",
        "https",
    ]
    for it in CASES.values():
        assert re.match(r"[58]\.\d(\.\d)? [A-Z]", it.clause) and it.says and len(it.walk) > 1, it.id
        assert (it.bis != it.demands) == bool(it.bis_clause) == bool(it.bis_says), it.id
        assert re.fullmatch(r"[a-z0-9-]+", it.id) and not it.walk[-1][1], it.id
    walks = [it.walk for it in CASES.values()]
    assert len(set(walks)) == len(walks), "two cases are one"


@pytest.mark.parametrize("bis", [False, True], ids=["RFC 6265", "6265bis"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_a_case_demands_follows_from_the_algorithms(case: cookies.Case, bis: bool) -> None:
    jar = Jar(bis=bis, now=NOW)
    for url, fields in case.walk:
        for field in fields:
            jar.receive(url, field)
    assert jar.send(case.walk[-1][0]) == (case.bis if bis else case.demands)


def test_a_case_that_stands_twice_is_named(tmp_path: Path) -> None:
    book = tmp_path / "cases.toml"
    book.write_text(cookies.FILE.read_text("utf-8") * 2, "utf-8")
    with pytest.raises(ValueError, match="plain stands twice"):
        cookies.cases(book)


@pytest.mark.parametrize(
    ("name", "sent", "letter"),
    [
        ("plain", "a=1", "="),
        ("plain", "", "–"),
        ("plain", None, "!"),
        ("plain", 'a="1"', "x"),
        ("plain", "a=1; b=2", "+"),
        ("stranger", "", "="),
        ("stranger", "a=1", "+"),
        ("expired", "a=2", "+"),
        ("two-fields", "b=2; a=1", "x"),
        ("one-name-two-paths", "a=2", "–"),
        ("no-equals", "", "6"),
        ("no-equals", "a", "b"),
        ("no-equals", "a=", "x"),
        ("host-and-domain", "a=2", "6"),
        ("host-and-domain", "a=1; a=2", "b"),
        ("host-and-domain", "a=2; a=1", "x"),
    ],
)
def test_the_letter_says_what_was_sent(name: str, sent: str | None, letter: str) -> None:
    assert cookies.judge(CASES[name], sent) == letter and letter in cookies.KEY
    assert cookies.judge_all({name: sent}) == {name: letter}


def test_a_walk_that_was_begun_and_not_ended_sent_nothing() -> None:
    begun = [("/?plain.0", None), ("/?two-fields.0", None), ("/?two-fields.1", "a=1; b=2"), ("/icon", None)]
    assert cookies.fields(begun) == {"plain": None, "two-fields": "a=1; b=2"}


def test_a_case_tells_itself() -> None:
    assert str(CASES["prefix-secure"]) == (
        "prefix-secure: a name that begins with __Secure- is a name like others\n"
        "    https://shop.test/   Set-Cookie: __Secure-a=1\n"
        "    https://shop.test/   must hear Cookie: __Secure-a=1 (RFC 6265, 5.3 Storage Model)\n"
        "    but a name that begins with __Secure- needs the attribute Secure: no cookie "
        "(6265bis, 5.7 Storage Model, step 20)"
    )
