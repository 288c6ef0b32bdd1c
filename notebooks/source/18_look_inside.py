# %% [markdown]
# # 18 · What starts what inside aiohttp?
#
# **You will** take `web.run_app` apart, step by step, and see which object appears when: who listens, who
# holds a connection, who calls your handler, and what opens a client's connection.
#
# **You need** lessons 00 and 01.
#
# **Minutes:** 45 to read and run (10 to the place to stop), 28 for the exercises.

# %%
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import aclosing
from functools import partial
from itertools import accumulate
from types import SimpleNamespace

from aiohttp import ClientSession, web

from labs import Gate, Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.guard import server_log
from labs.host import installed
from labs.servers import wheels

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# A program that serves with aiohttp ends in `web.run_app(app)`. Here is what that does, spelled out, on the
# loop that runs in this notebook already. After each step it stops and lets you look.
#
# `TCPSite` is what listens: here on this computer only, at a port that is free (0). This server is outside
# the town, so the table has no recording, but what the objects say of themselves. The sides differ in **after
# which step one looks.**
#
# ## Predict
#
# When a step is done, is there a `web.Server`, and does anything listen?

# %%
STEPS = ("Application", "AppRunner", "setup()", "start()", "a request", "cleanup()")
prediction = {
    # one of: "Server", "–"
    "runner.server": {"Application": ..., "AppRunner": ..., "setup()": ..., "start()": ...},
    # one of: 0, 1
    "addresses it listens at": {"Application": ..., "AppRunner": ..., "setup()": ..., "start()": ...},
}


# %%
async def greet(request):
    return web.Response(text="Hello, World!")


def routes(handler):
    app = web.Application()
    app.router.add_get("/", handler)
    return app


async def get(client, url):
    async with client.get(url) as answer:
        return answer.status, await answer.text()


async def note(stage, word, app):
    setattr(stage, word, True)


# %%
async def life(stage, client):
    stage.app = routes(greet)
    stage.app.on_startup.append(partial(note, stage, "started"))
    stage.app.on_cleanup.append(partial(note, stage, "cleaned"))
    yield "Application"
    stage.runner = web.AppRunner(stage.app, access_log=None)
    try:
        yield "AppRunner"
        await stage.runner.setup()
        yield "setup()"
        site = web.TCPSite(stage.runner, "127.0.0.1", 0)
        await site.start()
        yield "start()"
        host, port = stage.runner.addresses[0]
        await get(client, f"http://{host}:{port}/")
        yield "a request"
    finally:
        await stage.runner.cleanup()
    yield "cleanup()"


# %%
async def up_to(last):
    stage, seen = SimpleNamespace(runner=None, started=False, cleaned=False), {}
    async with ClientSession() as client, aclosing(life(stage, client)) as steps:
        async for step in steps:  # on to the end, whatever it looked at
            if step == last:
                seen = look(stage, stage.runner)
    return noted(notes=seen)


def look(stage, runner):
    server = runner.server if runner else None
    return {
        "on_startup has run": stage.started,
        "a route can be added": not stage.app.router.frozen,
        "runner.server": type(server).__name__ if server else None,
        "addresses it listens at": len(runner.addresses) if runner else 0,
        "connections it holds": len(server.connections) if server else 0,
        "on_cleanup has run": stage.cleaned,
    }


# %%
rows = (await up_to("Application")).notes
steps = await compare(
    {step: partial(up_to, step) for step in STEPS},
    ask={row: lambda t, row=row: t.notes[row] for row in rows},
)
steps

# %%
score(prediction, steps)

# %% [markdown]
# ## What happened
#
# * An `Application` is a table of routes and a list of functions. Neither it nor an `AppRunner` starts
#   anything [L18b].
# * `setup()` runs `on_startup`, closes the table of routes, and makes the `web.Server`. Nobody else made one
#   here [L18c]. What it has made does not listen yet [L18d].
# * `start()` of a site listens, and gives asyncio the `Server` [L18e]. For each connection asyncio calls it
#   for a protocol, which holds the connection as long as that is kept: one, after the answer.
# * `cleanup()` ends it all, in this order: sites, connections, `on_cleanup`.

