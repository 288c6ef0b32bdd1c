# %% [markdown]
# # 18 · What starts what inside aiohttp?
#
# **You will** look for the classes that a post names, build a server from the outside in, and see what a
# runner, an application and a session make for you.
#
# **You need** lessons 00 and 01.
#
# **Minutes:** 31 to read and run (7 to the place to stop), 20 for the exercises.

# %%
import asyncio
import importlib.metadata
import subprocess
import sys
from functools import partial

import aiohttp
from aiohttp import ClientSession, web

from labs import Gate, Guard, Town, attempt, check, clients, compare, noted, score
from labs.guard import server_log

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# aiohttp is two things in one package: a client, and a server. A post describes its inside: a class `Client`
# and a class `Server`, made from a `ClientSession` and an `Application`. Its programs use neither. So what is
# there, and what makes what?
#
# Here is what the post's second program serves: one page at `/`. The sides differ in **what the server is
# made of.** An *application* finds the handler for a path. `web.Server` is the class below it: it speaks HTTP
# on every connection, and calls one function for each request.


# %%
async def handle(request):
    return web.Response(text="Hello, World!")


def application():
    app = web.Application()
    app.router.add_get("/", handle)
    return app


SERVED = {
    "an application": application,
    "Server(handler)": lambda: web.Server(handle),
    "Server(application)": lambda: web.Server(application()),
}

# %% [markdown]
# ## Predict
#
# What does each answer at `/`, and at `/nope`, where the application has no handler?

# %%
prediction = {
    # one of: 200, 404, 500, "nothing"
    "status of /": {"an application": ..., "Server(handler)": ..., "Server(application)": ...},
    # one of: 200, 404, 500, "nothing"
    "status of /nope": {"an application": ..., "Server(handler)": ..., "Server(application)": ...},
}

# %% [markdown]
# ## The experiment


# %%
async def asked(make):
    async with Town() as town:
        with server_log() as log:  # what a server of the wrong kind says of itself
            await town.open("front.test", make())
            async with ClientSession("http://front.test", connector=town.connector("client")) as client:
                for path in ("/", "/nope"):
                    (await client.get(path)).release()
    return noted(town.trace, log=log.raised)


# %%
found = await compare(
    {name: partial(asked, make) for name, make in SERVED.items()},
    ask={
        "status of /": lambda t: t.answers()[0].status,
        "status of /nope": lambda t: t.answers()[1].status,
    },
)
found

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * A `web.Server` does make a server, as the post says [C39a]. It is made with a function. It knows no paths:
#   whatever is asked, the function is called [L18a].
# * It is not made with an application, as the post has it: then each request is a 500 [C35].
#
# The next question is where its other class is. The sides are names; each is looked for where the post
# might mean it.

# %%
check(
    found,
    {
        "C35": {"status of /": {"Server(application)": 200}},
        "C39a": {"status of /": {"Server(handler)": 200}},
        "L18a": {"status of /nope": {"Server(handler)": 200}},
    },
)

# %% [markdown]
# **A place to stop.** You know which of the post's two classes is there, and what it is made with. What
# follows: where the other is, who makes the server for you, and on which addresses it listens.


# %%
async def look(name):
    return noted(inside=hasattr(aiohttp, name), web=hasattr(web, name))


NAMES = ("Client", "Server", "ClientSession", "Application")
names = await compare(
    {name: partial(look, name) for name in NAMES},
    ask={"aiohttp has it": lambda t: t.notes["inside"], "aiohttp.web has it": lambda t: t.notes["web"]},
)
names

# %% [markdown]
# There is no `Client`, neither in `aiohttp` nor in `aiohttp.web`; and no `aiohttp.Server`, only `web.Server`
# [C34]. So nobody makes a `Client` before a `ClientSession` [C36]. The two roles are those of `ClientSession`
# and `Application` [L18g]: the post's programs use these, and run.

# %%
check(
    names,
    {
        "C34": {"aiohttp has it": {"Client": True, "Server": True}},
        "C36": {"aiohttp has it": {"Client": True}},
        "L18g": {
            "aiohttp has it": {"ClientSession": True, "Application": False},
            "aiohttp.web has it": {"Application": True, "Server": True},
        },
    },
)

