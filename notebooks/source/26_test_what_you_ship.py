# %% [markdown]
# # 26 · Would your tests notice?
#
# **You will** put four bugs to three kinds of test, run a real `pytest` on a post's tests, and look for green
# that means nothing.
#
# **You need** lessons 00, 03 and 07.
#
# **Minutes:** 45 to read and run (13 to the place to stop), 32 for the exercises.

# %%
import asyncio
import json
import operator
from contextlib import asynccontextmanager
from functools import partial
from unittest.mock import AsyncMock, MagicMock

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from labs import Grid, Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.instruments import needed, run_tests

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# A shop wants a login before it takes an order. It is found under two names, `shop.test` and `www.shop.test`.
# What you ship is its client. `Buyer` is right, and each class below it has one bug.


# %%
async def login(request):
    return web.Response(text="welcome\n", headers={"Set-Cookie": "who=alice; Path=/"})


async def price(request):
    return web.json_response({"price": 3})


async def order(request):
    if "who" not in request.cookies:
        raise web.HTTPForbidden()
    return web.json_response({"paid": (await request.json())["pay"]})


def shop():
    app = web.Application()
    routes = [web.post("/login", login), web.get("/price", price), web.post("/order", order)]
    app.add_routes(routes)
    return app


# %%
class Buyer:
    page, total = "/price", operator.mul

    def __init__(self, session, shop, www):
        self.session, self.shop, self.www = session, shop, www

    async def login(self):
        async with self.session.post(f"{self.shop}/login"):
            pass

    async def price(self):
        async with self.session.get(f"{self.shop}{self.page}") as answer:
            return (await answer.json())["price"]

    async def buy(self, count):
        await self.login()
        pay = self.total(count, await self.price())
        async with self.session.post(f"{self.shop}/order", json={"pay": pay}) as answer:
            return (await answer.json())["paid"]


# %%
class WrongSum(Buyer):
    total = operator.add


class WrongPath(Buyer):
    page = "/prices"


class TooLate(Buyer):
    async def price(self):
        async with self.session.get(f"{self.shop}/price") as answer:
            pass
        return (await answer.json())["price"]


class OtherName(Buyer):
    async def login(self):
        async with self.session.post(f"{self.www}/login"):
            pass


# %% [markdown]
# ## Three tests, and your prediction
#
# Each asks for the same: two pieces at 3 each are 6. They differ in **what stands in the place of the shop.**
# The first has an object that answers any call as its author thinks that the shop would. The second has the
# shop's own application in aiohttp's harness for tests, where a URL is only a path. The third opens it under
# its names, with the runner of production.
#
# A test that notices is red. Which are?


# %%
async def mocked(kind, town):
    answer, session = MagicMock(), MagicMock()
    answer.json = AsyncMock(side_effect=[{"price": 3}, {"paid": 6}])
    for method in (session.get, session.post):
        method.return_value.__aenter__.return_value = answer
    assert await kind(session, "http://shop.test", "http://www.shop.test").buy(2) == 6
    assert session.post.call_args.kwargs == {"json": {"pay": 6}}


async def harness(kind, town):
    async with TestClient(TestServer(shop())) as client:
        assert await kind(client, "", "").buy(2) == 6


async def names(kind, town):
    async with ClientSession(connector=town.connector("client")) as session:
        assert await kind(session, "http://shop.test", "http://www.shop.test").buy(2) == 6


# %%
KINDS = {"no bug": Buyer, "a wrong sum": WrongSum, "a wrong path": WrongPath}
KINDS |= {"reads after the block": TooLate, "logs in at the other name": OtherName}
prediction = {
    # one of: "green", "red"
    "a wrong sum": {"mocked session": ..., "TestClient": ..., "names": ...},
    # one of: "green", "red"
    "a wrong path": {"mocked session": ..., "TestClient": ..., "names": ...},
    # one of: "green", "red"
    "reads after the block": {"mocked session": ..., "TestClient": ..., "names": ...},
    # one of: "green", "red"
    "logs in at the other name": {"mocked session": ..., "TestClient": ..., "names": ...},
}


