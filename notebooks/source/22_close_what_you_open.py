# %% [markdown]
# # 22 · What stays open when you are done?
#
# **You will** open twenty sessions in five ways and count what is left of each, see in which order things
# end, and take a server down while somebody still listens.
#
# **You need** lessons 00, 01 and 06.
#
# **Minutes:** 31 to read and run (11 to the place to stop), 24 for the exercises.

# %%
import asyncio
import gc
import socket
from functools import partial

from aiohttp import ClientConnectorError, ClientPayloadError, ClientSession, web

from labs import Gate, Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.guard import server_log

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# A post says that resources need care in an aiohttp application, too, and that `try`-`finally` or `async
# with` prevents leaks. Its program has both: an `async with`, and inside it a `finally` with
# `session.close()`, whose comment says that this gives the resources back. The sides differ in one thing:
# **how the session ends.** The fourth is the post's `finally` alone, the last its program.


# %%
async def fetch(session):
    async with session.get("http://shop.test/") as response:
        return await response.text()


async def never(make):
    await fetch(make())


async def in_a_block(make):
    async with make() as session:
        await fetch(session)


async def awaited(make):
    session = make()
    try:
        await fetch(session)
    finally:
        await session.close()


# %%
async def called(make):
    session = make()
    try:
        await fetch(session)
    finally:
        session.close()


async def as_posted(make):
    async with make() as session:
        try:
            await fetch(session)
        finally:
            session.close()


# %% [markdown]
# ## Predict
#
# Each is done twenty times. How many sockets of this kernel are open afterwards that were not before? (Client
# and server are both in here, so each connection has two.)

# %%
prediction = {
    # one of: 0, 20, 40
    "sockets more": {
        "never": ...,
        "async with": ...,
        "close(), awaited": ...,
        "close(), not awaited": ...,
        "as posted": ...,
    },
}

# %% [markdown]
# ## The experiment
#
# A socket is open while it has a number, its *file descriptor*. Those are few: when a program has none left,
# it can open neither a connection nor a file.


# %%
def sockets():
    return sum(isinstance(it, socket.socket) and it.fileno() >= 0 for it in gc.get_objects())


async def hello(request):
    return web.Response(text="hello\n")


# %%
async def twenty(use):
    made = []
    async with Town(keep=0) as town:
        await town.open("shop.test", hello)

        def make():
            made.append(ClientSession(connector=town.connector("client")))
            return made[-1]

        with server_log() as log:
            before = sockets()
            for _ in range(20):
                await use(make)
            for _ in range(5):  # turns of the loop, in which the server notices who has gone
                await asyncio.sleep(0)
            told = {"more": sockets() - before, "open": sum(not it.closed for it in made)}
        for session in made:
            await session.close()  # now those that were left
    return noted(**told, warned=log.warned)


# %%
found = await compare(
    {
        "never": partial(twenty, never),
        "async with": partial(twenty, in_a_block),
        "close(), awaited": partial(twenty, awaited),
        "close(), not awaited": partial(twenty, called),
        "as posted": partial(twenty, as_posted),
    },
    ask={
        "sockets more": lambda t: t.notes["more"],
        "sessions still open": lambda t: t.notes["open"],
        "Python warns of the call": lambda t: "RuntimeWarning" in t.notes["warned"],
    },
)
found

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * What nobody closes stays open, so resources need care, as the post says [C96]. `try`-`finally` with an
#   `await`, or `async with`, leaves nothing [C97].
# * The posted `session.close()` gives nothing back [C98]. It makes a coroutine, which nobody awaits. Python
#   warns, once, on a console.
# * The post's program leaks nothing all the same: the `async with` around it closes the session [L22a]. Take
#   that away, and the line with the comment is a leak.

# %%
MORE = "sockets more"
check(
    found,
    {
        "C96": {MORE: {"never": 40}},
        "C97": {MORE: {"async with": 0, "close(), awaited": 0}},
        "C98": {MORE: {"close(), not awaited": 0}},
        "L22a": {MORE: {"as posted": 0}},
    },
)

# %% [markdown]
# **A place to stop.** You know what closes a session. What follows: the order in which things end, what a
# blocking call does to the others, and how a server goes down while somebody still listens.
#
# ## In which order?
#
# Three pages are asked for at once, and come in the reverse order: a gate each. The sides differ in **how the
# tasks are waited for.** Then once more, and the second site is not there.


# %%
async def ask(session, site, n, ended, came):
    async with session.get(f"http://{site}/{n}") as response:
        ended.append(await response.text())
    came.put_nowait(n)
    return str(n)


async def open_each(gates, came, numbers):
    for n in numbers:
        await gates[n].reached()
    for n in numbers:
        gates[n].open()
        await came.get()


