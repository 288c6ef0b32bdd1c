# %% [markdown]
# # 16 · What does the client see when your handler fails?
#
# **You will** let handlers fail in every usual way, before and after the answer has begun, and read what
# the client gets, what the log gets, and what should have been kept from the client.
#
# **You need** lesson 01; lesson 15 for its second and last parts.
#
# **Minutes:** 34 to read and run (12 to the place to stop), 30 for the exercises.

# %%
import asyncio
import re
from functools import partial
from itertools import count

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from aiohttp.http import HttpProcessingError

from labs import Gate, Grid, Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.guard import server_log
from labs.instruments import failures

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# A handler should return a response. Here are six. One does, and five end in another way. Each gets the same
# `POST`, twice, with a body that is meant to be JSON and is not. The sides differ in one thing: **how the
# handler ends.**
#
# A *middleware* stands around all handlers. A post says that it runs before and after every request. Two of
# them stand around each handler here, and write down that they came to their "after". A *signal*, a function
# that aiohttp calls before it sends the head of an answer, writes down that it was called. (Both middlewares
# are decorated with `@web.middleware`. The post's own is not, and aiohttp takes it for something else.)


# %%
async def answers(request):
    return web.Response(text="page\n")


async def raises(request):
    raise web.HTTPNotFound()


async def crashes(request):
    return {}["price"]


# %%
async def forgets(request):
    await request.read()


async def trusts(request):
    return web.json_response(await request.json())


async def waits(request):
    raise TimeoutError  # as a database does, or an `asyncio.timeout` around it


# %%
def watched(after):
    @web.middleware
    async def two_lines(request, handler):
        answer = await handler(request)
        after["two lines"] = True
        return answer

    @web.middleware
    async def in_finally(request, handler):
        try:
            return await handler(request)
        finally:
            after["finally"] = True

    async def signal(request, answer):
        after["on_response_prepare"] = True

    app = web.Application(middlewares=[two_lines, in_finally])
    app.on_response_prepare.append(signal)
    return app


# %% [markdown]
# ## Predict
#
# Which status does the client get, and which exception does the server's log name? Write `None` where nothing
# is logged, and `"no exception"` for a record that names none. Does the "after" of the first middleware come?
# Say `True` or `False`.

# %%
SIX = ("a page", "raise 404", "crash", "None", "bad JSON", "timeout")
prediction = {
    # one of: 200, 400, 500, 504
    "status": {"crash": ..., "None": ..., "bad JSON": ..., "timeout": ...},
    # one of: "HTTPNotFound", "KeyError", "AttributeError", "JSONDecodeError", "no exception", None
    "the log names": {"raise 404": ..., "crash": ..., "None": ..., "bad JSON": ..., "timeout": ...},
    # one of: "yes", "no"
    "after, in two lines": {"a page": ..., "raise 404": ..., "crash": ...},
}

# %% [markdown]
# ## The experiment
#
# A *server log* takes what the server would log. A log is for your own people: it has addresses, paths and
# tracebacks in it, so the table shows only which exception each record names.


# %%
async def twice(handler):
    after = {}
    app = watched(after)
    app.router.add_post("/order", handler)
    with server_log() as log:
        async with Town() as town:
            await town.open("shop.test", app)
            async with ClientSession(connector=town.connector("client")) as client:
                for _ in range(2):
                    async with client.post("http://shop.test/order", data=b"{shoes}") as answer:
                        await answer.read()
    return noted(town.trace, after, log=", ".join(log.raised))


