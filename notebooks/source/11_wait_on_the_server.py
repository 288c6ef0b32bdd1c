# %% [markdown]
# # 11 · How long does a server wait?
#
# **You will** stop in the middle of a request and see which of a server's timers ends the waiting. Then you
# are the client whose answer was lost: you try again, are charged twice, and mend it.
#
# **You need** lessons 06 and 10.
#
# **Minutes:** 23 to read and run, 33 for the exercises.

# %%
import asyncio
import inspect
from contextlib import AsyncExitStack, suppress
from functools import partial
from itertools import count
from uuid import uuid4

from aiohttp import ClientConnectionError, ClientSession, web

from labs import Grid, Guard, Town, attempt, check, clients, compare, draw, score
from labs.clients import raw_client

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# Lesson 10 was about clients that leave. This one is about clients that stay, and say nothing. Every open
# connection costs a server memory, so a server has timers. aiohttp's has two that a slow client can meet.
# These are their settings, in seconds:

# %%
SHORT = 0.05  # seconds, for later


def default(of, name):
    return inspect.signature(of).parameters[name].default


{
    "keepalive_timeout, run_app": default(web.run_app, "keepalive_timeout"),
    "keepalive_timeout, AppRunner": default(web.RequestHandler, "keepalive_timeout"),
    "lingering_time": default(web.RequestHandler, "lingering_time"),
}

# %% [markdown]
# `keepalive_timeout` is said to be how long a connection is kept between two requests. `web.run_app` says 75
# seconds, and an `AppRunner` of your own, which says nothing, a little over an hour. `lingering_time` is how
# long the server reads on after an answer that came before the body.
#
# Here are four servers. One is as it comes. In two, one timer is cut short, to 0.05 s. The handler of the
# fourth has a timeout of its own around the reading. All of them read the body of `/end`, and answer `/first`
# without reading.


# %%
async def reads(request):
    if request.path == "/end":
        await request.read()
    return web.Response(text="done\n")


async def impatient(request):
    try:
        async with asyncio.timeout(SHORT):
            return await reads(request)
    except TimeoutError:
        raise web.HTTPRequestTimeout() from None


SERVERS = {
    "as-it-comes.test": (reads, {}),
    "keepalive.test": (reads, {"keepalive_timeout": SHORT}),
    "lingering.test": (reads, {"lingering_time": SHORT}),
    "impatient.test": (impatient, {}),
}

# %% [markdown]
# The sides differ in **where the client stops**. Each has three parts: what the client says first; the end of
# the answer it then waits for, or nothing; the rest, said when the short timers have run out.


# %%
def head(line, *fields):
    return "\r\n".join([f"{line} HTTP/1.1", "Host: shop.test", *fields, "", ""]).encode()


LAST = head("GET /end", "Connection: close")
UPLOAD = head("POST /end", "Content-Length: 10", "Connection: close")
STOPS = {
    "at once": (b"", b"", LAST),
    "in the head": (LAST[:20], b"", LAST[20:]),
    "in the body": (UPLOAD + b"half ", b"", b"body\n"),
    "after an answer": (head("GET /first"), b"done\n", LAST),
    "in a body, answered": (
        head("POST /first", "Content-Length: 10") + b"half ",
        b"done\n",
        b"body\n" + LAST,
    ),
}

# %% [markdown]
# ## Predict
#
# What comes of the request for `/end`? Write `200`, `408` (Request Timeout), or `"closed"`.

# %%
prediction = {
    # one of: 200, 408, "closed"
    "keepalive.test": {"at once": ..., "in the head": ..., "in the body": ..., "after an answer": ...},
    # one of: 200, 408, "closed"
    "lingering.test": {"in the body": ..., "in a body, answered": ...},
    # one of: 200, 408, "closed"
    "impatient.test": {"in the head": ..., "in the body": ...},
}

# %% [markdown]
# ## The experiment
#
# `raw_client` opens a connection on which you speak by hand, and says `first`. The client stops on all four
# servers. Then it asks an *hourglass*: a server with `keepalive_timeout`, too, but twice as long as the
# short timers. When that one closes after its answer, each timer that was going to end has ended, also on a
# slow computer, and the rest is said. It stands in a town of its own, so that it is not in the recording.


