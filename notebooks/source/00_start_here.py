# %% [markdown]
# # 00 · Start here: who waits while a handler waits?
#
# **You will** meet everything a lesson is made of: a town, a recording, a prediction, a verdict, an exercise.
#
# **You need** some Python, and to have seen `async def`: a function that may pause at an `await`. Of HTTP: a
# client sends a request, such as `GET` (give me) or `POST` (take this), and hears a status, such as 200 (OK).
#
# **Minutes:** 22 to read and run, 5 for the exercise.
#
# Run the cells from top to bottom, each with Shift+Enter. If you are stuck, or ran them in another order,
# choose *Kernel → Restart Kernel and Run All Cells*: what you wrote stays. You can break nothing. All servers
# of a lesson live on this computer, and nothing here can reach the internet. To see what a helper does, put
# the cursor into its name and press Shift+Tab.

# %%
import asyncio
from functools import partial
from itertools import accumulate

from aiohttp import ClientSession, web

from labs import Gate, Guard, Town, attempt, check, clients, compare, draw, noted, score

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## A town, and one request
#
# A *town* opens servers under names and records every byte they hear or say. The *origin* is the server that
# has the page. Later lessons put a *front* before it: the server that the client calls instead.


# %%
async def hello(request):
    return web.Response(text="hello\n")


async def get(town, who, path):
    url = "http://origin.test" + path
    async with ClientSession(connector=town.connector(who)) as client, client.get(url) as answer:
        return await answer.text()


async with Town() as town:
    await town.open("origin.test", hello)
    await get(town, "client", "/page")
town.trace.lanes()

# %% [markdown]
# These are the *lanes* of the recording: each column is somebody, each arrow a message, and time runs down.
# Here are the bytes of the answer. `\r\n` is the end of a line, and what changes from run to run is a word in
# angle brackets.

# %%
town.trace.bytes(who="origin.test")

# %% [markdown]
# ## The scene
#
# One visitor waits for a database, and others come. Are they served meanwhile? A *side* is one of the ways
# that a lesson compares. Here are three: **how does the handler wait for what takes so long?**
#
# * `awaits` awaits a *gate*. It stands for the database, and opens when the experiment says so.
# * `blocks` waits for the same gate without `await`, as any code does that knows nothing of asyncio. On the
#   loop's own thread `gate.wait()` lets through at once, or you would sit here for ever: nobody had a turn to
#   open it.
# * `in a thread` sends the same code into a thread, and awaits the thread.
#
# All three note in `came` who is in.


# %%
def awaiting(came, gate):
    async def origin(request):
        came.put_nowait(request.path)
        await gate
        return web.Response(text="done\n")

    return origin


def blocking(came, gate):
    async def origin(request):
        came.put_nowait(request.path)
        gate.wait()
        return web.Response(text="done\n")

    return origin


# %%
def in_a_thread(came, gate):
    async def origin(request):
        came.put_nowait(request.path)
        await asyncio.to_thread(gate.wait)
        return web.Response(text="done\n")

    return origin


# %% [markdown]
# ## Predict
#
# Twenty visitors send one request each. The next one sends as soon as the handler has begun with the one
# before. After the last, the gate opens.
#
# 1. How many requests does the origin hear before it sends its first answer?
# 2. How many are in its hands at the same time, at most?
#
# Write numbers over the `...`. Nobody grades them. A wrong guess is what makes the recording worth reading.

# %%
prediction = {
    # one of: 0, 1, 20
    "heard before the first answer": {"awaits": ..., "blocks": ..., "in a thread": ...},
    # one of: 1, 2, 20
    "in hand at once, at most": {"awaits": ..., "blocks": ..., "in a thread": ...},
}

# %% [markdown]
# ## The experiment
#
# It is the same for all sides, and returns the recording, a *trace*. No clock decides here: `came` and the
# gate do. The timeout is for a handler that you have changed. In the table, each row is a question and each
# column a side. `≠` marks where the sides differ.