# %%
handlers = (answers, raises, crashes, forgets, trusts, waits)
found = await compare(
    {name: partial(twice, handler) for name, handler in zip(SIX, handlers, strict=True)},
    ask={
        "status": lambda t: t.answers()[0].status,
        "first line of the page": lambda t: t.answers()[0].body.decode().partition("\n")[0] or None,
        "the log names": lambda t: t.notes["log"].partition(", ")[0] or None,
        "connections for two requests": lambda t: t.connections(),
        "after, in two lines": lambda t: "two lines" in t.notes,
        "after, in finally": lambda t: "finally" in t.notes,
        "on_response_prepare": lambda t: "on_response_prepare" in t.notes,
    },
)
found

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * A 404 that is raised is an answer, and no error: nothing is logged [L16a].
# * Any other `Exception`, but a `TimeoutError`, becomes a 500 and a record in the log [L16c]. The page says
#   nothing of the cause [L16d]. The connection is given up, so that the next request needs another.
# * A handler that forgets its `return` answers 500, too [L16e].
# * Bad JSON is the client's mistake, and the status says it was yours [L16f]: `request.json()` raises, and
#   nobody caught it.
# * A `TimeoutError` that escapes is answered 504, with an empty page, and the log does not say what it was
#   [L16g].
# * For a page that a handler returns, "after" comes [L16w]. The post says so of every request, and that is
#   too much: what is raised passes it by, a 404 and a crash alike, unless it stands in a `finally` [C44b]. A
#   redirect is raised like the 404: lesson 01. The signal came each time.

# %%
STATUS, LOG, AFTER = "status", "the log names", "after, in two lines"
check(
    found,
    {
        "L16a": {STATUS: {"raise 404": 404}, LOG: {"raise 404": None}},
        "L16c": {STATUS: {"crash": 500}, LOG: {"crash": "KeyError"}},
        "L16d": {"first line of the page": {"crash": "500 Internal Server Error"}},
        "L16e": {STATUS: {"None": 500}, LOG: {"None": "AttributeError"}},
        "L16f": {STATUS: {"bad JSON": 400}},
        "L16g": {STATUS: {"timeout": 504}, LOG: {"timeout": "no exception"}},
        "L16w": {AFTER: {"a page": True}},
        "C44b": {AFTER: dict.fromkeys(SIX, True)},
    },
)

# %% [markdown]
# **A place to stop.** You know what the client sees when a handler fails at once. What follows: an answer
# that has begun, what an error page tells, and 502 or 504.

# %% [markdown]
# ## When the answer has begun
#
# `prepare()` sends the status and the head. After it nothing can be taken back. This handler fails in the
# middle of its page, when the client has the head. The sides differ in **what it does then**.


# %%
async def bad_gateway(request, answer):
    raise web.HTTPBadGateway()


async def another(request, answer):
    return web.Response(status=502, text="sorry\n")


async def crash(request, answer):
    raise ValueError("in the middle")


async def good_order(request, answer):
    await answer.write_eof()
    return answer


async def abort(request, answer):
    request.transport.abort()
    return answer


# %%
async def midway(then):
    gate = Gate("the head")

    async def page(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"half of the page\n")
        await gate
        return await then(request, answer)

    with server_log() as log:
        async with Town() as town:
            await town.open("shop.test", page)
            connector, url = town.connector("client"), "http://shop.test/"
            async with ClientSession(connector=connector) as client, client.get(url) as answer:
                gate.open()
                said = await read(answer, 0.1 if then in (bad_gateway, another) else None)
    return noted(town.trace, {"gets": said, "log": ", ".join(log.raised)})


# %%
async def read(answer, patience):
    try:
        async with asyncio.timeout(patience):
            await answer.read()
    except (ClientError, TimeoutError, HttpProcessingError) as error:  # the third: without the C extension
        return type(error).__name__
    return "the whole body"


def status_lines(trace):
    (answer,) = trace.answers()
    return [it.decode() for it in re.findall(rb"HTTP/1\.1 (\d+)", answer.raw + answer.surplus)]


# %%
prediction_begun = {
    # one of: "200", "502", "200, 502"
    "status lines in one answer": {"raise 502": ..., "return 502": ..., "crash": ...},
}


# %%
endings = {"raise 502": bad_gateway, "return 502": another, "crash": crash, "end in order": good_order}
begun = await compare(
    {name: partial(midway, then) for name, then in {**endings, "abort": abort}.items()},
    ask={
        "status lines in one answer": status_lines,
        "the answer is well-formed": lambda t: not t.answers()[0].problem,
        "the answer is complete": lambda t: t.answers()[0].complete,
        "the client gets": lambda t: t.notes["gets"],
        "the log names": lambda t: t.notes["log"] or None,
    },
)
begun

# %%
score(prediction_begun, begun)