# %%
async def in_reverse(collect, gone=None):
    gates, ended, came = [Gate(), Gate(), Gate()], [], asyncio.Queue()

    async def page(request):
        await gates[int(request.path[1:])]
        return web.Response(text=request.path[1:])

    async with Town() as town:
        await town.open("a.test", page)
        await town.open("gone.test", page)
        await town.close("gone.test")
        async with ClientSession(connector=town.connector("client")) as session:
            sites = ["gone.test" if n == gone else "a.test" for n in range(3)]
            tasks = [asyncio.create_task(ask(session, it, n, ended, came)) for n, it in enumerate(sites)]
            numbers = [n for n in (2, 1, 0) if n != gone]
            opener = asyncio.create_task(open_each(gates, came, numbers))
            got = await collect(tasks)
            await asyncio.wait([opener, *tasks])
    return noted(town.trace, ended=ended, got=got)


# %%
async def gathered(tasks):
    try:
        return await asyncio.gather(*tasks)
    except ClientConnectorError:
        return "nothing"


async def one_by_one(tasks):
    got = []
    for task in asyncio.as_completed(tasks):
        try:
            got.append(await task)
        except ClientConnectorError:
            got.append("an error")
    return got


# %%
order = await compare(
    {
        "gather": partial(in_reverse, gathered),
        "as_completed": partial(in_reverse, one_by_one),
        "gather, one gone": partial(in_reverse, gathered, gone=1),
        "as_completed, one gone": partial(in_reverse, one_by_one, gone=1),
    },
    ask={
        "requests ended in this order": lambda t: t.notes["ended"],
        "the program gets": lambda t: t.notes["got"],
    },
)
order

# %% [markdown]
# Order and exceptions need care: the post is right [C88]. `gather` gives the answers in the order of the
# questions, whatever came first. And one site that is not there costs it all the others, though they were
# asked and have answered.

# %%
ENDED, GETS = order.asked
check(
    order,
    {
        "C88": {
            ENDED: {"gather": ["2", "1", "0"]},
            GETS: {"gather": ["0", "1", "2"], "gather, one gone": "nothing"},
        },
    },
)

# %% [markdown]
# ## Who waits for a file?
#
# The post says that files, database connections, memory and so on must be managed asynchronously. Python has
# no asynchronous files. Here a handler waits for something slow, which knows nothing of asyncio, and another
# visitor wants a page. The sides differ in **how the slow call is made.**


# %%
async def plainly(slow):
    slow()


async def wrapped(slow):
    async def read():
        slow()

    await read()


async def in_a_thread(slow):
    await asyncio.to_thread(slow)


# %%
async def meanwhile(way):
    order, gate, begun = [], Gate("the disk"), asyncio.Event()

    async def report(request):
        begun.set()
        await way(gate.wait)
        order.append("the report")
        return web.Response()

    async def page(request):
        order.append("the other page")
        gate.open()
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/report", report), web.get("/page", page)])
    return await visited(app, begun, order)


# %%
async def visited(app, begun, order):
    async with Town() as town:
        await town.open("shop.test", app)
        async with ClientSession("http://shop.test", connector=town.connector("client")) as client:
            first = asyncio.create_task(client.get("/report"))
            await begun.wait()
            (await client.get("/page")).release()
            (await first).release()
    return noted(town.trace, order=order)


# %%
prediction_waits = {
    # one of: "the report", "the other page"
    "what is done first": {"a plain call": ..., "inside async def": ..., "in a thread": ...},
}

# %%
waits = await compare(
    {
        "a plain call": partial(meanwhile, plainly),
        "inside async def": partial(meanwhile, wrapped),
        "in a thread": partial(meanwhile, in_a_thread),
    },
    ask={"what is done first": lambda t: t.notes["order"][0]},
)
waits

# %%
score(prediction_waits, waits)

# %% [markdown]
# It must not hold the loop, and a thread sees to that [C96a]. That an `async def` around it would do is a
# trap: the call inside keeps the loop as before [L22b]. (At the gate on the loop's own thread a plain call is
# let through at once, or you would sit here for ever.) Of memory there is nothing to await.

# %%
FIRST = "what is done first"
check(
    waits,
    {
        "C96a": {FIRST: {"a plain call": "the report", "in a thread": "the other page"}},
        "L22b": {FIRST: {"inside async def": "the other page"}},
    },
)

# %% [markdown]
# ## How does a server go down?
#
# A stream of events is open when the server ends. An application has a context, `cleanup_ctx`, and three
# signals around its life. The sides differ in **whether the stream is told**: its handler waits for an event
# which `on_shutdown` sets, or for one that never comes.

# %%
ENDING = web.AppKey("ENDING", asyncio.Event)


def streaming(log):
    async def events(request):
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"data: hello\n\n")
        log.append("the stream begins")
        try:
            await request.app[ENDING].wait()
            await answer.write(b"data: bye\n\n")
            log.append("the stream ends")
        except asyncio.CancelledError:
            log.append("the stream is cancelled")
            raise
        return answer

    return events


# %%
def application(told, log):
    async def life(app):
        app[ENDING] = asyncio.Event()
        log.append("cleanup_ctx begins")
        yield
        log.append("cleanup_ctx ends")

    async def shut_down(app):
        log.append("on_shutdown")
        app[ENDING].set() if told else None

    app = web.Application()
    app.cleanup_ctx.append(life)
    app.on_startup.append(partial(note, log, "on_startup"))
    app.on_shutdown.append(shut_down)
    app.on_cleanup.append(partial(note, log, "on_cleanup"))
    app.router.add_get("/", streaming(log))
    return app


