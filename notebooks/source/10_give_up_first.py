# %% [markdown]
# # 10 · What goes on when the client leaves?
#
# **You will** send requests and leave before the answer, and read from the recording what the server still
# does: for you, at the origin behind it, and while it shuts down.
#
# **You need** lessons 00, 01 and 05.
#
# **Minutes:** 29 to read and run (12 to the place to stop), 31 for the exercises.

# %%
import asyncio
from contextlib import asynccontextmanager, suppress
from functools import partial

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from labs import Gate, Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.guard import forgiving
from labs.instruments import disconnected

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# Clients leave. A timeout fires, a browser tab is closed, a program ends. The connection is closed, and
# somewhere a handler is in the middle of its work.
#
# Here the handler belongs to a shop, and its *job* has two steps: charge at the bank, ship from the depot.
# Between them it waits for something slow. `pauses` holds one gate for each client, and the experiment opens
# it. `came` and `over` tell the experiment that a request stands at its gate, and that a job is over. `way`
# is how the handler does its job; for now it awaits it, as one does. `life` opens a session with the
# application, as `app[INNER]`, and closes it when the application ends.
#
# The sides differ in **what serves this application**: an `AppRunner`, which is what `web.run_app` makes, the
# same with `handler_cancellation=True`, or `TestServer`, aiohttp's harness for tests. The harness opens a
# server outside the town, so what is said to it is not in the recording; what the bank and the depot hear is
# recorded.

# %%
INNER = web.AppKey("INNER", ClientSession)


async def done(request):
    await request.read()
    return web.Response(text="done\n")


async def ask(session, method, url):
    async with session.request(method, url) as answer:
        await answer.read()


async def life(connect, app):
    async with ClientSession(connector=connect()) as app[INNER]:
        yield


async def awaited(request, job):
    await job


# %%
def shop(way, connect, pauses, came, over):
    async def job(request, who):
        try:
            await ask(request.app[INNER], "POST", f"http://bank.test/charge/{who}")
            came.put_nowait(request)
            await pauses[who]
            await ask(request.app[INNER], "POST", f"http://depot.test/ship/{who}")
        finally:
            over.put_nowait(who)  # done, failed or cancelled

    async def order(request):
        await way(request, job(request, request.match_info["who"]))
        return web.Response(text="thank you\n")

    app = web.Application()
    app.cleanup_ctx.append(partial(life, connect))
    app.router.add_post("/order/{who}", order)
    return app


# %%
@asynccontextmanager
async def running(town, app, **settings):
    await town.open("shop.test", app, **settings)
    async with ClientSession("http://shop.test", connector=town.connector("client")) as client:
        yield client


@asynccontextmanager
async def testing(town, app):
    async with TestClient(TestServer(app)) as client:
        yield client


# %% [markdown]
# ## Predict
#
# Alice orders, and leaves when she has been charged. As soon as the server knows it, the gate between the two
# steps opens. Is her parcel shipped?

# %%
prediction = {
    # one of: "yes", "no"
    "is alice charged": {"AppRunner": ..., "with cancellation": ..., "TestServer": ...},
    # one of: "yes", "no"
    "is her parcel shipped": {"AppRunner": ..., "with cancellation": ..., "TestServer": ...},
}

# %% [markdown]
# ## The experiment
#
# In aiohttp, a client leaves when the task that asks is cancelled. A timeout does that, too. The lab's
# `disconnected` waits until the server has noticed.


# %%
async def give_up(asking, request):
    asking.cancel()
    await asyncio.wait([asking])
    await disconnected(request)


async def leave(serving):
    came, over, pause = asyncio.Queue(), asyncio.Queue(), Gate("the pause")
    async with Town() as town:
        await town.open("bank.test", done)
        await town.open("depot.test", done)
        app = shop(awaited, partial(town.connector, "shop.test"), {"alice": pause}, came, over)
        async with serving(town, app) as client:
            asking = asyncio.create_task(ask(client, "POST", "/order/alice"))
            await give_up(asking, await came.get())
            pause.open()
            await over.get()
    return town.trace


# %%
def heard(target, trace):
    return target in [it.target for it in trace.requests()]


found = await compare(
    {
        "AppRunner": partial(leave, running),
        "with cancellation": partial(leave, partial(running, handler_cancellation=True)),
        "TestServer": partial(leave, testing),
    },
    ask={
        "is alice charged": partial(heard, "/charge/alice"),
        "is her parcel shipped": partial(heard, "/ship/alice"),
    },
)
found