# %%
SERVER, LISTENS = "runner.server", "addresses it listens at"
check(
    steps,
    {
        "L18b": {
            "on_startup has run": {"Application": False, "AppRunner": False, "setup()": True},
            "a route can be added": {"Application": True, "AppRunner": True, "setup()": False},
        },
        "L18c": {SERVER: dict.fromkeys(STEPS, None)},
        "L18d": {LISTENS: {"setup()": 1}},
        "L18e": {LISTENS: {"start()": 1}, "connections it holds": {"start()": 0, "a request": 1}},
    },
)

# %% [markdown]
# **A place to stop.** You have seen what starts what on the server. What follows: the names that a post gives
# to all this; its program, and where it listens; how aiohttp comes to you; and what one `get` starts.
#
# ## The names of a post
#
# Two posts call aiohttp an asynchronous library for both clients and servers, and a third one for web
# applications. That one explains how it works inside. It names two classes, `Client` and `Server`, and then,
# in its code, uses two others: `ClientSession` and `web.Application`.
#
# Each of the four is to play its part, alone. Five requests meet at a server that answers none before all
# five are there. What blocks has one in hand at a time, and would wait for ever. The sides differ in **which
# class plays.** A client plays against a server of ten lines of asyncio, a server against `http.client` in
# five threads. `find` looks for the class in all of aiohttp that is loaded.
#
# Predict: does aiohttp have a class of this name, and how many requests does it have in hand at once?

# %%
prediction_names = {
    # one of: "yes", "no"
    "there is such a class": {"Client": ..., "ClientSession": ..., "Server": ..., "Application": ...},
    # one of: 0, 1, 5
    "in hand at once, at most": {"Client": ..., "ClientSession": ..., "Server": ..., "Application": ...},
}


# %%
def of_asyncio(came, gate):
    class Protocol(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):  # small enough to come in one piece
            came.put_nowait(data)
            gate.on_open(self.answer)

        def answer(self):
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ndone\n")

    return Protocol


def find(name):
    modules = [it for word, it in sys.modules.items() if word.partition(".")[0] == "aiohttp"]
    found = (getattr(module, name, None) for module in modules)
    return next((it for it in found if isinstance(it, type) and it.__name__ == name), None)


# %%
async def five(request, came, gate):
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(request())
        for _ in range(5):
            await came.get()
        gate.open()


async def as_client(name):
    kind, came, gate = find(name), asyncio.Queue(), Gate("five requests")
    async with Town() as town:
        await town.open("other", of_asyncio(came, gate))
        if kind is not None:
            async with kind(connector=town.connector(name)) as client:
                await five(partial(get, client, "http://other/"), came, gate)
    return noted(town.trace, found=kind is not None)


# %%
async def as_server(name):
    kind, came, gate = find(name), asyncio.Queue(), Gate("five requests")

    async def handler(request):
        came.put_nowait(request.path)
        await gate
        return web.Response(text="done\n")

    async with Town() as town:
        it = kind(handler) if kind is web.Server else routes(handler)
        await town.open("it.test", it, known_as=name)
        await five(partial(clients.ask, "http.client", town, "http://it.test/"), came, gate)
    return noted(town.trace, found=kind is not None)


# %%
def at_once(trace):
    said = [it.message.kind for it in trace.said if it.message]
    return max(accumulate(1 if it == "request" else -1 for it in said), default=0)


names = await compare(
    {name: partial(as_client, name) for name in ("Client", "ClientSession")}
    | {name: partial(as_server, name) for name in ("Server", "Application")},
    ask={
        "there is such a class": lambda t: t.notes["found"],
        "requests sent": lambda t: len(t.requests()),
        "answers": lambda t: len(t.answers()),
        "in hand at once, at most": at_once,
    },
)
names