# %% [markdown]
# ## Who makes the server?
#
# You never make a `web.Server`, and yet there is one. Between an application and a socket stand two more:
# an `AppRunner` and a `TCPSite`. The sides are **the steps**, each with those before it.


# %%
async def stand(steps):
    runner = web.AppRunner(application())
    if steps > 1:
        await runner.setup()
    if steps > 2:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
    seen = noted(
        server=type(runner.server).__name__, sites=len(runner.sites), addresses=len(runner.addresses)
    )
    await runner.cleanup()
    return seen


# %%
prediction_chain = {
    # one of: "Application", "Server", "NoneType"
    "what runner.server is": {"made": ..., "set up": ..., "site started": ...},
}

# %%
chain = await compare(
    {"made": partial(stand, 1), "set up": partial(stand, 2), "site started": partial(stand, 3)},
    ask={
        "what runner.server is": lambda t: t.notes["server"],
        "sites": lambda t: t.notes["sites"],
        "addresses it listens at": lambda t: t.notes["addresses"],
    },
)
chain

# %%
score(prediction_chain, chain)

# %% [markdown]
# * `setup()` makes the `web.Server` [L18b]. It is neither the first step, nor yours: first comes the
#   application, and the runner makes a server of it [C39b].
# * Only a site listens [L18c]. One runner can have several.
#
# On the other side it is the same in small: `ClientSession` makes a `TCPConnector`, which has the connections
# (lesson 06).

# %%
IS, _, LISTENS = chain.asked
check(
    chain,
    {
        "C39b": {IS: {"made": "Server"}},
        "L18b": {IS: {"made": "NoneType", "set up": "Server"}},
        "L18c": {LISTENS: {"set up": 0, "site started": 1}},
    },
)

# %% [markdown]
# ## Where does `run_app` listen?
#
# `web.run_app(app)` does all of these steps, and runs until somebody ends it. The post's program ends in this
# line. Here it runs as a program of its own. Only where it listens is caught: what it asks for is written
# down, and it gets a free port of loopback in its place, so that nothing of your computer is open to others
# meanwhile. The sides differ in **the last line.**

# %%
BEGIN = """
import asyncio
real = asyncio.BaseEventLoop.create_server
async def create_server(self, factory, host=None, port=None, **options):
    server = await real(self, factory, "127.0.0.1", 0, **options)
    print(host or "all addresses", port, server.sockets[0].getsockname()[1], flush=True)
    return server
asyncio.BaseEventLoop.create_server = create_server
"""
PROGRAM = """
from aiohttp import web

async def handle(request):
    return web.Response(text="Hello, World!")

app = web.Application()
app.router.add_get("/", handle)

"""


# %%
async def run(last):
    line = [sys.executable, "-c", BEGIN + PROGRAM + last]
    program = await asyncio.to_thread(partial(subprocess.Popen, line, stdout=subprocess.PIPE, text=True))
    *host, port, real = (await asyncio.to_thread(program.stdout.readline)).split()
    heard = []
    async with ClientSession(f"http://127.0.0.1:{real}") as client:
        for path in ("/", "/nope"):
            async with client.get(path) as answer:
                heard.append(f"{answer.status} {await answer.text()}")
    program.terminate()
    await asyncio.to_thread(program.communicate)
    return noted(host=" ".join(host), port=int(port), heard=heard)


# %%
prediction_started = {
    # one of: "127.0.0.1", "localhost", "all addresses"
    "where it listens": {"run_app(app)": ...},
    # one of: 80, 8000, 8080
    "port": {"run_app(app)": ...},
}

# %%
started = await compare(
    {
        "run_app(app)": partial(run, "web.run_app(app)"),
        "with a host": partial(run, "web.run_app(app, host='127.0.0.1')"),
    },
    ask={
        "where it listens": lambda t: t.notes["host"],
        "port": lambda t: t.notes["port"],
        "/": lambda t: t.notes["heard"][0],
        "/nope": lambda t: t.notes["heard"][1],
    },
)
started

# %%
score(prediction_started, started)

