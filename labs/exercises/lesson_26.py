"""The exercises of lesson 26: an answer is a test, and is tried on what is right and on what has a bug."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, is_async, not_yet, yes
from labs.town.town import Town

LESSON = "26_test_what_you_ship"
GREEN = "green"
Apps = Mapping[str, Callable[[], web.Application]]


@contextmanager
def _unawaited(found: list[str]) -> Iterator[None]:
    # Python says it as a warning when the coroutine is thrown away.
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", RuntimeWarning)
        yield
    found += [str(it.message).split("'")[1] for it in heard if "never awaited" in str(it.message)]


def _sentence(error: BaseException) -> str:
    if type(error).__name__ == "Skipped":  # pytest's, which is no Exception
        return "it was skipped"
    return f"it raised {type(error).__name__}" + (f": {error}".splitlines()[0] if str(error) else "")


def _plain(test: Any, create_app: Callable[[], web.Application]) -> str:
    """Run a test that is a plain def; return green, or what made it red."""
    lost: list[str] = []
    result = None
    with _unawaited(lost):
        try:
            result = test(create_app)
        except (Exception, asyncio.CancelledError) as error:
            return _sentence(error)
        except BaseException as error:
            if type(error).__name__ not in ("Skipped", "Failed"):
                raise
            return _sentence(error)
        if inspect.iscoroutine(result):
            result.close()
            return "it returned a coroutine, which nobody awaits"
    if lost:
        return f"it called {lost[0]}, which nobody awaited"
    return GREEN if result is None else "it returned what it should assert"


def _page(text: str = "Hello, world", status: int = 200) -> Callable[[], web.Application]:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text=text, status=status)

    def create_app() -> web.Application:
        app = web.Application()
        app.router.add_get("/", hello)
        return app

    return create_app


_RUN = (
    "import asyncio\n"
    "from aiohttp.test_utils import TestClient, TestServer\n\n"
    "async def page(create_app):\n"
    "    async with TestClient(TestServer(create_app())) as client:\n"
    "        answer = await client.get('/')\n"
    "        return answer.status, await answer.text()\n\n"
    "def test_page(create_app):\n"
)


@exercise(
    "no-plugin-needed",
    lesson=LESSON,
    stars=1,
    minutes=8,
    wants="value",
    hint="An inner `async def` with TestClient(TestServer(create_app())) returns status and text.",
    wrong={
        _RUN.replace("def test_page", "async def test_page")
        + "    assert await page(create_app) == (200, 'Hello, world')": "plain `def`",
        _RUN + "    assert page(create_app)": "page, which nobody awaited",
        _RUN + "    asyncio.run(page(create_app))": "green where the text is another",
        _RUN + "    assert asyncio.run(page(create_app))[0] == 200": "green where the text is another",
        _RUN
        + "    assert asyncio.run(page(create_app))[1] == 'Hello, world'": "green where the status is 500",
        _RUN + "    return asyncio.run(page(create_app)) == (200, 'Hello, world')": "should assert",
        _RUN + "    return page(create_app)": "returned a coroutine",
        _RUN + "    import pytest\n    pytest.skip('async')": "was skipped",
        _RUN + "    try:\n        assert asyncio.run(page(create_app)) == (200, 'Hello, world')\n"
        "    except AssertionError:\n        print('no')": "green where the text is another",
        _RUN + "    assert asyncio.run(page(create_app)) == ('200', 'Hello, world')": "red for a right page",
        "def test_page(create_app):\n    assert create_app()": "green where the text is another",
    },
)
async def no_plugin_needed(test: Any) -> Attempt:
    """Demand a plain def that is green for a right page, and red for another text or status."""
    if is_async(test):
        return not_yet("Without a plugin pytest runs no `async def`: write a plain `def`, with one inside.")
    if not callable(test):
        return not_yet(f"A test is a function, and this is of type {type(test).__name__}.")
    said = await asyncio.to_thread(_plain, test, _page())  # a loop runs here, and asyncio.run needs none
    if said != GREEN:
        return not_yet(
            f"It is red for a right page: {said}." if "raised" in said else f"For a right page {said}."
        )
    wrong: Apps = {
        "the text is another": _page("Hello, moon"),
        "the status is 500": _page(status=500),
        "more follows": _page("Hello, world, and more"),
    }
    for bug, create_app in wrong.items():
        if await asyncio.to_thread(_plain, test, create_app) == GREEN:
            return not_yet(f"It is green where {bug}.")
    return yes()


def _shop(
    price: object = 3, *, guarded: bool = True, remembers: bool = True, pays: bool = True
) -> Callable[[], web.Application]:
    async def login(request: web.Request) -> web.Response:
        answer = web.Response(text="welcome\n")
        if remembers:
            answer.set_cookie("who", "alice")
        return answer

    async def priced(request: web.Request) -> web.Response:
        return web.json_response({"price": price})

    async def order(request: web.Request) -> web.Response:
        if guarded and "who" not in request.cookies:
            raise web.HTTPForbidden
        return web.json_response({"paid": (await request.json())["pay"] if pays else 0})

    def create_app() -> web.Application:
        app = web.Application()
        app.router.add_post("/login", login)
        app.router.add_get("/price", priced)
        app.router.add_post("/order/", order)
        return app

    return create_app


_PRICE = (
    "async def test(client):\n"
    "    answer = await client.get('/price')\n"
    "    assert await answer.json() == {'price': 3}\n"
)
_REFUSED = "    answer = await client.post('/order/', json={'pay': 6})\n    assert answer.status == 403\n"
_LOGIN = "    await client.post('/login')\n"
_PAID = (
    "    answer = await client.post('/order/', json={'pay': 6})\n"
    "    assert await answer.json() == {'paid': 6}\n"
)


@exercise(
    "red-for-four-bugs",
    lesson=LESSON,
    stars=2,
    minutes=10,
    wants="value",
    hint="Order twice: before the login, and after it. Compare JSON with JSON.",
    wrong={
        _PRICE + _LOGIN + _PAID: "takes an order from somebody who is not logged in",
        _PRICE + _REFUSED: "forgets who logged in",
        _REFUSED.replace("    answer", "async def test(client):\n    answer", 1)
        + _LOGIN
        + _PAID: "says its price as a text",
        _PRICE.replace("await answer.json() == {'price': 3}", "'3' in await answer.text()")
        + _REFUSED
        + _LOGIN
        + _PAID: "says its price as a text",
        _PRICE
        + _REFUSED
        + _LOGIN
        + _PAID.replace("await answer.json() == {'paid': 6}", "answer.status == 200"): "takes nothing",
        _PRICE + _LOGIN + _REFUSED + _PAID: "red for a right shop",
        _PRICE + _REFUSED + _LOGIN + _PAID.replace("await answer.json()", "answer.json()"): "red for a right",
        "async def test(client):\n    client.get('/price')": "nobody awaited",
        "async def test(client):\n    try:\n"
        + "".join(f"    {line}\n" for line in (_PRICE + _REFUSED).splitlines()[1:])
        + "    except Exception:\n        pass": "says its price as a text",
        "def test(client):\n    assert client.get('/price')": "`async def`",
        _PRICE.replace("price': 3", "price': '3'"): "red for a right shop",
    },
)
async def red_for_four_bugs(test: Any) -> Attempt:
    """Demand a test that is green for a right shop, and red for each of four wrong ones."""
    if not is_async(test):
        return not_yet("This test awaits its client: write an `async def` that takes it.")
    said = await _shopped(test, _shop())
    if said != GREEN:
        return not_yet(
            f"It is red for a right shop: {said}." if "raised" in said else f"For a right shop {said}."
        )
    wrong: Apps = {
        "says its price as a text": _shop("3"),
        "takes an order from somebody who is not logged in": _shop(guarded=False),
        "forgets who logged in": _shop(remembers=False),
        "takes nothing for an order": _shop(pays=False),
    }
    for bug, create_app in wrong.items():
        if await _shopped(test, create_app) == GREEN:
            return not_yet(f"It is green for a shop that {bug}.")
    return yes()


async def _shopped(test: Any, create_app: Callable[[], web.Application]) -> str:
    lost: list[str] = []
    async with TestClient(TestServer(create_app())) as client:
        with _unawaited(lost):
            said = await _tried(test(client))
    return f"it called {lost[0]}, which nobody awaited" if lost and said == GREEN else said


async def _tried(call: Awaitable[object]) -> str:
    try:
        await call
    except TimeoutError:
        raise  # of the attempt
    except Exception as error:
        return _sentence(error)
    except BaseException as error:
        if type(error).__name__ not in ("Skipped", "Failed"):
            raise
        return _sentence(error)
    return GREEN


API, KEY = "http://api.test/file", {"X-Api-Key": "secret"}


async def _careful(session: ClientSession) -> str:
    async with session.get(API, headers=KEY, allow_redirects=False) as answer:
        where = answer.url.join(URL(answer.headers["Location"]))
    async with session.get(where) as answer:
        return await answer.text()


async def _follows(session: ClientSession) -> str:
    async with session.get(API, headers=KEY) as answer:
        return await answer.text()


async def _stops(session: ClientSession) -> str:
    async with session.get(API, headers=KEY, allow_redirects=False) as answer:
        return await answer.text()


async def _has_no_key(session: ClientSession) -> str:
    async with session.get(API) as answer:
        return await answer.text()


async def _in_capitals(session: ClientSession) -> str:
    return (await _careful(session)).upper()


_TOWN = """from aiohttp import ClientSession, web