# %%
score(prediction_names, names)

# %% [markdown]
# * aiohttp is both halves, each stands alone, and none blocks [C110]. One makes web applications with it that
#   have five visitors in hand at once [C111]. So far the posts are right.
# * `Server` is there, as `aiohttp.web.Server`. There is no `Client` [C112]. It stands for nothing [C113],
#   makes no client [C116], cannot be the first of two steps [C117], and processes no request [C114]. Five
#   sentences of one post fall with this name. Its code makes a `ClientSession` and no `Client`: it is right.

# %%
THERE, SENT, HAND = "there is such a class", "requests sent", "in hand at once, at most"
check(
    names,
    {
        "C110": {
            SENT: {"ClientSession": 5},
            HAND: dict.fromkeys(("ClientSession", "Server", "Application"), 5),
        },
        "C111": {HAND: {"Application": 5}, "answers": {"Application": 5}},
        "C112": {THERE: {"Client": True, "Server": True}},
        "C113": {SENT: {"Client": 5}, "answers": {"Server": 5}},
        "C114": {SENT: {"Client": 5}, "answers": {"Server": 5}},
        "C116": {HAND: {"Client": 5}},
        "C117": {THERE: {"Client": True}, SENT: {"Client": 5, "ClientSession": 5}},
    },
)

# %% [markdown]
# ## What is `web.Server`?
#
# That post has more to say of `Server`: it is there to make a server, it is initialised with an
# `Application`, and one makes first the one and then the other, to set up routes and handlers. The sides
# differ in **how a `Server` and an `Application` are put together**:
#
# * `Server(application)`: the one is initialised with the other.
# * `Server, Application`: the one is made, and then the other. A `Server` cannot be made of nothing: it asks
#   for a handler.
# * `Application`: you make no `Server`. The town runs the application, as `web.run_app` would.
#
# A town listens for whatever makes *protocols*, the objects that asyncio calls when bytes come. A
# `web.Server` does. Predict: what does the client hear?

# %%
prediction_server = {
    # one of: 200, 404, 405, 500
    "GET / is answered": {"Server(application)": ..., "Server, Application": ..., "Application": ...},
    # one of: 200, 404, 405, 500
    "GET /nope is answered": {"Server(application)": ..., "Server, Application": ..., "Application": ...},
}


# %%
def says(words, seen):
    async def handler(request):
        seen["request"] = type(request).__name__
        return web.Response(text=words)

    return handler


def initialised(seen):
    return web.Server(routes(says("the route", seen)))


def in_two_steps(seen):
    server = web.Server(says("the Server's handler", seen))
    routes(says("the route", seen))  # set up, and nothing joins the two
    return server


def application(seen):
    return routes(says("the route", seen))


# %%
async def put_together(way):
    seen = {}
    with server_log() as log:
        async with Town() as town:
            await town.open("front.test", way(seen))
            async with ClientSession(connector=town.connector("client")) as client:
                for method, path in (("GET", "/"), ("GET", "/nope"), ("POST", "/")):
                    async with client.request(method, "http://front.test" + path) as answer:
                        await answer.read()
    return noted(town.trace, seen, log=log.raised)


# %%
together = await compare(
    {
        "Server(application)": partial(put_together, initialised),
        "Server, Application": partial(put_together, in_two_steps),
        "Application": partial(put_together, application),
    },
    ask={
        "GET / is answered": lambda t: t.answers()[0].status,
        "who answers": lambda t: t.answers()[0].body.decode() if t.answers()[0].status == 200 else None,
        "GET /nope is answered": lambda t: t.answers()[1].status,
        "POST / is answered": lambda t: t.answers()[2].status,
        "a handler gets a": lambda t: t.notes.get("request"),
        "the log names": lambda t: t.notes["log"][0] if t.notes["log"] else None,
    },
)
together

# %%
score(prediction_server, together)