# %%
async def put_to(test):
    colours = {}
    async with Town() as town:
        await town.open("shop.test", shop())
        await town.open("www.shop.test", shop())
        for bug, kind in KINDS.items():
            outcome = await asyncio.gather(test(kind, town), return_exceptions=True)
            colours[bug] = "green" if outcome == [None] else "red"
    return noted(town.trace, colours)


tests = {"mocked session": mocked, "TestClient": harness, "names": names}
found = await compare(
    {name: partial(put_to, test) for name, test in tests.items()},
    ask={bug: lambda t, bug=bug: t.notes[bug] for bug in KINDS},
)
found

# %%
LETTERS = {"green": "·", "red": "R"}
cells = {("What the test has", bug, side): LETTERS[it] for (bug, side), it in found.answers.items()}
grid = Grid(
    list(KINDS), {"What the test has": found.sides}, cells, {"·": "green", "R": "red: the test notices"}
)
draw.heat_map(grid, finding="A mock checks what its author knows; names find what a harness hides")

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * All three see the wrong sum [L26a]. For logic of your own a mock is enough, and it is quick.
# * The mocked session let the three others pass [L26b]. It answers at any path, has a body to read at any
#   time, and knows no cookies. You can make it stricter: assert the URL, too. Then your test says twice what
#   you believe of the shop.
# * `TestClient` found two of these three. The last it cannot find [L26c]: a cookie belongs to the name that
#   set it (lesson 07), and in the harness there is one server, at `127.0.0.1`. Lesson 10 found another thing
#   that the harness does and production does not.
# * Under its names, the shop turned the test red for each [L26o].

# %%
BUGS = list(KINDS)[1:]
check(
    found,
    {
        "L26a": {BUGS[0]: dict.fromkeys(found.sides, "red"), "no bug": dict.fromkeys(found.sides, "green")},
        "L26b": {bug: {"mocked session": "red", "names": "red"} for bug in BUGS[1:]},
        "L26c": {BUGS[3]: {"TestClient": "red", "names": "red"}},
        "L26o": {bug: {"names": "red"} for bug in BUGS},
    },
)

# %% [markdown]
# **A place to stop.** You know what three tests notice. What follows: whether a test is run at all, green
# that means nothing, the tests of a post, and the mock that it recommends.
#
# ## Does pytest run it?
#
# The post has a section on tests, and its advice is sound: use `pytest`, with `pytest-aiohttp` for its
# fixtures and `pytest-asyncio` for `async def`, and mind that a runner must be set up. It does not say how.
# So here is a real `pytest`: `run_tests` writes files into an empty folder, and runs `python -m pytest`
# there, in a process of its own, with the plugins that are named and no others.
#
# The first file is the post's test, in our words; it calls what the post's calls. The second has an
# `async def` that passes if it runs, bare and marked, and looks at the fixture in a test and after it. The
# third tests a client function, once right and once wrong. The sides differ in **the plugins and their
# mode**.

# %%
POSTED = """
from aiohttp import web

async def test_posted(aiohttp_client):
    async def hello(request):
        return web.Response(text="Hello, world")

    app = web.Application()
    app.router.add_get("/", hello)
    client = await aiohttp_client(app)
    answer = await client.get("/")
    assert answer.status == 200
    assert await answer.text() == "Hello, world"
"""

# %%
MODES = """
import pytest
from aiohttp import web

async def test_bare():
    pass

@pytest.mark.asyncio
async def test_marked():
    pass

kept = []

async def test_gives(aiohttp_client, record_property):
    kept.append(await aiohttp_client(web.Application()))
    record_property("gives", type(kept[0]).__name__)

def test_afterwards(record_property):
    record_property("closed", all(it.session.closed and not it.server.port for it in kept) if kept else "")
"""