# %% [markdown]
# * The 502 was raised, or returned, too late. Its status line went out **inside the page**, where the
#   client expects the size of a chunk [L16h] [L16i]. aiohttp's client waits over such a chunk until `total`
#   ends it, five minutes by default: lesson 15. The `TimeoutError` here is the patience of the experiment.
# * To end in good order is worse: half a page passes for the whole one [L16j].
# * What is right is to break off. `request.transport.abort()` does it at once. An exception that is no HTTP
#   exception does it, too, but what is already written goes out first; and the log names it, unless it is
#   a `TimeoutError`. The client knows that something is missing [L16k]: chunks and `Content-Length` say
#   where the end would have been. A client of HTTP/1.0 gets neither from this page, and cannot know.

# %%
GETS, LINES = "the client gets", "status lines in one answer"
check(
    begun,
    {
        "L16h": {LINES: {"raise 502": ["502"]}},
        "L16i": {LINES: {"raise 502": ["200", "502"], "return 502": ["200", "502"]}},
        "L16j": {GETS: {"end in order": "ClientPayloadError"}},
        "L16k": {GETS: {"abort": "ClientPayloadError", "crash": "ClientPayloadError"}},
    },
)

# %% [markdown]
# ## What the error page tells
#
# This handler dies of an exception whose text is nobody's business. A middleware may turn it into an answer.
# Here are two. The second gives the client a number, and writes the cause down under this number.
#
# Each server is asked for that page, and for one that is missing. The sides differ in **the middleware**.
# Two have none; one of these runs in asyncio's debug mode, which Python's `-X dev` and `PYTHONASYNCIODEBUG=1`
# turn on.

# %%
SECRET = "postgres://shop:hunter2@inside/orders"


async def secretive(request):
    raise RuntimeError(f"cannot reach {SECRET}")


@web.middleware
async def talkative(request, handler):
    try:
        return await handler(request)
    except Exception as error:
        return web.json_response({"error": repr(error)}, status=500)


# %%
numbers = count(1)  # in real use: something that nobody can guess, such as secrets.token_hex(8)


@web.middleware
async def careful(request, handler):
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception:
        number = next(numbers)
        request.app.logger.exception("error %s", number)
        return web.json_response({"error": f"see number {number}"}, status=500)


# %%
async def ask(*middlewares, debug=False):
    app = web.Application(middlewares=middlewares)
    app.router.add_get("/order", secretive)
    loop = asyncio.get_running_loop()
    before = loop.get_debug()
    with server_log() as log:
        async with Town() as town:
            loop.set_debug(debug)  # aiohttp looks when the server starts
            try:
                await town.open("shop.test", app)
            finally:
                loop.set_debug(before)
            async with ClientSession(connector=town.connector("client")) as client:
                for path in ("/order", "/missing"):
                    async with client.get(f"http://shop.test{path}") as answer:
                        await answer.read()
    return noted(town.trace, secret_in_log=SECRET in log.text)


# %%
prediction_told = {
    # one of: "yes", "no"
    "the client reads the secret": {
        "no middleware": ...,
        "none, debug": ...,
        "talkative": ...,
        "careful": ...,
    },
}


# %%
told = await compare(
    {
        "no middleware": partial(ask),
        "none, debug": partial(ask, debug=True),
        "talkative": partial(ask, talkative),
        "careful": partial(ask, careful),
    },
    ask={
        "status of the crash": lambda t: t.answers()[0].status,
        "the client reads the secret": lambda t: SECRET.encode() in t.answers()[0].body,
        "the client reads a traceback": lambda t: b"Traceback" in t.answers()[0].body,
        "the log has the secret": lambda t: t.notes["secret_in_log"],
        "status of a missing page": lambda t: t.answers()[1].status,
    },
)
told

# %%
score(prediction_told, told)

# %% [markdown]
# * Without a middleware the page keeps the secret, and the log has it: that is how it should be [L16m]. In
#   debug mode the client gets the whole traceback [L16n].
# * A middleware that answers `repr(error)` tells it to everybody, and to the log no more [L16p]. And it
#   made a 500 of the missing page [L16q]: a 404 is raised as an `HTTPException`, and that is an
#   `Exception`, too.

# %%
READS = "the client reads the secret"
check(
    told,
    {
        "L16m": {READS: {"no middleware": False}, "the log has the secret": {"no middleware": True}},
        "L16n": {READS: {"none, debug": True}, "the client reads a traceback": {"none, debug": True}},
        "L16p": {READS: {"talkative": True}, "the log has the secret": {"talkative": False}},
        "L16q": {"status of a missing page": {"talkative": 404, "careful": 404}},
    },
)