# %% [markdown]
# * With a handler, a `web.Server` makes a server that answers [C118].
# * With an `Application` it is made without a word, and every request is a 500 [C115]: the server calls what
#   it was given with the request, and the call of an application takes none.
# * Made first, with the application after it, it knows nothing of the routes [C119]. It has one handler for
#   every method and every path. The one that finds a route, says 404 and 405, and makes a `Request` of the
#   `BaseRequest`, is the application [L18a].
#
# So it is the other way round: first the `Application`, and `setup()` makes the `Server` of it. You write
# only the first.

# %%
GET = "GET / is answered"
check(
    together,
    {
        "C115": {GET: {"Server(application)": 200}},
        "C118": {GET: {"Server, Application": 200}},
        "C119": {"who answers": {"Server, Application": "the route"}},
        "L18a": {
            "GET /nope is answered": {"Server, Application": 200, "Application": 404},
            "POST / is answered": {"Server, Application": 200, "Application": 405},
            "a handler gets a": {"Server, Application": "BaseRequest", "Application": "Request"},
        },
    },
)

# %% [markdown]
# ## The program of the post
#
# The post ends its part on the server with a program of six lines: a handler, an application, a route, and
# `web.run_app(app)`. Here it is, run as a program of its own. The sides differ in **its last line**. As
# posted; with a host; and the same call in a coroutine.
#
# One thing is changed, for the sake of your network and of whatever has port 8080 here: wherever it asks to
# listen, it gets a free port of this computer only, and says what it had asked for. Each program ends in a
# line of ours, so that you see when a program goes on.
#
# Predict: where does it ask to listen, what is answered, and does the next line run meanwhile?

# %%
prediction_program = {
    # one of: "127.0.0.1, port 8080", "every address, port 8080", "every address, port 80"
    "it asks to listen at": {"as posted": ..., "with a host": ...},
    # one of: 200, 404, 500, "–"
    "GET / is answered": {"as posted": ..., "in a coroutine": ...},
    # one of: "yes", "no"
    "its next line runs while it serves": {"as posted": ...},
}

# %%
BEFORE = """
import asyncio, json
from aiohttp import web
create = asyncio.base_events.BaseEventLoop.create_server

async def create_server(loop, factory, host=None, port=None, **options):
    server = await create(loop, factory, "127.0.0.1", 0, **options)
    print(json.dumps([host, port, server.sockets[0].getsockname()[1]]))
    return server

asyncio.base_events.BaseEventLoop.create_server = create_server

async def greet(request):
    return web.Response(text="Hello, World!")

app = web.Application()
app.router.add_get("/", greet)
"""


# %%
async def ask(line):
    host, asked, port = json.loads(line)
    async with ClientSession(f"http://127.0.0.1:{port}") as client:
        (status, page), (other, _) = await get(client, "/"), await get(client, "/nope")
    where = f"{host or 'every address'}, port {asked}"
    return {"listens": where, "GET /": status, "page": page, "GET /nope": other}