# %% [markdown]
# * The post's program runs as it is posted, and says hello [C40]. It makes an application, and the handler
#   stands at `/`, and nowhere else [C40a]. `run_app` runs it [C41].
# * The trap is to think that it is for you alone. Without `host=` it listens on every address of your
#   computer, and whoever reaches one of them is answered [L18d].
#
# And in a notebook? Its loop runs already (lesson 00), and `run_app` wants one of its own.

# %%
WHERE, PORT, ROOT, NOPE = started.asked
check(
    started,
    {
        "C40": {ROOT: {"run_app(app)": "200 Hello, World!"}},
        "C40a": {ROOT: {"run_app(app)": "200 Hello, World!"}, NOPE: {"run_app(app)": "404 404: Not Found"}},
        "C41": {ROOT: {"run_app(app)": "200 Hello, World!"}},
        "L18d": {WHERE: {"run_app(app)": "127.0.0.1"}},
    },
)


# %%
LOOP = """
import asyncio

async def main():
    runner = web.AppRunner(app)
    {}

try:
    asyncio.run(main())
except RuntimeError as error:
    print(type(error).__name__)
"""
STEPS = """await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await runner.cleanup()"""


# %%
async def inside(last):
    line = [sys.executable, "-W", "ignore", "-c", BEGIN + PROGRAM + LOOP.format(last)]
    done = await asyncio.to_thread(partial(subprocess.run, line, capture_output=True, text=True, timeout=60))
    return noted(raised=done.stdout.split()[-1] if "Error" in done.stdout else None)


# %%
here = await compare(
    {"run_app": partial(inside, "web.run_app(app)"), "a runner": partial(inside, STEPS)},
    ask={"what it raises inside a loop": lambda t: t.notes["raised"]},
)
here

# %%
check(here, {"L18e": {"what it raises inside a loop": {"run_app": None}}})

# %% [markdown]
# `run_app` is for the last line of a program, and not for a notebook or a test [L18e].
#
# ## A client and a server, both asynchronous
#
# Three of the posts begin with this sentence, and so may a lesson end. Five visitors come to one server, in
# one kernel, on one loop. The sides differ in **how the client asks**: all at once, or one after the other.


# %%
async def five(at_once):
    here, most = [], []
    async with Town() as town:
        with Gate() as gate:

            async def handler(request):
                here.append(request)
                most.append(len(here))
                if len(here) == 5 or not at_once:
                    gate.open()
                await gate
                here.remove(request)
                return web.Response()

            await town.open("front.test", handler)
            async with ClientSession("http://front.test", connector=town.connector("client")) as client:
                asking = [client.get("/") for _ in range(5)]
                for one in [asyncio.gather(*asking)] if at_once else asking:
                    await one
    return noted(town.trace, at_most=max(most))


# %%
both = await compare(
    {"all at once": partial(five, True), "one after the other": partial(five, False)},
    ask={"in hand at once, at most": lambda t: t.notes["at_most"]},
)
both

# %% [markdown]
# aiohttp is a client and a server, and neither waits for one thing at a time [C01]. It is no part of Python's
# own library [C48a], and it is installed from a wheel, so one line of pip is enough, without a compiler
# [C48b].

# %%
check(both, {"C01": {"in hand at once, at most": {"all at once": 5}}})


# %%
async def package(name):
    found = name not in sys.stdlib_module_names
    return noted(
        own=not found, wheel=bool(found and importlib.metadata.distribution(name).read_text("WHEEL"))
    )


packages = await compare(
    {"aiohttp": partial(package, "aiohttp"), "asyncio": partial(package, "asyncio")},
    ask={"part of Python": lambda t: t.notes["own"], "came as a wheel": lambda t: t.notes["wheel"]},
)
check(
    packages,
    {
        "C48a": {"part of Python": {"aiohttp": False}},
        "C48b": {"came as a wheel": {"aiohttp": True}},
    },
)

# %% [markdown]
# ## One call, how many requests?
#
# A post's first example prints the page of `http://python.org`. The town has these names, and does what the
# site does: `http` leads to `https`, and that to `www`. The sides differ in **the address.**