# %%
async def stop(first, reply, rest):
    async with Town() as town, Town() as aside, AsyncExitStack() as lines:
        await aside.open("hourglass.test", reads, keepalive_timeout=2 * SHORT)
        said = []
        for name, (handler, settings) in SERVERS.items():
            await town.open(name, handler, **settings)
            line = await lines.enter_async_context(raw_client(town, "client", name, first))
            await line.until(reply)
            said.append(line)
        async with raw_client(aside, "client", "hourglass.test", head("GET /first")) as glass:
            await glass.until(b"done\n")
            await glass.finish()
        for line in said:
            await line.finish(rest)
    return town.trace


# %%
def comes_of_it(server, trace):
    targets = [it.target for it in trace.requests(whom=server)]
    answers = trace.answers(who=server)[targets.index("/end") :] if "/end" in targets else ()
    return answers[0].status if answers else "closed"


found = await compare(
    {name: partial(stop, *words) for name, words in STOPS.items()},
    ask={server: partial(comes_of_it, server) for server in SERVERS},
)
found

# %%
found["in the body"].lanes()

# %%
KEY = {
    "=": "answered, when the rest came",
    "×": "closed by the server",
    "T": "answered 408, Request Timeout, in the meantime",
}
LETTERS = {200: "=", "closed": "×", 408: "T"}
grid = Grid(
    list(SERVERS),
    {"The client stops": list(STOPS)},
    {("The client stops", row, side): LETTERS[it] for (row, side), it in found.answers.items()},
    KEY,
)
draw.heat_map(
    grid, finding="No timer of the server ends a handler that waits for a body; a timeout of its own must"
)

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * `keepalive_timeout` is more than its name says. It ends every connection on which the server waits for a
#   request: one between two requests, and, since 3.14.4 (pull request 13681), a new one and one on which half
#   a first head has come [L11a].
# * Once the head is there, a handler waits for the body, and neither of the two timers ends that [L11c].
# * What ends it is a timeout of yours, around the reading. 408 is made for that [L11d].
# * A handler may answer before the body has come. The server then reads on and throws away what comes, so
#   that the connection can be used again. That is *lingering*, and `lingering_time` is how long [L11e].

# %%
check(
    found,
    {
        "L11a": {
            "keepalive.test": dict.fromkeys(["at once", "in the head", "after an answer"], "closed"),
            "as-it-comes.test": dict.fromkeys(["at once", "in the head", "after an answer"], 200),
        },
        "L11c": {name: {"in the body": 200} for name in list(SERVERS)[:3]},
        "L11d": {"impatient.test": {"in the body": 408, "in the head": 200}},
        "L11e": {
            "as-it-comes.test": {"in a body, answered": 200},
            "lingering.test": {"in a body, answered": "closed", "in the body": 200},
        },
    },
)

# %% [markdown]
# ## What must the client do?
#
# Sooner or later a client loses a connection to a server that had waited long enough, was restarted, or has
# fallen over. `ServerDisconnectedError` says that no answer came. What was done, it does not say.
#
# So here are two shops. One loses the first *request*: it drops the connection before it does anything. The
# other loses the first *answer*: it charges at the bank, and then drops the connection. What they have done
# they remember under a name: the `Idempotency-Key` of the request, or the path of a `PUT`.


# %%
def drop(request):
    request.transport.close()
    return web.Response()


def shop(connect, loses):
    known, turns = {}, count()

    async def order(request):
        first = next(turns) == 0
        if first and loses == "request":
            return drop(request)
        name = request.path if request.method == "PUT" else request.headers.get("Idempotency-Key")
        if name is None or name not in known:
            async with ClientSession(connector=connect()) as inner, inner.post("http://bank.test/charge"):
                known[name] = "thank you\n"
        return drop(request) if first else web.Response(text=known[name])

    return order


# %% [markdown]
# The sides differ in **how the client orders**: once; in a loop, until there is an answer; in the same loop
# with a key, one for all its turns; or once with `PUT`, to an address that it has chosen itself.


# %%
async def order_once(client, url, **more):
    async with client.post(url, **more) as answer:
        return await answer.text()