# %%
async def crowd(side, number=20):
    came, gate = asyncio.Queue(), Gate("the database")
    async with asyncio.timeout(30), Town() as town, asyncio.TaskGroup() as group:
        await town.open("origin.test", side(came, gate))
        for n in range(1, number + 1):
            group.create_task(get(town, "client", f"/{n}"))
            await came.get()
        gate.open()
    return town.trace


def heard_first(trace):
    return [it.message.kind for it in trace.said].index("answer")


def at_once(trace):
    return max(accumulate(1 if it.message.kind == "request" else -1 for it in trace.said))


# %%
found = await compare(
    {
        "awaits": partial(crowd, awaiting),
        "blocks": partial(crowd, blocking),
        "in a thread": partial(crowd, in_a_thread),
    },
    ask={
        "requests answered": lambda t: len(t.answers()),
        "heard before the first answer": heard_first,
        "in hand at once, at most": at_once,
    },
)
found

# %% [markdown]
# Twenty visitors make forty arrows, so here are the lanes of a crowd of three, and two sides as a figure.

# %%
three = {"awaits": await crowd(awaiting, 3), "blocks": await crowd(blocking, 3)}
three["blocks"].lanes()

# %%
draw.lifelines(three, finding="A handler that awaits lets the others in; one that blocks keeps them out")

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# A *claim* is one sentence that somebody has said. Its id begins with C if it is from one of the four posts
# that this course began from, by number, and with L if it is the lesson's own; a, b, c are parts of one
# sentence. A *verdict* is what the recording makes of a claim.
#
# * All twenty were in the handler before the first was answered. They share one event loop, and `await` hands
#   it to whoever is next [C33a].
# * The handler that blocked waited for the same gate, and nobody came in before it had answered [L00b]. It
#   kept the loop to itself. Nobody else had a turn, not even the clients, which live on this loop, too.
# * The remedy is one line: the same `gate.wait`, in a thread, keeps the thread and not the loop [L00e].
#
# The next cell computes the verdicts. Behind each id stands what the table would show *if the sentence were
# true*. ✓ means that it shows this. ✗ means that it shows something else, and what follows *rather* is right.

# %%
check(
    found,
    {
        "C33a": {"heard before the first answer": {"awaits": 20}, "in hand at once, at most": {"awaits": 20}},
        "L00b": {"in hand at once, at most": {"awaits": 20, "blocks": 20}},
        "L00e": {"in hand at once, at most": {"in a thread": 20}},
    },
)

# %% [markdown]
# ## Exercise
#
# An exercise is a handler to finish. It is tried on real traffic, and the reply is *not tried yet*, *not yet*
# with what went wrong, or *yes*. The [solution](solutions/00_start_here.ipynb) is in a notebook of its own.
#
# ### ★ let-the-others-in (5 minutes)
#
# `query()` asks a database. It waits without `await`, and returns a row. Answer each visitor with his row,
# and let the others in meanwhile. The next cell tries a handler that does not. Then write your own over the
# `...`, and run the two cells just above the hint.


# %%
async def impolite(request, query):
    return web.Response(text=query())


await attempt("let-the-others-in", impolite)


# %% exercise="let-the-others-in"
async def polite(request, query):
    ...  # TODO: answer with what query() returns, and keep the loop free
    # solution
    row = await asyncio.to_thread(query)
    return web.Response(text=row)
    # end


# %%
await attempt("let-the-others-in", polite)

# %% [markdown]
# <details><summary>Hint</summary> <code>await asyncio.to_thread(work)</code> runs <code>work()</code> in a
# thread, and returns what it returns. Give it the name: no <code>()</code> behind. </details>
#
# That is the lesson. Next: [01 · Who makes the second request?](01_who_makes_the_second_request.ipynb) What
# follows is an aside, for whoever wonders why these cells may say `await`.

# %% [markdown]
# ## Aside: the loop already runs
#
# The cells above say `await` outside any function. In a program that is a syntax error, but a notebook has a
# loop that already runs. So what a program starts with fails here. This cell catches the error and shows it:


# %%
import subprocess
import sys


async def main():
    return "main has run"