async def test(fetch, town):
    keys = {}

    async def api(request):
        keys['api'] = request.headers.get('X-Api-Key')
        raise web.HTTPFound('http://cdn.test/file')

    async def cdn(request):
        keys['cdn'] = request.headers.get('X-Api-Key')
        return web.Response(text='the file')

    await town.open('api.test', api)
    await town.open('cdn.test', cdn)
    async with ClientSession(connector=town.connector('client')) as session:
        assert await fetch(session) == 'the file'
    assert keys == {'api': 'secret', 'cdn': None}
"""


@exercise(
    "two-names",
    lesson=LESSON,
    stars=3,
    minutes=14,
    wants="value",
    hint="Each handler notes the X-Api-Key that it gets. Assert after the request, and not in a handler.",
    wrong={
        _TOWN.replace("    await town.open('cdn.test', cdn)\n", ""): "red for a careful client",
        _TOWN.replace("'cdn': None}", "'cdn': 'secret'}"): "red for a careful client",
        _TOWN.replace("    assert keys == {'api': 'secret', 'cdn': None}\n", ""): "takes the key to cdn.test",
        _TOWN.replace("keys == {'api': 'secret', 'cdn': None}", "keys['api'] == 'secret'"): "takes the key",
        _TOWN.replace("keys == {'api': 'secret', 'cdn': None}", "keys.get('cdn') is None"): "sends no key",
        _TOWN.replace("assert await fetch(session) == 'the file'", "await fetch(session)"): "in capitals",
        _TOWN.replace("'http://cdn.test/file'", "'http://api.test/there'"): "red for a careful client",
        _TOWN.replace("connector=town.connector('client')", ""): "red for a careful client",
        "from unittest.mock import AsyncMock, MagicMock\n\n"
        "async def test(fetch, town):\n"
        "    session, answer = MagicMock(), MagicMock()\n"
        "    answer.text = AsyncMock(return_value='the file')\n"
        "    session.get.return_value.__aenter__.return_value = answer\n"
        "    assert await fetch(session) == 'the file'\n": "red for a careful client",
        "async def test(fetch, town):\n    assert fetch": "asked nothing",
        "def test(fetch, town):\n    assert fetch(None)": "`async def`",
    },
)
async def two_names(test: Any) -> Attempt:
    """Demand a test that opens two servers, and is red for a client with one of four bugs."""
    if not is_async(test):
        return not_yet("This test opens servers and awaits the client: write an `async def`.")
    said, trace = await _named(test, _careful)
    if said != GREEN:
        return not_yet(f"It is red for a careful client: {said}.", trace)
    if not trace.requests():
        return not_yet("It is green, and asked nothing: open the two servers, and call `fetch(session)`.")
    bugs = {
        "takes the key to cdn.test": _follows,
        "sends no key at all": _has_no_key,
        "does not follow the redirect": _stops,
        "returns the file in capitals": _in_capitals,
    }
    for bug, fetch in bugs.items():
        said, trace = await _named(test, fetch)
        if said == GREEN:
            return not_yet(f"It is green for a client that {bug}.", trace)
    return yes(trace)


async def _named(test: Any, fetch: Callable[[ClientSession], Awaitable[str]]) -> tuple[str, Trace]:
    async with Town() as town:
        said = await _tried(test(fetch, town))
    return said, town.trace