async def order_in_a_loop(client, url, **more):
    while True:
        with suppress(ClientConnectionError):
            return await order_once(client, url, **more)


async def order_with_a_key(client, url):
    return await order_in_a_loop(client, url, headers={"Idempotency-Key": "order-1"})


async def put_once(client, url):
    async with client.put(url + "/1") as answer:
        return await answer.text()


# %%
async def lossy(way):
    async with Town() as town:
        await town.open("bank.test", reads)
        for loses in ("request", "answer"):
            name = f"loses-{loses}.test"
            await town.open(name, shop(partial(town.connector, name), loses))
            async with ClientSession(connector=town.connector("client")) as client:
                with suppress(ClientConnectionError):
                    await way(client, f"http://{name}/orders")
    return town.trace


def heard_from(name, trace):
    return [it.event or it.message.status for it in trace.said if (it.who, it.whom) == (name, "client")]


def charged_by(name, trace):
    return len(trace.requests(who=name, whom="bank.test"))


# %%
prediction_ordered = {
    # one of: 0, 1, 2
    "answer lost, times charged": {"POST": ..., "POST in a loop": ..., "with a key": ..., "PUT": ...},
}


# %%
ways = {
    "POST": order_once,
    "POST in a loop": order_in_a_loop,
    "with a key": order_with_a_key,
    "PUT": put_once,
}
ordered = await compare(
    {name: partial(lossy, way) for name, way in ways.items()},
    ask={
        "request lost, the client hears": partial(heard_from, "loses-request.test"),
        "request lost, times charged": partial(charged_by, "loses-request.test"),
        "answer lost, the client hears": partial(heard_from, "loses-answer.test"),
        "answer lost, times charged": partial(charged_by, "loses-answer.test"),
    },
)
ordered

# %%
score(prediction_ordered, ordered)

# %%
ordered["POST in a loop"].lanes()

# %% [markdown]
# * The one who orders once hears the same from both shops: the connection is closed. One has charged, the
#   other has not, and the client cannot tell [L11f].
# * The loop hears a 200 from both, and has paid twice where the answer was lost [L11g]. A bare loop around a
#   `POST` is not a remedy. It is the fault.
# * With a key, the shop knows that it is the same order again. It charges once and gives the same answer
#   [L11h]. The key belongs to the *order*, not to the turn: make it before the loop.
# * Look at `PUT`: it was sent twice, by aiohttp itself (lesson 06). It was charged once, because this server
#   keeps the promise of an idempotent method [L11j].

# %%
FIRST, SECOND = "request lost, times charged", "answer lost, times charged"
HEARD = "answer lost, the client hears"
check(
    ordered,
    {
        "L11f": {FIRST: {"POST": 0}, SECOND: {"POST": 0}},
        "L11g": {FIRST: {"POST in a loop": 1}, SECOND: {"POST in a loop": 1}},
        "L11h": {HEARD: {"with a key": ["closed", 200]}, SECOND: {"POST in a loop": 2, "with a key": 1}},
        "L11j": {HEARD: {"PUT": ["closed", 200]}, SECOND: {"POST in a loop": 2, "PUT": 1}},
    },
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/11_wait_on_the_server.ipynb) are in a notebook of
# their own.
#
# ### ★ read-in-time (5 minutes)
#
# Read the body, and answer with the number of its bytes, as text. If the whole has not come within 0.1
# seconds, the client hears 408.


# %% exercise="read-in-time"
async def receive(request):
    ...  # TODO: read the body, but not for ever
    # solution
    try:
        async with asyncio.timeout(0.1):
            body = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout() from None
    return web.Response(text=str(len(body)))
    # end


# %%
await attempt("read-in-time", receive)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>async with asyncio.timeout(0.1):</code> raises <code>TimeoutError</code> at its end, so catch it
# around the block.
# </details>
#
# ### ★★ try-again (13 minutes)
#
# Order with `POST` at `url`, and return the status of the answer. Where no answer comes, or a 503 (Service
# Unavailable), try again, four times in all at most. If the fourth fails as well, let its error be raised, or
# return its 503. Each order has an `Idempotency-Key` of its own. Between two tries, `await wait(seconds)`,
# each time longer, for a server in trouble needs fewer requests. Any other status is returned at once.


