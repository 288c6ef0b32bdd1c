"""The table says what came, in text and in HTML alike; and a broken lab is never a difference."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import html
import re
from functools import partial
from typing import Any

import pytest
from aiohttp import ClientSession, web

from labs.capture.message import Latin1, Message
from labs.capture.recording import Event, Piece, Recording
from labs.capture.said import Said
from labs.capture.trace import Trace, told
from labs.clients.request import ClientMissing
from labs.guard.guard import forgiving
from labs.guard.logs import server_log
from labs.town.town import Town
from labs.trial.comparison import Broken, Comparison, NotTested, compare, say, told_apart


def conversation(*statuses: int) -> Trace:
    said = tuple(
        Said("front", "client", Message("answer", f"HTTP/1.1 {status} Word"), "", 0, order, 0.0)
        for order, status in enumerate(statuses)
    )
    return Trace(said, ("front", "client"))


def side(*statuses: int) -> Any:
    async def experiment() -> Trace:
        return conversation(*statuses)

    return experiment


def count(trace: Trace) -> int:
    return len(trace.answers())


def first(trace: Trace) -> int:
    return trace.answers()[0].status


def run(sides: dict[str, Any], ask: dict[str, Any]) -> Comparison:
    return asyncio.run(compare(sides, ask))


def page_cells(found: Comparison) -> list[list[str]]:
    rows = re.findall("<tr>(.*?)</tr>", found._repr_html_())
    return [[html.unescape(it) for it in re.findall("<t[dh][^>]*>(.*?)</t[dh]>", row)] for row in rows]


def test_the_table() -> None:
    found = run({"redirect": side(302, 200), "proxy": side(302)}, {"how many": count, "first status": first})
    assert found.asked == ("how many", "first status") and found.sides == ("redirect", "proxy")
    assert found.answers == {
        ("how many", "redirect"): 2,
        ("how many", "proxy"): 1,
        ("first status", "redirect"): 302,
        ("first status", "proxy"): 302,
    }
    expected = """\
                 redirect  proxy