# %%
draw.lifelines(
    {name: found[name] for name in ("AppRunner", "with cancellation")},
    finding="The client leaves: by default the handler goes on; with cancellation it stops where it stands",
)

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * By default the handler goes on when its client has left, to the end [L10a]. Up to aiohttp 3.8.1 it was
#   cancelled (issues 2098 and 6719), and many a text still says so.
# * `handler_cancellation=True` cancels it at the `await` where it stands [L10b]. Here that is between two
#   steps that belong together: alice has paid, and gets nothing.
# * The harness for tests switches cancellation on [L10c]. A test of this shop would see what production does
#   not do, or miss what it does. `TestServer(app, handler_cancellation=False)` is accepted, and ignored.

# %%
check(
    found,
    {
        "L10a": {"is her parcel shipped": {"AppRunner": False}},
        "L10b": {
            "is alice charged": {"AppRunner": True, "with cancellation": True},
            "is her parcel shipped": {"AppRunner": True, "with cancellation": False},
        },
        "L10c": {"is her parcel shipped": {"AppRunner": True, "TestServer": True}},
    },
)

# %% [markdown]
# **A place to stop.** You know what goes on when a client leaves. What follows: the origin behind a proxy,
# and what must be finished all the same.

# %% [markdown]
# ## And the origin behind a proxy?
#
# Now the handler is a proxy, and fetches a file of 16 MiB. The client leaves when the first piece is on its
# way, and the origin is silent until a gate opens. Does it then send the rest to nobody? The sides differ in
# **how the proxy fetches**, whole or piece by piece, and in whether its handler is cancelled. With
# `keep=PIECE` the town keeps 64 KiB of each direction, and counts the rest.

# %%
SIZE, PIECE = 16 << 20, 64 << 10