# %%
CLIENT = """
import pytest
from aiohttp import ClientSession, web

async def shout(session, url, how):
    async with session.get(url) as answer:
        return how(await answer.text())

async def hello(request):
    return web.Response(text="Hello")

@pytest.mark.parametrize("how", [str.upper, str.lower], ids=["right", "wrong"])
async def test_client(aiohttp_server, how):
    app = web.Application()
    app.router.add_get("/", hello)
    server = await aiohttp_server(app)
    async with ClientSession() as session:
        assert await shout(session, server.make_url("/"), how) == "HELLO"
"""


# %%
BOTH, AUTO = ("pytest_asyncio.plugin", "pytest_aiohttp.plugin"), ("-o", "asyncio_mode=auto")
files = {"test_posted.py": POSTED, "test_modes.py": MODES, "test_client.py": CLIENT}


async def suite(files, *options, plugins=()):
    return noted(suite=await run_tests(files, *options, plugins=plugins))


def became(test, trace):
    return trace.notes["suite"].outcomes[test]


def told(what, trace):
    return trace.notes["suite"].told.get(what) or None


# %%
prediction_run = {
    # one of: "passed", "failed", "skipped", "error"
    "the posted test": {"pytest-asyncio": ..., "pytest-aiohttp": ..., "pytest-aiohttp, auto": ...},
    # one of: "passed", "failed", "skipped", "error"
    "async def": {"pytest alone": ..., "pytest-asyncio": ..., "pytest-asyncio, auto": ...},
    # one of: "ClientSession", "TestClient", "TestServer"
    "aiohttp_client gives": {"pytest-aiohttp, auto": ...},
}

# %% tags=["needs-pytest_aiohttp"]
ran = await compare(
    {
        "pytest alone": partial(suite, files),
        "pytest-asyncio": partial(suite, files, plugins=BOTH[:1]),
        "pytest-asyncio, auto": partial(suite, files, *AUTO, plugins=BOTH[:1]),
        "pytest-aiohttp": partial(suite, files, plugins=BOTH),
        "pytest-aiohttp, auto": partial(suite, files, *AUTO, plugins=BOTH),
    },
    ask={
        "the posted test": partial(became, "test_posted"),
        "async def": partial(became, "test_bare"),
        "async def, marked": partial(became, "test_marked"),
        "aiohttp_client gives": partial(told, "gives"),
        "closed after the test": partial(told, "closed"),
        "a right client": partial(became, "test_client[right]"),
        "a wrong client": partial(became, "test_client[wrong]"),
    },
)
ran

# %% tags=["needs-pytest_aiohttp"]
score(prediction_run, ran)

# %% [markdown]
# * `pytest` alone runs no `async def`: a runner must be set up, as the post says [C85a]. With
#   `pytest-asyncio` they can be used directly [C85b]: marked, or all of them in the mode `auto`. To install
#   it is not enough [L26d]; its default mode is `strict`.
# * `aiohttp_client` is a fixture of `pytest-aiohttp` [C82]; without that plugin it is not known, which is an
#   *error* and no *failed*. It clears up after the test, as a fixture does [C160].
# * So the posted test fails as it stands, with both plugins there [C80]. With `asyncio_mode = auto` in the
#   settings it passes.
# * What the fixture makes is no `ClientSession` [C81], but a `TestClient`. The session is inside of it, as
#   `client.session`. Its jar takes cookies of IP addresses, and the default one does not (lesson 07).
# * A client can be tested so [C79], and `aiohttp.test_utils` serves for it [C164]: `aiohttp_server` starts
#   its `TestServer`, and your own function asks that. The posted test stands under the heading of client
#   code, and does not notice a wrong client [L26e]: it tests the handler that it brings. That is the other
#   half of the subject, and comes below.