≠  how many      2         1
=  first status  302       302
≠ the sides differ   = the sides agree"""
    assert repr(found) == expected


def test_html_says_the_same_cells() -> None:
    ask = {
        "how many": count,
        "a < b & c": lambda t: "<b>&amp;</b>",
        "list": lambda t: [it.status for it in t.answers()],
        "raises": lambda t: t.answers()[1].status,
    }
    found = run({"a <side>": side(302, 200), "b": side(302)}, ask)
    rows = page_cells(found)
    assert rows[0] == ["", "", "a <side>", "b"]
    for question, row in zip(ask, rows[1:], strict=True):
        came = [found.answers[question, it] for it in found.sides]
        assert row == [
            found.mark(question),
            question,
            *("!" if isinstance(it, Broken) else say(it) for it in came),
        ]
        for cell in row:
            assert cell in repr(found)
    assert "≠ the sides differ<br>= the sides agree" in found._repr_html_()
    assert "<b>" not in found._repr_html_()


def test_long_answers_go_on_below() -> None:
    words = "a long answer of many words that does not fit in one line of the table, by far"
    lines = repr(run({"a": side(), "b": side(1)}, {"q": lambda t: words if t.said else "short"})).split("\n")
    assert len(lines) == 4
    at = lines[0].index("b")
    assert f"{lines[1][at:]} {lines[2][at:]}" == words and lines[2][:at].strip() == ""
    assert max(map(len, lines)) < 80


def test_sides_run_one_after_the_other_in_the_order_given() -> None:
    steps: list[str] = []

    def named(name: str) -> Any:
        async def experiment() -> Trace:
            steps.append(f"{name} begins")
            await asyncio.sleep(0)
            steps.append(f"{name} ends")
            return Trace((), ())

        return experiment

    run({"b": named("b"), "a": named("a")}, {"q": count})
    assert steps == ["b begins", "b ends", "a begins", "a ends"]


def test_a_side_by_name() -> None:
    found = run({"redirect": side(302), "proxy": side(200)}, {"q": first})
    assert found["proxy"] == conversation(200)
    with pytest.raises(KeyError, match="No side is called 'poxy'; the sides are: redirect, proxy."):
        found["poxy"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "–"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (b"caf\xc3\xa9\xff", "café\\xff"),
        (["client", None, ("a", 1)], "client, –, a, 1"),
        ([], "–"),
        ({"GET": 1, "POST": [1, 2]}, "GET: 1, POST: 1, 2"),
        ({}, "–"),
        (NotTested("no curl"), "not tested: no curl"),
        (Broken("OSError: x", OSError("x")), "broken: OSError: x"),
        ("", ""),
    ],
)
def test_answers_in_words(answer: object, words: str) -> None:
    assert say(answer) == words


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (1, "1", ("1", "'1'")),
        (None, "–", ("None", r"'\u2013'")),
        (True, "yes", ("True", "'yes'")),
        (["a", "b"], "a, b", ("['a', 'b']", "'a, b'")),
        ([1], (1,), ("[1]", "(1,)")),
        (b"a", "a", ("b'a'", "'a'")),
        ("é", "e\u0301", (r"'\xe9'", r"'e\u0301'")),
        ("a  b", "a b", (r"'a\x20\x20b'", "'a b'")),
        ("a\nb", "a b", (r"'a\nb'", "'a b'")),
        ("a ", "a", ("'a '", "'a'")),
        ({"a", "b"}, ["a", "b"], ("{'a', 'b'}", "['a', 'b']")),
        ("é", Latin1("é"), ("é", "é (Latin-1)")),
        (1, True, ("1", "yes")),
        (1, 1.0, ("1", "1.0")),
    ],
)
def test_what_differs_is_printed_otherwise(one: object, other: object, words: tuple[str, str]) -> None:
    values = iter((one, other))
    found = run({"a": side(), "b": side(1)}, {"q": lambda t: next(values)})
    assert found.mark("q") == "≠" and tuple(told_apart([one, other])) == words
    assert page_cells(found)[1] == ["≠", "q", *words]
    assert re.search(rf"≠  q  {re.escape(words[0])} +{re.escape(words[1])}", repr(found))


def test_what_is_the_same_is_printed_alike() -> None:
    assert told_apart([{"a": 1, "b": 2}, {"b": 2, "a": 1}, 3]) == ["a: 1, b: 2", "a: 1, b: 2", "3"]
    assert told_apart([{"b", "a", "c"}, frozenset("cab")]) == ["a, b, c"] * 2
    assert told_apart([NotTested("x"), "not tested: x"]) == ["not tested: x", "'not tested: x'"]


def test_columns_are_those_of_a_terminal() -> None:
    found = run(
        {"가": side(), "b": side(1)}, {"무엇": lambda t: "한국어" if t.said else "\U0001f468\u200d\U0001f469"}
    )
    expected = """\
         가  b