def origin(more, over):
    async def file(request):
        out = web.StreamResponse(headers={"Content-Length": str(SIZE)})
        with suppress(ConnectionError):  # the proxy may leave, too
            await out.prepare(request)
            for number in range(SIZE // PIECE):
                await out.write(bytes(PIECE))
                if number == 0:
                    await more
        over.set()
        return out

    return file


# %%
async def fetches_all(request, inner):
    async with inner.get("http://origin.test/file") as answer:
        return web.Response(body=await answer.read())


async def streams(request, inner):
    async with inner.get("http://origin.test/file") as answer:
        out = web.StreamResponse(headers={"Content-Length": answer.headers["Content-Length"]})
        with suppress(ConnectionError):  # the client may leave; else this is logged as an error
            await out.prepare(request)
            async for piece in answer.content.iter_any():
                await out.write(piece)
        return out


# %%
def front(proxy, connect, came, over):
    async def handler(request):
        came.put_nowait(request)
        try:
            async with ClientSession(connector=connect()) as inner:
                return await proxy(request, inner)
        finally:
            over.set()

    return handler


# %%
async def download(proxy, cancelling):
    came, over, more, sent = asyncio.Queue(), asyncio.Event(), Gate("the rest"), asyncio.Event()
    async with Town(keep=PIECE) as town:
        await town.open("origin.test", origin(more, sent))
        handler = front(proxy, partial(town.connector, "front.test"), came, over)
        await town.open("front.test", handler, handler_cancellation=cancelling)
        async with ClientSession(connector=town.connector("client")) as client:
            asking = asyncio.create_task(ask(client, "GET", "http://front.test/file"))
            await more.reached()
            await give_up(asking, await came.get())
            for _ in range(50):
                await asyncio.sleep(0)  # turns of the loop, no time
            early = over.is_set()
            more.open()
            await sent.wait()
    return noted(town.trace, early=early)


# %%
prediction_fetched = {
    # one of: "yes", "no"
    "does the origin send it all": {
        "fetches all": ...,
        "streams": ...,
        "fetches all, cancelled": ...,
        "streams, cancelled": ...,
    },
}


# %%
def between(trace, a, b):
    return trace.events(who=a, whom=b) + trace.events(who=b, whom=a)


fetched = await compare(
    {
        "fetches all": partial(download, fetches_all, False),
        "streams": partial(download, streams, False),
        "fetches all, cancelled": partial(download, fetches_all, True),
        "streams, cancelled": partial(download, streams, True),
    },
    ask={
        "does the origin send it all": lambda t: t.answers(who="origin.test")[0].complete,
        "does the proxy break off": lambda t: bool(between(t, "front.test", "origin.test")),
        "already while the origin is silent": lambda t: t.notes["early"],
    },
)
fetched

# %%
score(prediction_fetched, fetched)

# %% [markdown]
# * The proxy that fetches all before it answers has 16 MiB brought to it for nobody [L10d].
# * The one that streams fails at its next write. It leaves the `async with`, whose end closes the connection
#   to the origin, and the origin stops. But it has to write: while the origin was silent, it knew nothing
#   [L10e].
# * With cancellation both break off, and need not write for it [L10f].

# %%
check(
    fetched,
    {
        "L10d": {"does the origin send it all": {"fetches all": True, "streams": False}},
        "L10e": {
            "does the proxy break off": {"fetches all": False, "streams": True},
            "already while the origin is silent": {"streams": False},
        },
        "L10f": {
            "does the origin send it all": dict.fromkeys(fetched.sides[2:], False),
            "already while the origin is silent": {"streams": False} | dict.fromkeys(fetched.sides[2:], True),
        },
    },
)

# %% [markdown]
# ## What must be finished
#
# Cancellation saves work that nobody wants any more. But who has paid should get the parcel. Two ways out of
# it: `asyncio.shield`, which keeps a cancellation from what it holds, and a task of your own in a set that
# belongs to the application. What stands in the set when the application ends is waited for, before the
# session is closed: contexts end in the reverse of their order, and `keeping` is appended after `life`, so it
# ends first.

# %%
KEPT = web.AppKey("KEPT", set)


async def keeping(app):
    app[KEPT] = set()
    yield
    if app[KEPT]:
        await asyncio.wait(app[KEPT], timeout=10)


async def shielded(request, job):
    await asyncio.shield(job)


async def kept(request, job):
    task = asyncio.create_task(job)
    request.app[KEPT].add(task)
    task.add_done_callback(request.app[KEPT].discard)
    await asyncio.shield(task)


# %% [markdown]
# Two clients leave between the two steps. After alice nothing else happens. After bob, the shop is shut down,
# and his gate opens only when the shutdown has begun. The sides differ in **the way the job is done**; the
# first is the default, and the others run with cancellation. Inside `forgiving`, the guard overlooks
# what fails.


# %%
def opens(gate):
    async def begins(app):
        gate.open()

    return begins


async def visit(town, who, came):
    async with ClientSession(connector=town.connector(who)) as client:
        asking = asyncio.create_task(ask(client, "POST", f"http://shop.test/order/{who}"))
        await give_up(asking, await came.get())


# %%
async def shut_down(way, cancelling):
    came, over, pauses = asyncio.Queue(), asyncio.Queue(), {"alice": Gate("alice"), "bob": Gate("bob")}
    async with Town() as town:
        await town.open("bank.test", done)
        await town.open("depot.test", done)
        app = shop(way, partial(town.connector, "shop.test"), pauses, came, over)
        app.cleanup_ctx.append(keeping)
        app.on_shutdown.append(opens(pauses["bob"]))
        await town.open("shop.test", app, handler_cancellation=cancelling, shutdown_timeout=5)
        for who in pauses:
            await visit(town, who, came)
            if who == "alice":
                pauses[who].open()
                await over.get()
        await town.close("shop.test")
        await over.get()
    return town.trace


# %%
ways = {
    "default": partial(shut_down, awaited, False),
    "cancelled": partial(shut_down, awaited, True),
    "shield": partial(shut_down, shielded, True),
    "own set": partial(shut_down, kept, True),
}
questions = {
    "clients charged": lambda t: len(t.requests(whom="bank.test")),
    "shipped when the client left": partial(heard, "/ship/alice"),
    "shipped when the shop shut down, too": partial(heard, "/ship/bob"),
}
with forgiving():  # a job that loses its session fails, and nobody takes its exception
    ended = await compare(ways, ask=questions)
ended

# %%
ended["shield"].lanes()

# %% [markdown]
# * Cancelled, both have paid and get nothing. With `shield` the job of alice was finished: the handler
#   was cancelled, and the job was not [L10g].
# * Nobody waited for bob's job. The shop closed its session, and the job's next request never left [L10h].
#   That is what the documentation warns of.
# * The set was waited for [L10i]. So was the handler that nothing cancels: a shutdown waits for handlers that
#   still run, though their client has left, up to `shutdown_timeout` [L10j]. That is 60 s, unless you say
#   otherwise.

# %%
ALICE, BOB = "shipped when the client left", "shipped when the shop shut down, too"
check(
    ended,
    {
        "L10g": {ALICE: {"cancelled": False, "shield": True}},
        "L10h": {ALICE: {"shield": True}, BOB: {"shield": True}},
        "L10i": {ALICE: {"own set": True}, BOB: {"cancelled": False, "own set": True}},
        "L10j": {BOB: {"default": True, "cancelled": False}},
    },
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/10_give_up_first.ipynb) are in a notebook of their
# own.
#
# ### ★ stop-the-origin (8 minutes)
#
# Be the proxy for `http://origin.test/file`. `inner` is an open session. A client that stays gets all of it,
# with the `Content-Length` and the `Content-Type` of the origin. When the client leaves, the origin must not
# send the rest, and nothing may be logged as an error. When the origin breaks off, the client must not
# wait for the rest: let your handler fail. This server does not cancel.


# %% exercise="stop-the-origin"
async def relay(request, inner):
    ...  # TODO: pass the file on, and stop when nobody takes it
    # solution
    async with inner.get("http://origin.test/file") as answer:
        names = ("Content-Length", "Content-Type")
        out = web.StreamResponse(headers={name: answer.headers[name] for name in names})
        with suppress(ConnectionError):
            await out.prepare(request)
            async for piece in answer.content.iter_any():
                await out.write(piece)
        return out
    # end


# %%
await attempt("stop-the-origin", relay)

# %% [markdown]
# <details><summary>Hint</summary>
# Who reads the whole answer first has nothing to write meanwhile, and hears nothing. Where a write fails, the
# loop should end, and with it the <code>async with</code>.
# </details>
#
# ### ★★ see-it-through (10 minutes)
#
# This server cancels. `job()` must be finished though the client leaves. While it runs, its task stands in
# the set `kept`, beside others, for the shutdown to find, and no longer. A client that stays gets 200, but
# not before the job is done.


# %% exercise="see-it-through"
async def promise(request, job, kept):
    ...  # TODO: start job(), keep its task, and wait for it
    # solution
    task = asyncio.create_task(job())
    kept.add(task)
    task.add_done_callback(kept.discard)
    await asyncio.shield(task)
    return web.Response(text="thank you\n")
    # end


# %%
await attempt("see-it-through", promise)

# %% [markdown]
# <details><summary>Hint</summary>
# To await a task directly hands your cancellation on to it. <code>asyncio.shield(task)</code> does not.
# </details>
#
# ### ★★★ first-wins (13 minutes)
#
# Now you are the client who gives up first. Ask `http://a.test/page` and `http://b.test/page` at the same
# time with `inner`, and answer with the text of whichever comes first. Leave the other. If your own client
# leaves, leave both. This server cancels.


# %% exercise="first-wins"
async def race(request, inner):
    ...  # TODO: ask both, take the first, leave the other

    # solution
    async def page(name):
        async with inner.get(f"http://{name}/page") as answer:
            return await answer.text()

    tasks = [asyncio.create_task(page(name)) for name in ("a.test", "b.test")]
    try:
        first, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return web.Response(text=first.pop().result())
    finally:
        for task in tasks:
            task.cancel()
    # end


# %%
await attempt("first-wins", race)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>asyncio.wait</code> leaves its tasks running, also when it is cancelled itself. What must happen on
# every way out belongs in <code>finally</code>.
# </details>
#
# ## In practice
#
# * **Choose, and know what you chose.** The documentation recommends `handler_cancellation=True` to whoever
#   knows asyncio well, or must carry a heavy load: work for nobody stops. But every `await` in a handler may
#   then be its last. Look first at each that stands between two steps that belong together.
# * Without it, ask yourself what your slowest handler does for somebody who left long ago.
# * A client that was told nothing does not know what was done. It will ask again. Whether that is safe is the
#   question of lesson 11.
# * A failed write is no error of yours. Uncaught, it stands in the log as *Error handling request* with its
#   traceback (issue 3178). Catch `ConnectionError`, nothing wider: what the origin does wrong while you read
#   raises other classes.
# * Clients here close their connection. One that vanishes, such as a telephone in a tunnel, says nothing, and
#   no setting can tell at once. For streams of events, send a comment now and then; a WebSocket has
#   `heartbeat=`.
# * The package `aiojobs` has a `shield` that keeps its tasks in a set and waits for them at the end. The
#   documentation recommends it. The set above, with its timeout of ten seconds, is the idea of it in a few
#   lines.
# * `request.wait_for_disconnection()` came and went: it was taken out in 3.10.2 (pull request 8636).
#
# Next: [11 · How long does a server wait?](11_wait_on_the_server.ipynb)
#
# ## Where this comes from
#
# * aiohttp 3.14: [peer disconnection](https://docs.aiohttp.org/en/stable/web_advanced.html#peer-disconnection),
#   [graceful shutdown](https://docs.aiohttp.org/en/stable/web_advanced.html#graceful-shutdown).
# * aiohttp issues [2098](https://github.com/aio-libs/aiohttp/issues/2098) and
#   [6719](https://github.com/aio-libs/aiohttp/issues/6719) on cancelling, and
#   [3178](https://github.com/aio-libs/aiohttp/issues/3178) on failed writes; pull requests
#   [7056](https://github.com/aio-libs/aiohttp/pull/7056) on cancelling,
#   [8495](https://github.com/aio-libs/aiohttp/pull/8495) on shutdown and
#   [8636](https://github.com/aio-libs/aiohttp/pull/8636) on waiting for a client to leave.
# * Python: [asyncio.shield](https://docs.python.org/3/library/asyncio-task.html#shielding-from-cancellation).

# %%
await guard.clean()