# %% [markdown]
# ## 502 or 504?
#
# A proxy is a handler that fails when others fail. It should say so: 502, Bad Gateway, when the server
# behind it cannot be reached or answers nonsense, and 504, Gateway Timeout, when it does not answer in
# time. The front below asks the servers of lesson 15. The sides differ in **what it catches, in which
# order**.


# %%
async def relay(inner, url):
    limits = ClientTimeout(total=None, sock_read=0.05 if "stall" in url else None)
    async with inner.get(url, timeout=limits) as answer:
        return web.Response(status=answer.status, body=await answer.read())


async def client_error_first(inner, url):
    try:
        return await relay(inner, url)
    except ClientError:
        raise web.HTTPBadGateway() from None
    except TimeoutError:
        raise web.HTTPGatewayTimeout() from None


# %%
async def timeout_first(inner, url):
    try:
        return await relay(inner, url)
    except TimeoutError:
        raise web.HTTPGatewayTimeout() from None
    except ClientError:
        raise web.HTTPBadGateway() from None


# %%
async def through(front):
    with server_log():
        async with Town() as town, ClientSession(connector=town.connector("front.test")) as inner:

            async def handler(request):
                url, gate = behind[request.path[1:]]
                gate.open()
                return await front(inner, url)

            behind = {name: await failures.stand(town, name) for name in TROUBLE}
            await town.open("front.test", handler)
            async with ClientSession(connector=town.connector("client")) as client:
                for name in TROUBLE:
                    await (await client.get(f"http://front.test/{name}")).read()
    return town.trace


# %%
BROKEN = ("refused", "unknown-name", "close-before-head", "garbage", "close-in-body")
TROUBLE = (*BROKEN, "stall-before-head")


def status_of(name, trace):
    return trace.answers(who="front.test")[TROUBLE.index(name)].status


gateways = await compare(
    {
        "nothing": partial(through, relay),
        "ClientError first": partial(through, client_error_first),
        "TimeoutError first": partial(through, timeout_first),
    },
    ask={name: partial(status_of, name) for name in TROUBLE},
)
gateways

# %%
KEY = {500: "5", 502: "2", 504: "4"}
MEANS = {"5": "500: my own fault", "2": "502: the server behind failed", "4": "504: it was too slow"}
cells = {
    ("the front catches", name, side): KEY[gateways.answers[name, side]]
    for side in gateways.sides
    for name in TROUBLE
}
columns = {"the front catches": gateways.sides}
draw.heat_map(
    Grid(TROUBLE, columns, cells, MEANS),
    finding="A front that catches nothing says 500 for what is broken; "
    "in the wrong order it calls slow broken",
)

# %% [markdown]
# * What the front does not catch, it takes the blame for: 500. Only a timeout becomes 504 without its doing
#   [L16s], as in the first table.
# * `SocketTimeoutError` is a `ClientError` **and** a `TimeoutError`. Where `ClientError` stands first, a
#   server that is slow is called broken [L16t]. So `TimeoutError` stands first [L16u].

# %%
check(
    gateways,
    {
        "L16s": {name: {"nothing": 500 if name in BROKEN else 504} for name in TROUBLE},
        "L16t": {"stall-before-head": {"ClientError first": 504}},
        "L16u": {name: {"TimeoutError first": 502 if name in BROKEN else 504} for name in TROUBLE},
    },
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/16_fail_well_on_the_server.ipynb) are in a
# notebook of their own.
#
# ### ★ whose-mistake (8 minutes)
#
# Read the request's body as JSON, and answer it again as JSON. If the client sent something that cannot be
# read as JSON, answer 400. A body that is too big must still be answered 413, which `request.json()` raises
# by itself.


# %% exercise="whose-mistake"
async def echo(request):
    ...  # TODO: return web.json_response of the request's JSON, or raise a 400
    # solution
    try:
        order = await request.json()
    except (ValueError, LookupError, RecursionError):
        raise web.HTTPBadRequest(text="The body is no JSON.\n") from None
    return web.json_response(order)
    # end


# %%
await attempt("whose-mistake", echo)