# %% tags=["needs-pytest_aiohttp"]
POST, ALONE, BARE, LAST = "the posted test", "pytest alone", "async def", "pytest-aiohttp, auto"
AIO, AIO_AUTO = ran.sides[1:3]
TESTED = {"a right client": {LAST: "passed"}, "a wrong client": {LAST: "failed"}}
check(
    ran,
    {
        "C85a": {BARE: {ALONE: "failed", AIO_AUTO: "passed"}, "async def, marked": {ALONE: "failed"}},
        "C85b": {"async def, marked": {AIO: "passed"}, BARE: {AIO_AUTO: "passed"}},
        "L26d": {BARE: {AIO: "passed"}},
        "C82": {POST: {AIO_AUTO: "error", LAST: "passed"}},
        "C160": {"aiohttp_client gives": {LAST: "TestClient"}, "closed after the test": {LAST: "True"}},
        "C80": {POST: {"pytest-aiohttp": "passed"}},
        "C81": {"aiohttp_client gives": {LAST: "ClientSession"}},
        "C79": TESTED,
        "C164": TESTED,
        "L26e": {POST: {LAST: "failed"}, "a wrong client": {LAST: "failed"}},
    },
)

# %% [markdown]
# ## Green, and it never ran
#
# Before 8.4, `pytest` *skipped* an `async def` that no plugin ran, and a skipped test is green. That trap is
# closed. Others are open. Each file below holds one false statement, `1 == 2`. The sides differ in **where it
# stands**: in a class for coroutines; in a class that is not for them; in a coroutine that nobody awaits;
# behind an import that may be skipped; and in a cell of a notebook that was saved without being run. Its text
# says that it shows `True`, and `nbval` compares notebooks with what they show.