≠  무엇  \U0001f468\u200d\U0001f469  한국어
≠ the sides differ   = the sides agree"""
    assert repr(found) == expected


def test_control_characters_do_not_break_a_table() -> None:
    found = run({"a": side(), "b": side(1)}, {"q": lambda t: b"a\x1b[31m\r\nb"})
    assert repr(found).split("\n")[1] == r"=  q  a\x1b[31m  b  a\x1b[31m  b"
    assert page_cells(found)[1] == ["=", "q", *[r"a\x1b[31m  b"] * 2]


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────


def test_seven_questions_are_the_most() -> None:
    sides = {"a": side(), "b": side()}
    assert len(run(sides, {str(n): count for n in range(7)}).asked) == 7
    for number in (0, 8):
        with pytest.raises(ValueError, match=f"1 to 7 questions, not {number}"):
            run(sides, {str(n): count for n in range(number)})


class Lesson:
    async def experiment(self) -> Trace:
        raise AssertionError("must not run")


def test_the_same_side_twice_is_refused_before_it_runs() -> None:
    lesson = Lesson()
    for one, other in ((side_a := side(), side_a), (lesson.experiment, lesson.experiment)):
        with pytest.raises(ValueError, match="the same function"):
            run({"a": one, "b": other}, {"q": count})
    run({"a": functools.partial(side(1)), "b": functools.partial(side(2))}, {"q": count})


def test_one_side_is_no_comparison() -> None:
    for sides in ({}, {"a": side()}):
        with pytest.raises(ValueError, match="two sides at least"):
            run(sides, {"q": count})


# ── what breaks ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_broken_side_is_broken_and_the_others_are_not() -> None:
    async def broken() -> Trace:
        raise OSError("no port left")

    found = run({"a": broken, "b": side(200)}, {"how many": count, "first": first})
    came = found.answers["first", "a"]
    assert isinstance(came, Broken) and isinstance(came.error, OSError)
    assert say(came) == "broken: OSError: no port left"
    assert found.answers["how many", "a"] == came and found.answers["first", "b"] == 200
    assert found["a"] == Trace((), ())


def test_a_question_that_raises_is_broken() -> None:
    found = run({"a": side(), "b": side(200)}, {"first": first, "how many": count})
    assert isinstance(found.answers["first", "a"], Broken)
    assert (found.answers["first", "b"], found.answers["how many", "a"]) == (200, 0)


def test_an_answer_that_is_no_value_is_broken() -> None:
    async def later(trace: Trace) -> int:
        return 1

    ask = {"later": later, "pieces": lambda t: (it for it in t.said), "itself": lambda t: object()}
    found = run({"a": side(), "b": side(200)}, ask)
    for question in ask:
        assert found.mark(question) == "?"
        for name in found.sides:
            assert isinstance(found.answers[question, name], Broken)
    words = "broken: TypeError: a question is a plain function of the trace: write `def` or `lambda`"
    assert say(found.answers["later", "a"]).startswith(words) and " at 0x" not in repr(found)


def test_a_question_about_bytes_that_were_not_kept_is_broken() -> None:
    def cut(rest: bytes) -> Any:
        async def experiment() -> Trace:
            recording = Recording()
            recording.call("client", "origin")
            recording.note(0, Event.HEARD, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            recording.note(0, Event.SAID, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
            recording.pieces.append(Piece(0, Event.SAID, b"", 6, 0.0))
            return told(recording)

        return experiment

    ask: dict[str, Any] = {
        "the body": lambda t: t.answers()[0].body,
        "is it": lambda t: t.answers()[0].body == b"abcdefghi",
        "its text": lambda t: t.answers()[0].body.decode(),
        "the answer": lambda t: t.answers()[0],
        "how long": lambda t: len(t.answers()[0].body),
        "how it begins": lambda t: t.answers()[0].body[:3],
        "another": lambda t: t.answers()[0].body == b"xyz",
    }
    found = run({"a": cut(b"defghi"), "b": cut(b"DEFGHI")}, ask)
    for question in list(ask)[:4]:
        assert found.mark(question) == "?" and "keep=" in say(found.answers[question, "a"])
    known = [found.answers[question, "a"] for question in list(ask)[4:]]
    assert known == [9, b"abc", False]


def test_an_experiment_that_returns_no_trace_is_broken() -> None:
    async def forgets() -> None:
        pass

    found = run({"a": forgets, "b": side(200)}, {"first": first})
    words = "broken: TypeError: an experiment returns town.trace; 'a' returned NoneType"
    assert say(found.answers["first", "a"]) == words
    assert found["a"] == Trace((), ()) and not isinstance(found.answers["first", "b"], Broken)


@pytest.mark.parametrize("error", [asyncio.CancelledError, KeyboardInterrupt])
def test_an_interrupt_goes_through(error: type[BaseException]) -> None:
    async def interrupted() -> Trace:
        raise error

    with pytest.raises(error):
        run({"a": interrupted, "b": side()}, {"q": count})
    with pytest.raises(error):
        asyncio.run(compare({"a": side(), "b": side(1)}, {"q": lambda t: (_ for _ in ()).throw(error())}))


def test_a_missing_client_is_not_tested() -> None:
    async def missing() -> Trace:
        raise ClientMissing("curl is not on this machine: install it.")

    found = run({"curl": missing, "aiohttp": side(200)}, {"first": first})
    assert found.answers["first", "curl"] == NotTested("curl is not on this machine: install it.")
    assert found["curl"] == Trace((), ())


def test_marks() -> None:
    def asks(*answers: object) -> str:
        values = iter(answers)
        sides = {str(n): side(n) for n in range(len(answers))}
        return run(sides, {"q": lambda t: next(values)}).mark("q")

    gone, broken = NotTested("no curl"), Broken("x", ValueError())
    assert asks(1, 1) == asks(1, 1, 1) == asks(None, None) == "="
    assert asks(1, 2) == asks(1, 1, 2) == asks(None, 0) == "≠"
    assert asks(1, gone, 1) == "=" and asks(1, gone, 2) == "≠"
    assert asks(1, gone) == asks(gone, gone) == asks(broken, broken) == asks(broken, 1) == "?"


def test_the_legend_explains_what_is_there() -> None:
    found = run({"a": side(), "b": side(200)}, {"first": first})
    assert "≠ the sides differ   = the sides agree   ? not known" in repr(found)
    assert "≠ the sides differ<br>= the sides agree<br>? not known" in found._repr_html_()


def test_a_reason_stands_once_under_the_table() -> None:
    async def broken() -> Trace:
        raise OSError("no port left")

    found = run({"a": broken, "b": side(200)}, {"how many": count, "first": first})
    table, page = repr(found), found._repr_html_()
    assert table.count("no port left") == page.count("no port left") == 1
    assert table.splitlines()[1:] == [
        "?  how many  !  1",
        "?  first     !  200",
        "≠ the sides differ   = the sides agree   ? not known",
        "! a broken: OSError: no port left",
    ]


# ── a crash is never evidence ─────────────────────────────────────────────────────────────────────────────


async def ask(handler: Any, around: Any = contextlib.nullcontext) -> Trace:
    with around():
        async with Town() as town:
            await town.open("origin.test", handler)
            async with (
                ClientSession(connector=town.connector("client")) as client,
                client.get("http://origin.test/") as answer,
            ):
                await answer.read()
                if answer.status == 418:
                    raise ValueError("a teapot")
        return town.trace


async def crashing(request: web.Request) -> web.Response:
    return web.Response(status=1 // int(request.headers.get("Zero", "0")))


async def teapot(request: web.Request) -> web.Response:
    return web.Response(status=418)


async def refusing(request: web.Request) -> web.Response:
    raise web.HTTPForbidden()


STATUS: dict[str, Any] = {"status": lambda t: t.answers()[0].status}


async def test_what_a_handler_raised_by_mistake_breaks_its_side_only() -> None:
    found = await compare({"crash": partial(ask, crashing), "raise": partial(ask, refusing)}, STATUS)
    came = found.answers["status", "crash"]
    assert found.answers["status", "raise"] == 403  # an HTTPException is an answer
    assert isinstance(came, Broken) and isinstance(came.error, ZeroDivisionError)
    assert "a handler raised ZeroDivisionError" in came.reason
    assert 'at `return web.Response(status=1 // int(request.headers.get("Zero", "0")))`' in came.reason
    assert [it.status for it in found["crash"].answers()] == [500]  # it stays to be looked at


@pytest.mark.parametrize("around", [server_log, forgiving])
async def test_what_is_raised_on_purpose_is_evidence(around: Any) -> None:
    sides = {"crash": partial(ask, crashing, around), "raise": partial(ask, refusing)}
    assert (await compare(sides, STATUS)).answers["status", "crash"] == 500


async def test_a_side_that_failed_keeps_what_was_recorded() -> None:
    found = await compare({"fails": partial(ask, teapot), "raise": partial(ask, refusing)}, STATUS)
    came = found.answers["status", "fails"]
    assert isinstance(came, Broken) and came.reason == "ValueError: a teapot"
    assert [it.status for it in found["fails"].answers()] == [418]