# %%
async def moved(to, request):
    raise web.HTTPMovedPermanently(to)


async def fetch(session, url):
    async with session.get(url) as response:
        return await response.text()


async def first_example(url):
    async with Town() as town:
        await town.open("python.org:80", partial(moved, "https://python.org/"))
        await town.open("python.org", partial(moved, "https://www.python.org/"), tls=True)
        await town.open("www.python.org", handle, tls=True)
        connector = town.connector("client", ssl=town.ca.client_context())
        async with ClientSession(connector=connector) as session:
            html = await fetch(session, url)
    return noted(town.trace, html=html)


# %%
prediction_example = {
    # one of: 1, 2, 3
    "requests": {"http://python.org": ..., "https://www.python.org": ...},
}

# %%
example = await compare(
    {url: partial(first_example, url) for url in ("http://python.org", "https://www.python.org")},
    ask={
        "what is printed": lambda t: t.notes["html"],
        "requests": lambda t: len(t.requests()),
        "connections": lambda t: len({it.connection for it in t.requests()}),
    },
)
example

# %%
score(prediction_example, example)

# %% [markdown]
# It fetches the page and prints it, as the post says [C50]. That one call is one request is a trap: nobody
# sees the two that came before, nor their connections [L18f]. `answer.history` has them.

# %%
check(
    example,
    {
        "C50": {"what is printed": {"http://python.org": "Hello, World!"}},
        "L18f": {"requests": {"http://python.org": 1}},
    },
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/18_look_inside.ipynb) are in a notebook of their
# own.
#
# ### ★ for-me-alone (4 minutes)
#
# Which arguments does `web.run_app` need beside `app`, so that it listens at port 9000, and for programs of
# this computer only?

# %% exercise="for-me-alone"
options = ...  # TODO: a dict, as in {"port": 80}
# solution
options = {"host": "127.0.0.1", "port": 9000}
# end

# %%
await attempt("for-me-alone", options)

# %% [markdown]
# <details><summary>Hint</summary>
# Without <code>host=</code> it is every address. Which one can only this computer reach?
# </details>
#
# ### ★★ step-by-step (8 minutes)
#
# Start an application in a loop that runs, at a free port of `127.0.0.1`, and return the runner, so that
# whoever called can clean up.


# %% exercise="step-by-step"
async def serve(app):
    ...  # TODO: three steps, and return the runner
    # solution
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner
    # end


# %%
await attempt("step-by-step", serve)

# %% [markdown]
# <details><summary>Hint</summary>
# The table of steps above. Which of them must be awaited?
# </details>
#
# ### ★★★ without-routes (8 minutes)
#
# A `web.Server` calls one function for every request. Write that function: `GET /` says `Hello, World!`,
# every other path is a 404, and every other method of `/` a 405 that says which one is allowed.


# %% exercise="without-routes"
async def by_hand(request):
    ...  # TODO: what the application's router does
    # solution
    if request.path != "/":
        raise web.HTTPNotFound()
    if request.method != "GET":
        raise web.HTTPMethodNotAllowed(request.method, ["GET"])
    return web.Response(text="Hello, World!")
    # end


# %%
await attempt("without-routes", by_hand)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>request.path</code> and <code>request.method</code>. aiohttp has an exception for 405 that takes the
# method and those that are allowed.
# </details>
#
# ## In practice
#
# * **A program** ends in `web.run_app(app, host="127.0.0.1")`, or with the host that others may reach.
# * **A notebook, a test, or a program with more to do** makes a runner, sets it up, starts a site, and cleans
#   up at the end.
# * `web.Server` is for those who need no routes at all.
#
# ## Where this comes from
#
# * aiohttp 3.14: [application runners](https://docs.aiohttp.org/en/stable/web_advanced.html#application-runners),
#   [low-level server](https://docs.aiohttp.org/en/stable/web_lowlevel.html),
#   [`run_app`](https://docs.aiohttp.org/en/stable/web_reference.html#aiohttp.web.run_app).
# * Two of the four posts this course began from: post 001 on client and server, and post 002, whose first
#   example this is.

# %%
await guard.clean()