# %%
CASE = "import unittest\n\nclass Test(unittest.{}):\n    async def test_it(self):\n        assert 1 == 2\n"
COROUTINE = "async def holds():\n    assert 1 == 2\n\ndef test_it():\n    assert holds()\n"
MAY_SKIP = (
    'import pytest\n\ndef test_it():\n    pytest.importorskip("a_plugin_that_ci_lacks")\n    assert 1 == 2\n'
)
text = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "This shows `True`:"}
cell = {"cell_type": "code", "id": "b", "metadata": {}, "source": "print(1 == 2)"}
cell |= {"execution_count": None, "outputs": []}  # as Jupyter saves what was never run
kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
book = {"cells": [text, cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
PORTS = "from labs.course import kernel\n\nkernel.choose_ports()\n"  # where no two kernels look for them
FILES = {
    "for coroutines": {"test_it.py": CASE.format("IsolatedAsyncioTestCase")},
    "TestCase": {"test_it.py": CASE.format("TestCase")},
    "not awaited": {"test_it.py": COROUTINE},
    "importorskip": {"test_it.py": MAY_SKIP},
    "a cell": {"prose.ipynb": json.dumps(book), "conftest.py": PORTS},
}


# %%
async def twice(files):
    if "prose.ipynb" in files:
        nbval = ("--nbval", "--nbval-current-env")
        return noted(plain=await run_tests(files, *nbval, plugins=["nbval.plugin"]))
    plain, strict = await asyncio.gather(run_tests(files), run_tests(files, "-W", "error"))
    return noted(plain=plain, strict=strict)


def count(outcome, trace):
    return trace.notes["plain"].count(outcome)


def code(which, trace):
    return trace.notes[which].code if which in trace.notes else None


# %%
prediction_green = {
    # one of: 0, 1, 5
    "exit code": {"TestCase": ..., "not awaited": ..., "importorskip": ..., "a cell": ...},
    # one of: 0, 1, 5
    "exit code, with -W error": {"TestCase": ..., "not awaited": ..., "importorskip": ...},
}

# %%
green = await compare(
    {name: partial(twice, files) for name, files in FILES.items()},
    ask={
        "tests that passed": partial(count, "passed"),
        "failed": partial(count, "failed"),
        "skipped": partial(count, "skipped"),
        "exit code": partial(code, "plain"),
        "exit code, with -W error": partial(code, "strict"),
    },
)
green

# %%
score(prediction_green, green)

# %% [markdown]
# * `TestCase` calls an `async def`, gets a coroutine, and throws it away: *passed* [L26f]. An `async def`
#   needs `IsolatedAsyncioTestCase`, or aiohttp's `AioHTTPTestCase`, which is one.
# * A coroutine is true, whatever it would have said: *passed* [L26g].
# * What is skipped is green [L26h]: exit code 0 says that nothing failed, not that anything ran.
# * `nbval` compares a cell with what was stored, and here nothing is: *passed* [L26i]. (The suite of this
#   course refuses a notebook with such a cell.)
# * The first two warn: of a value returned, of a coroutine never awaited. `-W error`, or
#   `filterwarnings = error` in the settings, makes them red [L26j]. For the other two, count what passed:
#   that number should never fall.

# %%
CODE, STRICT = "exit code", "exit code, with -W error"
check(
    green,
    {
        "L26f": {CODE: {"for coroutines": 1, "TestCase": 1}},
        "L26g": {CODE: {"not awaited": 1}},
        "L26h": {CODE: {"importorskip": 0}, "tests that passed": {"importorskip": 1}},
        "L26i": {CODE: {"a cell": 1}},
        "L26j": {CODE: {"TestCase": 0, "not awaited": 0}, STRICT: {"TestCase": 1, "not awaited": 1}},
    },
)

# %% [markdown]
# ## The server's side
#
# For a server's code the post has `TestClient` and a class, `AioHTTPTestCase`. It imports the application
# from `myapp`, and says so. Below is `myapp`, right and wrong; that is **the only difference**. Beside the
# post's class stand the same without its decorator, two plain `def`, and two names as the post prints them.
# No plugin is loaded.

# %%
MYAPP = """
from aiohttp import web

async def hello(request):
    return web.Response(text="Hello, world")

def create_app():
    app = web.Application()
    app.router.add_get("/", hello)
    return app
"""
NAMES = """
def test_module():
    import aitohttp.test_utils

def test_aioresponses():
    from aiohttp.pytest_plugin import aioresponses
"""

# %%
CLASS = """
from aiohttp.test_utils import AioHTTPTestCase, unittest_run_loop
from myapp import create_app

class MyAppTestCase(AioHTTPTestCase):
    async def get_application(self):
        return create_app()

    @unittest_run_loop
    async def test_posted(self):
        answer = await self.client.request("GET", "/")
        assert answer.status == 200
        assert "Hello, world" in await answer.text()
"""
UNDECORATED = CLASS.replace("    @unittest_run_loop\n", "").replace("test_posted", "test_undecorated")

# %%
PLAIN = """
import asyncio
from aiohttp.test_utils import TestClient, TestServer
from myapp import create_app, hello

def test_as_it_is():
    assert hello(None).text == "Hello, world"

async def page():
    async with TestClient(TestServer(create_app())) as client:
        answer = await client.get("/")
        return answer.status, await answer.text()

def test_run():
    assert asyncio.run(page()) == (200, "Hello, world")
"""

# %%
TESTS = {"test_class.py": CLASS, "test_bare.py": UNDECORATED, "test_plain.py": PLAIN, "test_names.py": NAMES}
served = await compare(
    {
        "myapp is right": partial(suite, {"myapp.py": MYAPP, **TESTS}),
        "myapp is wrong": partial(suite, {"myapp.py": MYAPP.replace("world", "moon"), **TESTS}),
    },
    ask={
        "the posted class": partial(became, "test_posted"),
        "without its decorator": partial(became, "test_undecorated"),
        "def, calls the handler": partial(became, "test_as_it_is"),
        "def, asyncio.run and TestClient": partial(became, "test_run"),
        "import aitohttp.test_utils": partial(became, "test_module"),
        "aioresponses of aiohttp's plugin": partial(became, "test_aioresponses"),
    },
)
served

# %% [markdown]
# * The posted class passes, given a `myapp` [C161]. `AioHTTPTestCase` is the base class for it [C163], and
#   the application under test is the one that `get_application` makes [C162]. `pytest` runs it without a
#   plugin.
# * The decorator is not what lets the coroutine run [C84]. Since aiohttp 3.8 it returns its function as it
#   is, and warns.
# * The traditional way does not work as it is [C77]: a plain `def` that calls the handler gets a coroutine.
#   That no plain `def` can test a handler does not follow [L26k]: `asyncio.run` is enough.
# * A server is tested with `TestClient` [C83]: it sends requests, you check answers. So `aiohttp.test_utils`
#   can be used with `pytest`, for the server [C78b] as for the client above. Its name is misprinted once
#   [C78a]; the post's code spells it right.
# * `aioresponses` is not from aiohttp's `pytest_plugin` [C86]. It is a package of its own.

# %%
RIGHT, WRONG = served.sides
NOTICES = {RIGHT: "passed", WRONG: "failed"}
check(
    served,
    {
        "C161": {"the posted class": {RIGHT: "passed"}},
        "C163": {"the posted class": NOTICES},
        "C162": {"the posted class": NOTICES},
        "C84": {"without its decorator": {RIGHT: "failed"}},
        "C77": {"def, calls the handler": {RIGHT: "failed"}},
        "L26k": {"def, asyncio.run and TestClient": {RIGHT: "failed"}},
        "C83": {"def, asyncio.run and TestClient": NOTICES},
        "C78b": {"def, asyncio.run and TestClient": NOTICES},
        "C78a": {"import aitohttp.test_utils": {RIGHT: "passed"}},
        "C86": {"aioresponses of aiohttp's plugin": {RIGHT: "passed"}},
    },
)

# %% [markdown]
# ## The mock that the post recommends
#
# A mocking library answers instead of a service outside. The post names `aioresponses`, which takes the place
# of `ClientSession`'s own code. `aiointercept` lets aiohttp's code be, and answers from a server on loopback.
# The client asks for a price, and for a page that says it is gzip and is not. Then the service is closed. The
# sides differ in **who answers**.


# %%
FIELDS = {"/price": {"Set-Cookie": "who=alice"}, "/gzip": {"Content-Encoding": "gzip"}}
URL = "http://prices.test"


async def prices(request):
    return web.Response(text="three", headers=FIELDS[request.path])


def simulate(mock):
    for path, fields in FIELDS.items():
        mock.get(URL + path, body="three", headers=fields, repeat=True)


@asynccontextmanager
async def by_the_service(town):
    yield town.connector("client")


# %%
@asynccontextmanager
async def by_aioresponses(town):
    needed("aioresponses")
    from aioresponses import aioresponses

    with aioresponses() as mock:
        simulate(mock)
        yield None


@asynccontextmanager
async def by_aiointercept(town):
    needed("aiointercept")
    from aiointercept import aiointercept

    async with aiointercept(mock_external_urls=True) as mock:
        simulate(mock)
        yield None


# %%
async def ask(session, path):
    try:
        async with session.get(URL + path) as answer:
            return f"{answer.status}, {await answer.text()}"
    except Exception as error:
        return type(error).__name__


async def asked(answering):
    async with Town() as town:
        await town.open("prices.test", prices)
        async with answering(town) as connector, ClientSession(connector=connector) as session:
            said = {"up": await ask(session, "/price"), "gzip": await ask(session, "/gzip")}
            said["cookies"] = len(session.cookie_jar)
            await town.close("prices.test")
            said["down"] = await ask(session, "/price")
    return noted(town.trace, said)


# %%
prediction_mock = {
    # one of: "200, three", "TypeError", "ContentEncodingError", "ClientPayloadError"
    "the answer": {"aioresponses": ..., "aiointercept": ..., "the service": ...},
    # one of: "200, three", "TypeError", "ContentEncodingError", "ClientPayloadError"
    "gzip that is none": {"aioresponses": ..., "aiointercept": ..., "the service": ...},
}

# %% tags=["needs-aiointercept", "needs-aioresponses"]
mocks = await compare(
    {
        "aioresponses": partial(asked, by_aioresponses),
        "aiointercept": partial(asked, by_aiointercept),
        "the service": partial(asked, by_the_service),
    },
    ask={
        "the answer": lambda t: t.notes["up"],
        "requests that the service hears": lambda t: len(t.requests(whom="prices.test")),
        "answered when it is closed": lambda t: t.notes["down"] == "200, three",
        "cookies kept": lambda t: t.notes["cookies"],
        "gzip that is none": lambda t: t.notes["gzip"],
    },
)
mocks

# %% tags=["needs-aiointercept", "needs-aioresponses"]
score(prediction_mock, mocks)

# %% [markdown]
# * `aioresponses` 0.7.9, the newest in December 2026, builds a `ClientResponse` by itself, and since aiohttp
#   3.14.0 that takes one argument more: it cannot be used [C87a]. When the post was written it could. The
#   post says *tools such as* it, and one that lets aiohttp's own code be works [L26m].
# * What the post says of such tools is true: requests and answers are simulated, and the service outside
#   hears nothing [C87b]. So the test does not depend on it, and can be sturdier [C165].
# * What is in the way decides what you test. With `aiointercept` the jar, the decoding and the exceptions are
#   aiohttp's own, as with the service [L26n].

# %% tags=["needs-aiointercept", "needs-aioresponses"]
UP, HEARS, DOWN, GZIP = "the answer", "requests that the service hears", *(mocks.asked[2], mocks.asked[4])
LOST, KEPT = mocks.answers[GZIP, "the service"], "cookies kept"
check(
    mocks,
    {
        "C87a": {UP: {"aioresponses": "200, three"}},
        "L26m": {UP: {"aiointercept": "200, three"}},
        "C87b": {UP: {"aiointercept": "200, three"}, HEARS: {"aiointercept": 0, "the service": 2}},
        "C165": {DOWN: {"aiointercept": True, "the service": False}},
        "L26n": {KEPT: {"aiointercept": 1}, GZIP: {"aiointercept": LOST}},
    },
)

# %% [markdown]
# ## Exercises
#
# Your answer is a test. It is tried on code that is right, where it must be green, and on code that has a
# bug. The [solutions](solutions/26_test_what_you_ship.ipynb) are in a notebook of their own.
#
# ### ★ no-plugin-needed (8 minutes)
#
# Write a plain test that `pytest` runs without a plugin. `create_app()` makes an application. Be green where
# `GET /` is answered 200 with the text `Hello, world` and nothing else, and red where it is not.


# %% exercise="no-plugin-needed"
def test_page(create_app):
    ...  # TODO: ask, and assert

    # solution
    async def page():
        async with TestClient(TestServer(create_app())) as client:
            answer = await client.get("/")
            return answer.status, await answer.text()

    assert asyncio.run(page()) == (200, "Hello, world")
    # end


# %%
await attempt("no-plugin-needed", test_page)

# %% [markdown]
# <details><summary>Hint</summary> An <code>async def</code> inside asks with
# <code>TestClient(TestServer(create_app()))</code>, and returns status and text. <code>asyncio.run</code> of
# it is what you compare.
# </details>
#
# ### ★★ red-for-four-bugs (10 minutes)
#
# `client` is a `TestClient` of a shop. `GET /price` is answered with the JSON `{"price": 3}`. A
# `POST /order/` with the JSON `{"pay": 6}` is answered 403, and after a `POST /login` with `{"paid": 6}`.
# Write the test. Four wrong shops wait for it.


# %% exercise="red-for-four-bugs"
async def test_shop(client):
    ...  # TODO: ask what must be asked, in an order that shows it
    # solution
    answer = await client.get("/price")
    assert await answer.json() == {"price": 3}
    answer = await client.post("/order/", json={"pay": 6})
    assert answer.status == 403
    await client.post("/login")
    answer = await client.post("/order/", json={"pay": 6})
    assert await answer.json() == {"paid": 6}
    # end


# %%
await attempt("red-for-four-bugs", test_shop)

# %% [markdown]
# <details><summary>Hint</summary> Order before the login, too. <code>3</code> and <code>"3"</code> look the
# same in a text, and not as JSON.
# </details>
#
# ### ★★★ two-names (14 minutes)
#
# You ship `fetch(session)`. It asks for `http://api.test/file`, with the field `X-Api-Key: secret`, is
# redirected to `http://cdn.test/file`, and returns the text of that. The key is for `api.test` alone. Write
# the test: open both servers in the `town`, give `fetch` a session, and be red for a client that returns
# another text, sends no key, or takes it along (lesson 03).


# %% exercise="two-names"
async def test_fetch(fetch, town):
    ...  # TODO: open two servers, fetch, and look at what each of them heard
    # solution
    keys = {}

    async def api(request):
        keys["api"] = request.headers.get("X-Api-Key")
        raise web.HTTPFound("http://cdn.test/file")

    async def cdn(request):
        keys["cdn"] = request.headers.get("X-Api-Key")
        return web.Response(text="the file")

    await town.open("api.test", api)
    await town.open("cdn.test", cdn)
    async with ClientSession(connector=town.connector("client")) as session:
        assert await fetch(session) == "the file"
    assert keys == {"api": "secret", "cdn": None}
    # end


# %%
await attempt("two-names", test_fetch)

# %% [markdown]
# <details><summary>Hint</summary> Let each handler note the key that it gets. An <code>assert</code> in a
# handler is a 500 for the client, and nothing that your test sees.
# </details>
#
# ## In practice
#
# * **Break it, and look.** A test that was never red says nothing. Plant a bug, see the test notice, take the
#   bug out. This course does so with its own suite.
# * Mock what is yours; serve what is HTTP. Among aiohttp's examples is a fake server, whose names a resolver
#   leads to `127.0.0.1`. The town does the same.
# * Write the mode down: `asyncio_mode = auto` in `pytest.ini`, or `[tool.pytest.ini_options]` of
#   `pyproject.toml`. The plugin that aiohttp once brought, `aiohttp.pytest_plugin`, is deprecated since 3.14.
# * A library that stands in for aiohttp's own classes follows its inside, and a release can break it: issue
#   [289](https://github.com/pnuckowski/aioresponses/issues/289) of `aioresponses`. Pin both, or use a server.
# * No test waits for time. What must be late waits for an event, as with the gates here.
# * Whether tests that simulate are faster, too, as the post says that they can be, is true of most services.
#   This course claims nothing about time.
#
# Next: [27 · What became of the four posts?](27_read_the_verdicts.ipynb)
#
# ## Where this comes from
#
# * aiohttp 3.14: [testing](https://docs.aiohttp.org/en/stable/testing.html), and the example
#   [fake_server.py](https://github.com/aio-libs/aiohttp/blob/master/examples/fake_server.py).
# * [pytest-aiohttp](https://pypi.org/project/pytest-aiohttp/), and the
#   [modes](https://pytest-asyncio.readthedocs.io/en/stable/concepts.html#test-discovery-modes) of
#   pytest-asyncio.
# * pytest: [changes in 8.4.0](https://docs.pytest.org/en/stable/changelog.html#pytest-8-4-0-2025-06-02), and
#   its [exit codes](https://docs.pytest.org/en/stable/reference/exit-codes.html).
# * Python:
#   [IsolatedAsyncioTestCase](https://docs.python.org/3/library/unittest.html#unittest.IsolatedAsyncioTestCase).

# %%
await guard.clean()