# %% exercise="try-again"
async def order(client, url, wait):
    ...  # TODO: one key, at most four tries, a longer wait each time
    # solution
    key = str(uuid4())
    for turn in range(4):
        try:
            async with client.post(url, headers={"Idempotency-Key": key}) as answer:
                if answer.status != 503 or turn == 3:
                    return answer.status
        except ClientConnectionError:
            if turn == 3:
                raise
        await wait(0.1 * 2**turn)
    # end


# %%
await attempt("try-again", order)

# %% [markdown]
# <details><summary>Hint</summary>
# A <code>for</code> loop counts by itself. Make the key before it, with <code>str(uuid4())</code>. A 422 will
# be a 422 again: do not repeat it.
# </details>
#
# ### ★★★ once-per-key (15 minutes)
#
# Be the shop. `await charge()` charges, and returns a receipt, a text. `known` is a dict that you keep. The
# same key is charged once and always gets the same receipt, also when the second request comes while the
# first is being charged. Two keys do not wait for each other. Without a key, answer 400. If `charge()` raises
# `ClientConnectionError`, answer 502, and charge anew when the key comes again.


# %% exercise="once-per-key"
async def once(request, charge, known):
    ...  # TODO: charge once for each Idempotency-Key
    # solution
    key = request.headers.get("Idempotency-Key")
    if key is None:
        raise web.HTTPBadRequest()
    if key not in known:
        known[key] = asyncio.ensure_future(charge())
    try:
        return web.Response(text=await asyncio.shield(known[key]))
    except ClientConnectionError:
        known.pop(key, None)
        raise web.HTTPBadGateway() from None
    # end


# %%
await attempt("once-per-key", once)

# %% [markdown]
# <details><summary>Hint</summary>
# Between <code>if key not in known</code> and the line that fills it there may be no <code>await</code>. A
# task can be put there at once, and awaited by many.
# </details>
#
# ## In practice
#
# * **Around every body that you read, put a timeout.** `client_max_size` limits its bytes and not its time.
#   Where nginx or another proxy stands in front and buffers requests, it does this for you.
# * **keepalive_timeout**: longer than that of whatever calls you, so that the caller closes first. A server
#   that closes first makes the race of lesson 06. A proxy often keeps an idle connection for a minute or
#   more. With an `AppRunner` of your own, set it: since 3.14.4 it also frees you of those who never finish a
#   head.
# * **Repeat** what is idempotent, or what has a key; a few times, never without end; with growing waits, to
#   which you add a bit of chance, or all clients of one failure come back at the same time. Obey
#   `Retry-After`. Do not repeat a 4xx, except 408, 425 and 429.
# * Repeat on one floor only. Three layers that each try four times make 64 requests of one.
# * In aiohttp, a [client middleware](https://docs.aiohttp.org/en/stable/client_middleware_cookbook.html) is
#   the place for it: every request of the session passes through.
# * aiohttp's own second try (lesson 06) can be a surprise in a log; `TestClient` has it off.
# * A shop in earnest keeps its keys in its database, in the same transaction as the order, for a day or so,
#   and compares the body: another body under an old key is a mistake, 422.
#
# Next: [12 · What differs between read() and a stream?](12_read_or_stream.ipynb)
#
# ## Where this comes from
#
# * RFC 9110, [section 9.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2) on idempotent methods,
#   [10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3) on `Retry-After` and
#   [15.5.9](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9) on 408; RFC 9112, [section
#   9.3.1](https://www.rfc-editor.org/rfc/rfc9112#section-9.3.1) on repeating requests.
# * The [Idempotency-Key](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/) field:
#   an Internet-Draft, and the habit of many payment services.
# * aiohttp 3.14: [web reference](https://docs.aiohttp.org/en/stable/web_reference.html) on `run_app`.
# * aiohttp issues [850](https://github.com/aio-libs/aiohttp/issues/850),
#   [7297](https://github.com/aio-libs/aiohttp/issues/7297) and
#   [9138](https://github.com/aio-libs/aiohttp/issues/9138) on lost connections and second tries; pull request
#   [13681](https://github.com/aio-libs/aiohttp/pull/13681) on closing connections that bring no request.

# %%
await guard.clean()