coroutine = main()
try:
    told = asyncio.run(coroutine)
except RuntimeError as error:
    told = f"{type(error).__name__}: {error}"
    coroutine.close()
told

# %% [markdown]
# One of the posts that this course began from ends its first example with two lines,
# `loop = asyncio.get_event_loop()` and `loop.run_until_complete(main())`. Its eleven other clients use
# `asyncio.run`. So there are two ways to start. Each is tried in three places: in this notebook, in a Python
# program of its own, and in one that has already used `asyncio.run`. What the first and the last raise is
# kept in `raised`.

# %%
PROGRAM = """
import asyncio, sys
from aiohttp import ClientSession

async def main():
    async with ClientSession() as client, client.get(sys.argv[1]) as answer:
        await answer.read()

{before}
try:
    {way}(main())
except RuntimeError as error:
    print(type(error).__name__)
"""


# %%
raised = {}


async def run(town, name, way, before):
    host, port = town.address("origin.test")
    program = PROGRAM.format(way=way, before=before)
    command = [sys.executable, "-c", program, f"http://{host}:{port}/page"]
    with town.guest(name):
        done = partial(subprocess.run, command, capture_output=True, text=True, timeout=60)
        return (await asyncio.to_thread(done)).stdout.strip() or "nothing"


# %%
async def start(way):
    async with Town() as town:
        await town.open("origin.test", hello)
        coroutine = get(town, "notebook", "/page")
        try:
            eval(way)(coroutine)
        except RuntimeError as error:
            raised["notebook", way] = type(error).__name__
        coroutine.close()
        await run(town, "alone", way, before="")
        should = way == "asyncio.run" or sys.version_info < (3, 14)  # its documentation says so
        raised["program", way] = await run(town, "program", way, before="asyncio.run(asyncio.sleep(0))")
    return noted(town.trace, alone=bool(town.trace.requests(who="alone")) is should)


# %%
started = await compare(
    {
        "asyncio.run": partial(start, "asyncio.run"),
        "get_event_loop": partial(start, "asyncio.get_event_loop().run_until_complete"),
    },
    ask={
        "requests of the notebook": lambda t: len(t.requests(who="notebook")),
        "alone, it asks where it should": lambda t: t.notes["alone"],
        "requests of the program": lambda t: len(t.requests(who="program")),
    },
)
started

# %%
raised

# %% [markdown]
# Alone, as the post has them, its lines start the program, up to Python 3.13 and not from 3.14 on [C49a]. The
# trap is to take them for another way to write `asyncio.run`. In the program that had used it before,
# `asyncio.run` made a loop of its own [L00c], and the lines found none [L00d]. Neither way works in a
# notebook [L00a].

# %%
check(
    started,
    {
        "L00a": {"requests of the notebook": {"asyncio.run": 1}},
        "C49a": {"alone, it asks where it should": {"get_event_loop": True}},
        "L00d": {"requests of the program": {"get_event_loop": 1}},
        "L00c": {"requests of the program": {"asyncio.run": 1}},
    },
)

# %% [markdown]
# ## In practice
#
# * **In a notebook** write `await main()`. **In a program** write `asyncio.run(main())`, once, at its end.
# * Where no loop has run before, the fate of the post's lines depends on the Python: 3.11 makes a loop, 3.12
#   and 3.13 make one and warn, and 3.14 raises `RuntimeError`.
# * Code that blocks belongs in a thread: `await asyncio.to_thread(work)`. Threads are few; a library that
#   knows asyncio needs none.
# * Every lesson ends in the cell below. It raises if anything was left open, lost, or never awaited.
#
# ## Where this comes from
#
# * Python: [asyncio.run](https://docs.python.org/3/library/asyncio-runner.html#asyncio.run),
#   [get_event_loop](https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.get_event_loop), and
#   [running blocking code](https://docs.python.org/3/library/asyncio-dev.html#running-blocking-code).
# * IPython: [top-level await](https://ipython.readthedocs.io/en/stable/interactive/autoawait.html).
# * Posts 001 and 002 of the four this course began from.

# %%
await guard.clean()