# %%
async def note(log, word, app):
    log.append(word)


async def go_down(told):
    log, heard = [], "all of it"
    async with Town() as town:
        await town.open("shop.test", application(told, log), shutdown_timeout=0.1)
        async with ClientSession(connector=town.connector("client")) as client:
            async with client.get("http://shop.test/") as answer:
                await answer.content.readuntil(b"\n\n")
                closing = asyncio.create_task(town.close("shop.test"))
                try:
                    await answer.read()
                except ClientPayloadError as error:
                    heard = type(error).__name__
            await closing
    return noted(town.trace, log=log, heard=heard)


# %%
prediction_down = {
    # one of: "all of it", "ClientPayloadError"
    "the listener gets": {"told": ..., "not told": ...},
}

# %%
down = await compare(
    {"told": partial(go_down, True), "not told": partial(go_down, False)},
    ask={"the listener gets": lambda t: t.notes["heard"], "in this order": lambda t: t.notes["log"]},
)
down

# %%
draw.lifelines(
    {it: down[it] for it in down.sides},
    finding="A stream that is told ends in good order; one that is not is cut off",
)

# %%
score(prediction_down, down)

# %% [markdown]
# * `on_shutdown` comes while answers are still on their way: it is where a stream is told [L22c]. Told, it
#   ends in good order; not told, it is cancelled when `shutdown_timeout` is over, sixty seconds as aiohttp
#   comes [L22d].
# * What the context opened is closed after that. Handlers can use it until they are done.

# %%
BEGUN = ["cleanup_ctx begins", "on_startup", "the stream begins", "on_shutdown"]
check(
    down,
    {
        "L22c": {"in this order": {"told": [*BEGUN, "the stream ends", "cleanup_ctx ends", "on_cleanup"]}},
        "L22d": {"the listener gets": {"told": "all of it", "not told": "ClientPayloadError"}},
    },
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/22_close_what_you_open.ipynb) are in a notebook of
# their own.
#
# ### ★ use-and-close (5 minutes)
#
# `make()` gives a new session. Return the text of the page at `url`, and leave nothing open, whatever happens
# on the way.


# %% exercise="use-and-close"
async def page_of(make, url):
    ...  # TODO: return the text, and leave nothing open
    # solution
    async with make() as session, session.get(url) as response:
        return await response.text()
    # end


# %%
await attempt("use-and-close", page_of)

# %% [markdown]
# <details><summary>Hint</summary>
# Two things must be left in order: the session, and the answer.
# </details>
#
# ### ★★ open-with-the-app (8 minutes)
#
# Write the context of an application: before it serves, `app[CLIENT]` is a new session from `make()`; when
# all is over, the session is closed.

# %%
CLIENT = web.AppKey("CLIENT", ClientSession)


# %% exercise="open-with-the-app"
async def client_of(app, make):
    ...  # TODO: what comes before serving, a `yield`, and what comes after it
    # solution
    app[CLIENT] = make()
    yield
    await app[CLIENT].close()
    # end


# %%
await attempt("open-with-the-app", client_of)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>life</code> above is such a context. What stands before the <code>yield</code> runs first.
# </details>
#
# ### ★★★ say-goodbye (11 minutes)
#
# Each listener of an application has a queue, and `queues` is the set of them. Its handler sends what comes
# out of the queue, and ends in good order when `None` comes; then it takes its queue out of the set. Write
# what `on_shutdown` is to do with them, so that every listener hears `bye`, and then the end.


# %% exercise="say-goodbye"
async def goodbye(queues):
    ...  # TODO: tell every listener
    # solution
    for queue in list(queues):
        queue.put_nowait("bye")
        queue.put_nowait(None)
    # end


# %%
await attempt("say-goodbye", goodbye)

# %% [markdown]
# <details><summary>Hint</summary>
# A queue can take two things, one after the other.
# </details>
#
# ## In practice
#
# * `async with` for whatever is opened and closed in one place; `cleanup_ctx` for what lives as long as the
#   application.
# * Write `await` before `session.close()`, and run with `-X dev` or `-W error` in tests: Python tells you of
#   a coroutine that nobody awaited.
# * Whoever holds answers open for long must be told in `on_shutdown`, and `shutdown_timeout` is for those who
#   are not.
# * A blocking call belongs in a thread. An `async def` around it changes nothing.
#
# Next: [23 · Which line is slow?](23_find_the_slow_line.ipynb)
#
# ## Where this comes from
#
# * aiohttp 3.14: [graceful shutdown](https://docs.aiohttp.org/en/stable/web_advanced.html#graceful-shutdown),
#   [cleanup context](https://docs.aiohttp.org/en/stable/web_advanced.html#cleanup-context).
# * Python: [`asyncio.gather`](https://docs.python.org/3/library/asyncio-task.html#asyncio.gather),
#   [`asyncio.to_thread`](https://docs.python.org/3/library/asyncio-task.html#running-in-threads).
# * The fourth of the four posts this course began from, post 003, on stability and resources.

# %%
await guard.clean()