# %% [markdown]
# <details><summary>Hint</summary>
# A body can be wrong in four ways: as text, as JSON, in a charset that Python does not know
# (<code>LookupError</code>), and nested too deep for it (<code>RecursionError</code>).
# <code>UnicodeDecodeError</code> and <code>JSONDecodeError</code> have a base class in common. And
# <code>null</code> is JSON, like any order.
# </details>
#
# ### ★★ blame-well (10 minutes)
#
# Ask `http://origin.test/page` with `inner`, and return its status and body. Answer 504 if it does not come
# in time, 502 if it fails in any other way. A 4xx or 5xx of the origin is no failure: hand it on. `inner` has
# a time limit already; set none.


# %% exercise="blame-well"
async def front(request, inner):
    ...  # TODO: get http://origin.test/page; 504 if it is too slow, 502 if it fails otherwise
    # solution
    try:
        async with inner.get("http://origin.test/page") as answer:
            return web.Response(status=answer.status, body=await answer.read())
    except TimeoutError:
        raise web.HTTPGatewayTimeout() from None
    except ClientError:
        raise web.HTTPBadGateway() from None
    # end


# %%
await attempt("blame-well", front)

# %% [markdown]
# <details><summary>Hint</summary>
# Two clauses, as in the table above. Bytes that are no HTTP and a body that is cut are
# <code>ClientError</code>s that are no connection error.
# </details>
#
# ### ★★★ half-a-page (12 minutes)
#
# Send the `pieces`, an async generator of bytes, one by one as they come. It may raise `OSError`. Before
# the first piece that is a 503. After it, the client must be able to tell that something is missing.


# %% exercise="half-a-page"
async def stream(request, pieces):
    ...  # TODO: send each piece when it comes; if pieces fails: 503 before the first, break off after it
    # solution
    answer = web.StreamResponse()
    try:
        async for piece in pieces:
            if not answer.prepared:
                await answer.prepare(request)
            await answer.write(piece)
    except OSError:
        if not answer.prepared:
            raise web.HTTPServiceUnavailable() from None
        request.transport.abort()
        return answer
    await answer.write_eof()
    return answer
    # end


# %%
await attempt("half-a-page", stream)

# %% [markdown]
# <details><summary>Hint</summary>
# Do not <code>prepare</code> before you have something to send. <code>answer.prepared</code> says whether
# you have.
# </details>
#
# ## In practice
#
# * What is wrong with the request is a 4xx: catch `(ValueError, LookupError, RecursionError)` around
#   `request.json()`. The second is an unknown charset, the third are very many brackets. And look at the type
#   of what you got: `null` and `[]` are JSON, too.
# * Give the client a number, and the log the cause. Never `repr(error)`, never a traceback, and no debug
#   mode where strangers ask.
# * In a middleware, let `web.HTTPException` pass before `except Exception`.
# * A field that the answers of all handlers need belongs into `on_response_prepare`. It came for the 404 and
#   the 500 above, too.
# * After `prepare` there is no 500 any more. Find out what can fail before it, and break off after it.
# * Catch your own timeouts. A 504 from a server that is no gateway leads everybody who reads it astray.
#
# Next: [17 · What does your app believe behind a proxy?](17_stand_behind_a_proxy.ipynb)
#
# ## Where this comes from
#
# * RFC 9110, sections [15.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-15.6.1),
#   [15.6.3](https://www.rfc-editor.org/rfc/rfc9110#section-15.6.3) and
#   [15.6.5](https://www.rfc-editor.org/rfc/rfc9110#section-15.6.5): 500, 502, 504. RFC 9112, [section
#   8](https://www.rfc-editor.org/rfc/rfc9112#section-8): an answer that is not complete.
# * aiohttp 3.14: [web exceptions](https://docs.aiohttp.org/en/stable/web_quickstart.html#exceptions),
#   [middlewares](https://docs.aiohttp.org/en/stable/web_advanced.html#middlewares),
#   [signals](https://docs.aiohttp.org/en/stable/web_advanced.html#signals).
# * aiohttp issue [4572](https://github.com/aio-libs/aiohttp/issues/4572) on handlers that return no response.
# * The second of the four posts this course began from, post 001, on middleware.

# %%
await guard.clean()