async def start(ending):
    command = [sys.executable, "-u", "-c", BEFORE + ending]
    begin = partial(subprocess.Popen, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with begin(command) as process:
        try:
            line = await asyncio.to_thread(process.stdout.readline)
            seen = await ask(line) if line else {}
        finally:
            process.kill()  # it serves until somebody ends it
        went_on, errors = "the next line" in process.stdout.read(), process.stderr.read()
    raised = re.findall(r"^(\w+Error): ", errors, re.MULTILINE)
    return noted(notes=seen, went_on=went_on, raised=raised[0] if raised else None)


# %%
LAST = 'print("the next line")'
programs = await compare(
    {
        "as posted": partial(start, f"web.run_app(app)\n{LAST}"),
        "with a host": partial(start, f"web.run_app(app, host='127.0.0.1')\n{LAST}"),
        "in a coroutine": partial(
            start, f"async def main():\n    web.run_app(app)\n    {LAST}\n\nasyncio.run(main())"
        ),
    },
    ask={
        "it asks to listen at": lambda t: t.notes.get("listens"),
        "GET / is answered": lambda t: t.notes.get("GET /"),
        "with": lambda t: t.notes.get("page"),
        "GET /nope is answered": lambda t: t.notes.get("GET /nope"),
        "its next line runs while it serves": lambda t: t.notes["went_on"],
        "it raises": lambda t: t.notes["raised"],
    },
)
programs

# %%
score(prediction_program, programs)

# %% [markdown]
# * The program does what the post says of it. It makes an application with a handler for `/` [C121],
#   `web.run_app` runs it [C122], and it greets [C120].
# * Beside that lie three traps that the post does not set. Without a host it listens at every address of the
#   computer, so whoever shares your network can call it [L18f]. `run_app` makes a loop of its own, so it runs
#   only where none does: not in a coroutine, and not in a notebook [L18g]. And it returns when the server has
#   ended: the next line waits until then [L18h].
# * Where a loop runs already, take the steps that you saw first: they use that loop, and go on.

# %%
POSTS, GREETS = "as posted", "Hello, World!"
check(
    programs,
    {
        "C120": {"with": {POSTS: GREETS}},
        "C121": {GET: {POSTS: 200}, "GET /nope is answered": {POSTS: 404}},
        "C122": {GET: {POSTS: 200}},
        "L18f": {"it asks to listen at": {POSTS: "127.0.0.1, port 8080"}},
        "L18g": {GET: {POSTS: 200, "in a coroutine": 200}},
        "L18h": {"its next line runs while it serves": {POSTS: True}},
    },
)

# %% [markdown]
# ## How it comes to you
#
# A post says that aiohttp is no part of Python's own library, and that `pip install aiohttp` installs it. The
# sides differ in **whether that command has run**. The Python here is told to look nowhere but in its own
# library (`-I -S`) and in one new folder.
#
# The command is as posted. Nobody here can reach the internet, so settings of pip name the town's pypi.org,
# which has what is installed on this computer, and the folder. Where pip itself is missing, as in an
# environment that uv has made, it runs out of the wheel that Python brings along; some systems leave that
# out, and then this part is for reading.


# %% tags=["needs-pip"]
async def run(*command, **settings):
    begin = partial(subprocess.run, capture_output=True, text=True, env={**os.environ, **settings})
    done = await asyncio.to_thread(begin, (sys.executable, *command))
    return "".join(re.findall(r"^(\w+Error)\b", done.stderr, re.MULTILINE)) or f"exit {done.returncode}"


async def python(installs):
    told, fresh = {}, {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", "PIP_NO_COMPILE": "1"}
    async with Town() as town:
        await town.open("pypi.org", wheels.index())
        with tempfile.TemporaryDirectory() as folder, town.guest("pip"):
            host, port = town.address("pypi.org")
            where = {"PIP_INDEX_URL": f"http://{host}:{port}/simple/", "PIP_TARGET": folder}
            if installs:
                told["pip"] = await run(*installed.pip(), "install", "aiohttp", **where, **fresh)
            for name in ("asyncio", "aiohttp"):
                program = f"import sys; sys.path.append({folder!r}); import {name}"
                told[name] = await run("-I", "-S", "-c", program)
    return noted(town.trace, told)


# %% tags=["needs-pip"]
fetched = await compare(
    {"Python alone": partial(python, installs=False), "pip has run": partial(python, installs=True)},
    ask={
        "import asyncio": lambda t: t.notes["asyncio"],
        "import aiohttp": lambda t: t.notes["aiohttp"],
        "pip": lambda t: t.notes.get("pip"),
        "pip first asks for": lambda t: t.requests()[0].target if t.requests() else None,
        "a wheel of yarl comes with it": lambda t: any("/yarl-" in it.target for it in t.requests()),
    },
)
fetched

# %% tags=["needs-pip"]
IMPORTS = "import aiohttp"
check(
    fetched,
    {
        "C123": {IMPORTS: {"Python alone": "ModuleNotFoundError"}},
        "C124": {"pip": {"pip has run": "exit 0"}, IMPORTS: {"pip has run": "exit 0"}},
    },
)

# %% [markdown]
# Both are so: Python alone has no aiohttp [C123], and one command brings it, with all that it needs [C124].
# What came were *wheels*, which are only unpacked. On a system for which there is none, pip compiles.
#
# ## What one `get` starts
#
# The first example of that post fetches `http://python.org` and prints what came. The post says so, and no
# more. What is it that its two lines start? The town's python.org does what the real one does: it sends you
# to https, and from there to www. The sides differ in **the address that is asked for.** Predict: how many
# requests, and how many connections are open when the session has been made, and nothing asked?

# %%
prediction_page = {
    # one of: 1, 2, 3
    "requests it makes": {"http://python.org": ..., "https://www.python.org": ...},
    # one of: 0, 1
    "connections once the session is made": {"http://python.org": ...},
}


# %%
async def python_org(request):
    if request.host == "www.python.org":
        return web.Response(text="Welcome to Python.org")
    raise web.HTTPMovedPermanently(f"https://{'www.' if request.secure else ''}python.org/")


async def prints(url):
    async with Town() as town:
        await town.open("python.org", python_org, known_as="http python.org")
        await town.open("python.org", python_org, tls=True, known_as="https python.org")
        await town.open("www.python.org", python_org, tls=True)
        connector = town.connector("example", ssl=town.ca.client_context())
        async with ClientSession(connector=connector) as session:
            early, closed = town.trace.connections(), connector.closed
            async with session.get(url) as response:
                html = await response.text()
    return noted(town.trace, html=html, early=early, closed=[closed, connector.closed])


# %%
page = await compare(
    {url: partial(prints, url) for url in ("http://python.org", "https://www.python.org")},
    ask={
        "it prints": lambda t: t.notes["html"],
        "requests it makes": lambda t: len(t.requests()),
        "connections once the session is made": lambda t: t.notes["early"],
        "connections in the end": lambda t: t.connections(),
        "the connector is closed, inside and after": lambda t: t.notes["closed"],
    },
)
page

# %%
score(prediction_page, page)

# %%
draw.lifelines(
    {"http://python.org": page["http://python.org"]},
    show=("Location",),
    finding="One line of code, three requests on three connections",
)

# %% [markdown]
# * It fetched the page and printed it, and asynchronously: the page came from this very loop, which had to
#   have its turns meanwhile [C125]. The trap is to think that one `get` is one request: it made
#   three, and nothing that it printed says so [L18m]. `response.history` and `response.url` do: lesson 03.
# * `ClientSession()` opens no connection [L18j]. It has a *connector*, which opens one when a request needs
#   it, and keeps it. The session closes its connector with itself [L18k]. Lesson 06 has more of both.

# %%
ONE = "http://python.org"
check(
    page,
    {
        "C125": {"it prints": {ONE: "Welcome to Python.org"}},
        "L18m": {"requests it makes": {ONE: 1}},
        "L18j": {"connections once the session is made": {ONE: 1}},
        "L18k": {"the connector is closed, inside and after": {ONE: [False, True]}},
    },
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/18_look_inside.ipynb) are in a notebook of their
# own.
#
# ### ★ put-in-order (6 minutes)
#
# Here are eight lines, and an application `app`. Five of them, in the right order, serve it and clean up. The
# others are never needed, or do harm. Return the five letters, as in `"abcde"`. They are run in your order.
#
# * `a` `site = web.TCPSite(runner, "127.0.0.1", 0)`
# * `b` `await runner.cleanup()`
# * `c` `server = web.Server(app)`
# * `d` `await runner.setup()`
# * `e` `web.run_app(app)`
# * `f` `runner = web.AppRunner(app)`
# * `g` `await site.start()`
# * `h` `client = aiohttp.Client()`
#
# A visitor comes after the line that makes one possible, and in any case before `b`.


# %% exercise="put-in-order"
def order():
    ...  # TODO: return five letters, in the order in which the lines must run
    # solution
    return "fdagb"
    # end


# %%
await attempt("put-in-order", order)

# %% [markdown]
# <details><summary>Hint</summary>
# A site asks its runner for the <code>Server</code> when it is made: see the table of steps for the one that
# makes it.
# </details>
#
# ### ★★ start-or-clean-up (10 minutes)
#
# Start `app` on this computer only, at `port`, and return the runner. The port may be taken: then the
# `OSError` must reach the caller, and what `on_startup` has opened must be closed.


# %% exercise="start-or-clean-up"
async def serve(app, port):
    ...  # TODO: start app at 127.0.0.1 and this port; return the runner; clean up if that fails
    # solution
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except BaseException:
        await runner.cleanup()
        raise
    return runner
    # end


# %%
await attempt("start-or-clean-up", serve)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>setup()</code> has run <code>on_startup</code> when <code>start()</code> fails. What undoes it is
# <code>await runner.cleanup()</code>; then <code>raise</code>.
# </details>
#
# ### ★★★ be-the-router (12 minutes)
#
# Write the handler of a bare `web.Server`, as if it had routes. `GET /` is greeted with `Hello, World!`, and
# `HEAD /` gets the head of the same. Any other method at `/` is a 405 that says in `Allow` what would do
# (`GET` and `HEAD`), and any other path is a 404. A query changes nothing.


# %% exercise="be-the-router"
async def router(request):
    ...  # TODO: answer "/" with a greeting, and say 404 and 405 where an application would
    # solution
    if request.path != "/":
        raise web.HTTPNotFound()
    if request.method not in ("GET", "HEAD"):
        raise web.HTTPMethodNotAllowed(request.method, ["GET", "HEAD"])
    return web.Response(text="Hello, World!")
    # end


# %%
await attempt("be-the-router", router)

# %% [markdown]
# <details><summary>Hint</summary>
# A <code>BaseRequest</code> has <code>path</code> and <code>method</code>, and no <code>match_info</code>.
# <code>web.HTTPMethodNotAllowed(method, allowed)</code> writes <code>Allow</code>. aiohttp leaves the body of
# an answer to <code>HEAD</code> out by itself.
# </details>
#
# ## In practice
#
# * **In a program** write `web.run_app(app, host="127.0.0.1")` as the last line, or leave the host out when
#   others should reach it. **Where a loop runs already**, in a notebook, in a test, beside other work, take
#   `AppRunner`, `setup()`, `TCPSite`, `start()`, and `cleanup()` on every path.
# * One runner may have several sites: two ports, a Unix socket, one with TLS.
# * What needs a running loop is opened in `on_startup` or `cleanup_ctx`, and not where the application is
#   made: there no loop may run. So it is with a `ClientSession`: make it inside a coroutine.
# * You need `web.Server` when you want no routes: one handler for all, such as a proxy. `web.ServerRunner`
#   takes the place of `AppRunner`. aiohttp calls it the low-level server.
# * To shut down well is a question of its own: what still runs is lesson 10.
#
# Next: [19 · What runs around your handler, and when?](19_wrap_every_request.ipynb)
#
# ## Where this comes from
#
# * aiohttp 3.14: [application
#   runners](https://docs.aiohttp.org/en/stable/web_advanced.html#application-runners), [the low-level server](https://docs.aiohttp.org/en/stable/web_lowlevel.html),
#   [run_app](https://docs.aiohttp.org/en/stable/web_reference.html#aiohttp.web.run_app).
# * Python:
#   [create_server](https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.create_server),
#   which listens at every address where it is given no host, and
#   [protocols](https://docs.python.org/3/library/asyncio-protocol.html).
# * Python Packaging User Guide: [the simple
#   repository API](https://packaging.python.org/en/latest/specifications/simple-repository-api/).
# * RFC 9110, [section 15.5.6](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6): 405 and `Allow`.
# * Posts 000, 001 and 002 of the four this course began from.

# %%
await guard.clean()
