"""Whatever a learner hands in gets one of three replies, and leaves nothing behind."""

from __future__ import annotations

import ast
import asyncio
import gc
import logging
import textwrap
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from aiohttp import ClientSession, web

from labs.exercises import registry as exercises
from labs.exercises.registry import Attempt, Exercise, attempt, exercise, not_yet, registered, yes
from labs.guard.guard import LOGGERS
from labs.town import town
from labs.town.town import Town


@pytest.fixture(autouse=True, scope="module")
def _quick_garbage() -> Iterator[None]:
    """Let the many collections of this module look at its own garbage only."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def tried(name: str, answer: object) -> Attempt:
    """Try an answer, and see that it leaves no task, no town and no complaint behind."""

    async def go() -> tuple[Attempt, int]:
        reply = await attempt(name, answer)
        await asyncio.sleep(0)  # a closed connection says goodbye in the loop's next turn
        return reply, len(asyncio.all_tasks()) - 1

    reply, left = asyncio.run(go())
    gc.collect()  # an unawaited coroutine complains now, and a warning is an error
    assert left == 0 and not town.OPEN_TOWNS
    assert reply.name == name
    return reply


def source(text: str, **names: object) -> Any:
    """Run source text as a cell would, and return the value that it ends in, or the last function of it."""
    names |= {"web": web, "ClientSession": ClientSession, "asyncio": asyncio, "__name__": "a cell"}
    exec(textwrap.dedent(text), names)
    match ast.parse(textwrap.dedent(text)).body[-1]:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return names[name]
    return [it for it in names.values() if callable(it)][-1]


def handler(body: str) -> Any:
    return source(f"async def front(request):\n    {body}")


# ── not tried yet ─────────────────────────────────────────────────────────────────────────────────────────

STUBS = [
    "async def front(request):\n    ...",
    "async def front(request):\n    ...  # TODO: answer so that the POST arrives as a POST",
    "async def front(request):\n    # TODO: answer so that the POST arrives as a POST\n    ...",
    "async def front(request):\n    pass",
    "async def front(request, inner):\n    ...",
    "async def front(request: web.Request) -> web.StreamResponse:\n    ...",
    "async def front(request):\n    'Answer so that the POST arrives as a POST.'\n    ...  # TODO",
    "def front(request):\n    ...  # TODO",
    "async def another_name(a, *, b=1):\n    ...\n    ...",
]


@pytest.mark.parametrize("answer", [None, ..., *map(source, STUBS)])
def test_not_tried_yet(answer: object) -> None:
    reply = tried("keep-the-method", answer)
    assert (reply.state, reply.trace) == ("not tried yet", None)
    assert repr(reply) == "keep-the-method: not tried yet. Replace the ... above, and run both cells."


@pytest.mark.parametrize("body", ["return None if request else 0", "return web.Response()", "1 / 0"])
def test_a_beginning_is_not_a_stub(body: str) -> None:
    assert tried("keep-the-method", handler(body)).state == "not yet"


# ── not yet, yes ──────────────────────────────────────────────────────────────────────────────────────────

RIGHT = {
    "keep-the-method": """
        async def front(request):
            raise web.HTTPTemporaryRedirect("http://origin.test" + request.path_qs)
    """,
    "pass-it-on": """
        async def front(request, inner):
            url, body = "http://origin.test" + request.path_qs, await request.read()
            async with inner.request(request.method, url, data=body) as answer:
                return web.Response(status=answer.status, body=await answer.read())
    """,
}


@pytest.mark.parametrize("name", RIGHT)
def test_yes(name: str) -> None:
    reply = tried(name, source(RIGHT[name]))
    assert (reply.state, reply.words) == ("yes", "") and reply.trace is not None
    assert repr(reply) == f"{name}: yes"


def test_it_reads_no_body_and_is_right() -> None:
    assert tried("keep-the-method", source(RIGHT["keep-the-method"])).state == "yes"
    unread = "async def front(request, inner):\n    return web.Response(status=201, text='no')"
    assert tried("pass-it-on", source(unread)).state == "not yet"


USUAL = [
    pytest.param(it.name, text, words, id=f"{it.lesson}-{it.name}-{number}")
    for it in registered().values()
    for number, (text, words) in enumerate(it.wrong.items(), 1)
]


@pytest.mark.parametrize(("name", "text", "words"), USUAL)
def test_every_usual_wrong_answer_gets_its_hint(name: str, text: str, words: str) -> None:
    reply = tried(name, source(text))
    told = f"{name}: a wrong answer gets {reply.state}, {reply.words!r}, and not {words!r}"
    amiss = f"{told}: mend `wrong=` or the check.\n{text}"
    assert reply.state == "not yet" and words in reply.words, amiss


def test_not_yet_comes_with_lanes() -> None:
    reply = tried("keep-the-method", handler("raise web.HTTPFound('http://origin.test/x')"))
    assert reply.trace is not None
    sentence, empty, *lanes = repr(reply).split("\n")
    assert sentence.startswith("keep-the-method: not yet. The origin heard GET") and empty == ""
    assert "\n".join(lanes) == reply.trace.lanes("Location")
    assert "Location: http://origin.test/x" in repr(reply)


def test_a_page_has_the_sentence_as_prose_and_the_lanes_as_they_are() -> None:
    reply = tried("keep-the-method", handler("raise web.HTTPFound('http://origin.test/x')"))
    sentence, lanes = reply._repr_html_().split("</pre>")[:2]
    assert "pre-wrap" in sentence and "keep-the-method: not yet." in sentence
    assert 'white-space:pre"' in lanes and "│" in lanes


def test_only_a_learner_sees_the_lanes_of_a_right_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = "raise web.HTTPTemporaryRedirect(f'http://origin.test{request.path_qs}')"
    reply = tried("keep-the-method", handler(answer))
    assert repr(reply) == "keep-the-method: yes" and "│" not in reply._repr_html_()
    monkeypatch.setattr(exercises, "strict", lambda: False)
    assert reply.trace is not None
    assert repr(reply).split("\n", 2)[2].startswith(reply.trace.lanes("Location")[:40])


def test_a_redirect_loop_is_cut_after_eight_arrows() -> None:
    reply = tried("keep-the-method", handler("raise web.HTTPTemporaryRedirect(request.path_qs)"))
    assert reply.trace is not None and (more := len(reply.trace.said) - 8) > 0
    lines = repr(reply).split("\n")
    assert lines[-1] == f"… and {more} more"
    assert sum("►" in line or "◄" in line for line in lines) == 8


def test_the_log_of_a_handler_that_raises_is_silent_for_the_attempt_only(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "ZeroDivisionError" in tried("keep-the-method", handler("1 / 0")).words
    assert not caplog.records and capfd.readouterr() == ("", "")
    assert not any(logging.getLogger(name).filters for name in LOGGERS)
    logging.getLogger("aiohttp.server").error("heard again")
    assert caplog.messages == ["heard again"]


def test_not_yet_without_traffic_has_no_lanes() -> None:
    assert "\n" not in repr(tried("keep-the-method", 3))


# ── the wrong thing ───────────────────────────────────────────────────────────────────────────────────────


def plain(request: object) -> object:
    """Be a function that is not async, with a body."""
    return request


class AClass:
    pass


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (3, "this is of type int"),
        ("front", "this is of type str"),
        (AClass, "this is of type type"),
        (AClass(), "this is of type AClass"),
        (web.Response, "this is of type"),
        (plain, "this is a plain `def`"),
        (lambda request: web.Response(), "this is a plain `def`"),
    ],
)
def test_the_wrong_type_gets_one_sentence(answer: object, kind: str) -> None:
    reply = tried("keep-the-method", answer)
    assert reply.state == "not yet" and kind in reply.words and "\n" not in repr(reply)


def test_a_coroutine_is_closed() -> None:
    coroutine = source(RIGHT["keep-the-method"])(None)
    reply = tried("keep-the-method", coroutine)
    assert "without ()" in reply.words
    with pytest.raises(RuntimeError, match="cannot reuse"):
        coroutine.send(None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 / 0", "Your handler raised ZeroDivisionError: division by zero"),
        ("return request.nothing", "Your handler raised AttributeError"),
        ("return front()", "Your handler raised TypeError: front() missing 1 required"),
        ("return 'page'", "Your handler returned 'page', and"),
        ("await request.read()", "Your handler returned None"),
        ("yield web.Response()", "this is a plain `def`"),
        ("raise asyncio.CancelledError", "Your front sent no redirect"),
        ("return web.Response(status=307)", "The origin heard nothing"),
        ("raise web.HTTPFound('http://nobody.test/')", "The origin heard nothing"),
        ("raise web.HTTPFound('http://front.test/')", "The origin heard nothing"),
    ],
)
def test_a_handler_that_fails_is_told_how(text: str, words: str) -> None:
    reply = tried("keep-the-method", handler(text))
    assert reply.state == "not yet" and words in reply.words
    assert "\n" not in repr(reply).partition("\n\n")[0]


def test_an_answer_that_is_the_client_s_is_named_without_its_address() -> None:
    text = """
        async def front(request, inner):
            async with inner.post("http://origin.test" + request.path_qs) as answer:
                return answer
    """
    assert tried("pass-it-on", source(text)).words.startswith("Your handler returned a ClientResponse, and")


@pytest.mark.parametrize(
    "text",
    [
        "await asyncio.Event().wait()",
        "while True: await asyncio.sleep(0)",
    ],
)
def test_a_handler_that_hangs_is_told_so(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exercises, "PATIENCE", 0.05)
    reply = tried("keep-the-method", handler(text))
    assert (reply.state, reply.words) == (
        "not yet",
        "Nothing came back within 0.05 seconds: what does it wait for?",
    )


# ── the registry ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> dict[str, Exercise]:
    registered()  # what is registered at import is not this test's
    mine: dict[str, Exercise] = {}
    monkeypatch.setattr(exercises, "_REGISTRY", mine)
    return mine


Check = Callable[[Any], Awaitable[Attempt]]


def register(name: str = "mine", **more: Any) -> Callable[[Check], Check]:
    return exercise(name, **{"lesson": "01_x", "stars": 1, "minutes": 5, "hint": "h", "wrong": {}, **more})


def test_an_unknown_exercise_is_named() -> None:
    with pytest.raises(KeyError, match="No exercise is called 'keep-method'. There are: "):
        asyncio.run(attempt("keep-method", None))


@pytest.mark.parametrize("more", [{"stars": 0}, {"stars": 4}, {"name": "x" * 33}])
def test_a_bad_registration(empty: dict[str, Exercise], more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="give it a new name of at most 32 characters, and 1 to 3 stars"):
        register(**more)
    assert not empty


def test_a_name_is_given_once(empty: dict[str, Exercise]) -> None:
    @register("mine", stars=3)
    async def check(answer: object) -> Attempt:
        return yes()

    with pytest.raises(ValueError, match="Exercise 'mine': give it a new name"):
        register("mine")
    assert empty["mine"].stars == 3 and empty["mine"].check is check


def test_a_value_may_be_asked_for(empty: dict[str, Exercise]) -> None:
    @register("mine", wants="value")
    async def check(answer: Any) -> Attempt:
        return yes(words="Seven it is.") if answer == 7 else not_yet(f"It is not {int(answer)}.")

    assert repr(tried("mine", 7)) == "mine: yes. Seven it is."
    assert repr(tried("mine", 6)) == "mine: not yet. It is not 6."
    assert tried("mine", ...).state == "not tried yet"
    words = tried("mine", "six").words
    assert words.startswith("It raised ValueError: invalid literal") and words.endswith(". Hint: h")


def test_the_hint_stands_for_a_not_yet_without_words(empty: dict[str, Exercise]) -> None:
    @register("mine", wants="value", hint="Count again.")
    async def check(answer: Any) -> Attempt:
        return not_yet("")

    assert repr(tried("mine", 6)) == "mine: not yet. Hint: Count again."


def test_a_coroutine_for_a_value_is_closed_too(empty: dict[str, Exercise]) -> None:
    @register("mine", wants="value")
    async def check(answer: Any) -> Attempt:
        return yes() if answer == 7 else not_yet("It is seven.")

    reply = tried("mine", handler("return 7")(None))
    assert reply.state == "not yet" and "write `await` before it" in reply.words


def test_the_lesson_s_own_mistakes_come_second_to_the_learner_s(empty: dict[str, Exercise]) -> None:
    @register("mine")
    async def check(handler: Any) -> Attempt:
        async with Town() as place:
            await place.open("front.test", handler)
            async with (
                ClientSession(connector=place.connector("client")) as client,
                client.get("http://front.test/") as answer,
            ):
                status = answer.status
        return yes(place.trace) if status == 200 else not_yet("The status is wrong.", place.trace)

    assert tried("mine", handler("return 1")).words.startswith("Your handler returned")
    assert tried("mine", handler("raise web.HTTPGone")).words == "The status is wrong."
    assert tried("mine", handler("return web.Response()")).state == "yes"
