# %% [markdown]
# # 23 · Which line is slow?
#
# **You will** count waits instead of milliseconds, let a profile name the line that costs, and ask an origin
# once where twenty visitors ask at the same time.
#
# **You need** lessons 00 and 12.
#
# **Minutes:** 24 to read and run (8 to the place to stop), 24 for the exercises.

# %%
import asyncio
import cProfile
import pstats
import time
from functools import partial

from aiohttp import ClientSession, web

from labs import Gate, Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.instruments import weather

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# Two posts call aiohttp fast, a third says that asynchronous I/O makes high performance possible. Fast at
# what? A server mostly waits: for a database, for another server. So let us count waits. A *turn* of this
# database serves everybody who waits for it. Twenty visitors come. The sides differ in **how the handler
# waits.**


# %%
class Database:
    def __init__(self):
        self.turns, self.asked, self.gate = 0, 0, Gate("the database")

    def turn(self):
        self.turns += 1
        self.gate.open()


# %%
async def awaits(database):
    database.asked += 1
    await database.gate


async def blocks(database):
    database.asked += 1
    database.turn()  # it blocks: the loop stands still, and a whole turn is for this visitor alone


async def in_a_thread(database):
    database.asked += 1
    await asyncio.to_thread(database.gate.wait)


# %% [markdown]
# ## Predict
#
# How many turns of the database pass until all twenty are answered?

# %%
prediction = {
    # one of: 1, 2, 20
    "turns until all are answered": {"awaits": ..., "blocks": ..., "in a thread": ...},
}

# %% [markdown]
# ## The experiment


# %%
async def visits(way):
    database, all_here = Database(), asyncio.Event()

    async def handler(request):
        if database.asked == 19:
            all_here.set()
        await way(database)
        return web.Response(text="a page\n")

    async with Town(keep=0) as town:
        await town.open("shop.test", handler)
        async with ClientSession("http://shop.test", connector=town.connector("client")) as client:
            asking = [asyncio.create_task(client.get("/")) for _ in range(20)]
            await all_here.wait()
            if not database.turns:
                database.turn()
            for one in asking:
                (await one).release()
    return noted(turns=database.turns)


# %%
found = await compare(
    {
        "awaits": partial(visits, awaits),
        "blocks": partial(visits, blocks),
        "in a thread": partial(visits, in_a_thread),
    },
    ask={"turns until all are answered": lambda t: t.notes["turns"]},
)
found

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# Waits that overlap cost one turn, and not twenty: in this the posts are right [C02]. They name no yardstick,
# so "fast" itself is not tried here. The price is theirs, too: one handler that blocks takes the gain from
# everybody [L23a], and that is why stability needs more care (lesson 00).

# %%
TURNS = "turns until all are answered"
check(
    found,
    {
        "C02": {TURNS: {"awaits": 1}},
        "L23a": {TURNS: {"blocks": 20, "in a thread": 1}},
    },
)

# %% [markdown]
# **A place to stop.** You know what asynchronous I/O makes fast. What follows: how a profile names the line
# that costs, and what a cache saves when many ask at the same time.
#
# The same as your computer has it. A handler needs 20 ms of something slow; ten visitors, and all ten are
# answered:


# %%
async def ten(way):
    async def handler(request):
        await way()
        return web.Response()

    async with Town(keep=0) as town:
        await town.open("shop.test", handler)
        async with ClientSession("http://shop.test", connector=town.connector("client")) as client:
            await asyncio.gather(*(client.get("/") for _ in range(10)))


# %%
async def sleeps():
    time.sleep(0.02)  # noqa: ASYNC251 that it blocks is what is shown


WAYS = {
    "awaits": partial(asyncio.sleep, 0.02),
    "blocks": sleeps,
    "in a thread": partial(asyncio.to_thread, time.sleep, 0.02),
}
times = await weather({name: partial(ten, way) for name, way in WAYS.items()}, rounds=10)
draw.weather_view(times, finding="Ten waits of 20 ms: at once, or one after the other")

# %% [markdown]
# ## Which line is it?
#
# A post says that profiling finds bottlenecks. This page has a list of 500 articles, and something in it
# costs. `cProfile` counts calls, and a count is the same on every computer. The sides differ in **how the
# price is looked up.**


# %%
def matches(name, article):
    return name == article


def slow_page(articles, prices):
    return [next(it for name, it in prices if matches(name, article)) for article in articles]


def quick_page(articles, prices):
    table = dict(prices)
    return [table[article] for article in articles]


# %%
async def profiled(page):
    articles = [f"article {n}" for n in range(500)]
    prices = [(name, n) for n, name in enumerate(articles)]

    async def handler(request):
        return web.json_response(page(articles, prices))

    profile = cProfile.Profile()
    async with Town(keep=0) as town:
        await town.open("shop.test", handler)
        async with ClientSession("http://shop.test", connector=town.connector("client")) as client:
            profile.enable()
            async with client.get("/") as answer:
                shown = await answer.json()
            profile.disable()
    calls = {name: it[1] for (_, _, name), it in pstats.Stats(profile).stats.items()}
    return noted(shown=sum(shown), most=max(calls, key=calls.get), matches=calls.get("matches", 0))


# %%
prediction_profile = {
    # one of: 0, 500, 125250, 250000
    "calls of matches()": {"from the top": ..., "by a dict": ...},
}

# %%
profile = await compare(
    {"from the top": partial(profiled, slow_page), "by a dict": partial(profiled, quick_page)},
    ask={
        "sum of what is shown": lambda t: t.notes["shown"],
        "calls of matches()": lambda t: t.notes["matches"],
        "it is called most of all": lambda t: t.notes["most"] == "matches",
    },
)
profile

# %%
score(prediction_profile, profile)

# %% [markdown]
# The profile names the line, and no guess was needed [C100a]. The page says the same by a dict, and the
# function is gone.

# %%
CALLS = "calls of matches()"
check(
    profile,
    {"C100a": {"it is called most of all": {"from the top": True}, CALLS: {"by a dict": 0}}},
)

# %% [markdown]
# Two tools that name what cProfile cannot. `pyinstrument` looks now and then where a program is, so that it
# costs little. `blockbuster` raises an error where a call would block the loop. `pip install pyinstrument
# blockbuster` brings them; without them these cells are for reading.

# %% tags=["needs-pyinstrument"]
from pyinstrument import Profiler


async def busy(page):
    articles = [f"article {n}" for n in range(1500)]
    with Profiler(interval=0.001) as profiler:
        page(articles, [(name, n) for n, name in enumerate(articles)])
    frame = profiler.last_session.root_frame()
    while frame.children:
        frame = max(frame.children, key=lambda it: it.time)
        if frame.function == "slow_page":
            return frame.function
    return frame.function


await busy(slow_page)

# %% tags=["needs-blockbuster"]
from blockbuster import BlockingError, blockbuster_ctx


async def watched(call):
    with blockbuster_ctx():
        try:
            call()
        except BlockingError as error:
            return noted(said=str(error))
    return noted(said="nothing")


await compare(
    {
        "time.sleep": partial(watched, lambda: time.sleep(0.001)),
        "computing": partial(watched, lambda: sum(range(1000))),
    },
    ask={"it says": lambda t: t.notes["said"]},
)

# %% [markdown]
# ## Ask once
#
# The post names caching, too. Twenty visitors want the same page, which comes from an origin. The sides
# differ in **the cache**: none; a dict of answers; or a dict of *tasks*, so that whoever comes second waits
# for the first.


# %%
async def no_cache(load, kept):
    return await load()


async def of_answers(load, kept):
    if "page" not in kept:
        kept["page"] = await load()
    return kept["page"]


async def of_tasks(load, kept):
    if "page" not in kept:
        kept["page"] = asyncio.create_task(load())
    return await asyncio.shield(kept["page"])  # who leaves does not take it from the others


# %%
def fronted(inner, cache):
    came, gate, kept = [], Gate("all twenty have come"), {}

    async def load():
        async with inner.get("http://origin.test/") as answer:
            return await answer.text()

    async def front(request):
        came.append(request)
        if len(came) == 20:
            gate.open()
        return web.Response(text=await cache(load, kept))

    async def origin(request):
        await gate
        return web.Response(text="a page\n")

    return front, origin


# %%
async def cached(cache):
    async with Town() as town:
        inner = ClientSession(connector=town.connector("front.test"))
        front, origin = fronted(inner, cache)
        await town.open("origin.test", origin)
        await town.open("front.test", front)
        async with inner, ClientSession(connector=town.connector("client")) as client:
            for wave in (20, 1):
                await asyncio.gather(*(client.get("http://front.test/") for _ in range(wave)))
    return town.trace


# %%
prediction_cache = {
    # one of: 0, 1, 2, 20, 21
    "requests to the origin": {"none": ..., "of answers": ..., "of tasks": ...},
}

# %%
caches = await compare(
    {
        "none": partial(cached, no_cache),
        "of answers": partial(cached, of_answers),
        "of tasks": partial(cached, of_tasks),
    },
    ask={
        "requests to the origin": lambda t: len(t.requests(whom="origin.test")),
        "answers": lambda t: len(t.answers(whom="client")),
    },
)
caches

# %%
score(prediction_cache, caches)

# %% [markdown]
# Caching can raise performance, as the post says [C100]. The trap is the dict of answers: it has nothing yet
# when twenty come at once, and so all twenty ask [L23b]. One who comes later is served by both.

# %%
ORIGIN = "requests to the origin"
check(
    caches,
    {"C100": {ORIGIN: {"none": 21, "of tasks": 1}}, "L23b": {ORIGIN: {"of answers": 1}}},
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/23_find_the_slow_line.ipynb) are in a notebook of
# their own.
#
# ### ★ out-of-the-way (5 minutes)
#
# `slow()` is a function that blocks, and returns a text. Write the handler that answers with this text, and
# keeps nobody waiting meanwhile.


# %% exercise="out-of-the-way"
async def report(request, slow):
    ...  # TODO: answer with what it returns
    # solution
    return web.Response(text=await asyncio.to_thread(slow))
    # end


# %%
await attempt("out-of-the-way", report)

# %% [markdown]
# <details><summary>Hint</summary>
# Which of the three sides above was it, where the call knows nothing of asyncio?
# </details>
#
# ### ★★ in-slices (7 minutes)
#
# Return the sum of `numbers`, a long list, and let the loop have a turn after every 1000 of them.


# %% exercise="in-slices"
async def total(numbers):
    ...  # TODO: add, and let others in
    # solution
    result = 0
    for n, number in enumerate(numbers, 1):
        result += number
        if n % 1000 == 0:
            await asyncio.sleep(0)
    return result
    # end


# %%
await attempt("in-slices", total)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>asyncio.sleep(0)</code> gives the loop one turn.
# </details>
#
# ### ★★★ load-once (12 minutes)
#
# `load(key)` asks an origin. Write the cache: `get(key)` gives what `load(key)` gave. Equal keys that are
# asked for at the same time are loaded once, different ones at once, and an error is not kept: who asks after
# it, tries again.


# %% exercise="load-once"
def caching(load):
    ...  # TODO: return `get`, an `async def` of a key
    # solution
    kept = {}

    async def get(key):
        if key not in kept or (kept[key].done() and kept[key].exception()):
            kept[key] = asyncio.create_task(load(key))
        return await asyncio.shield(kept[key])

    return get
    # end


# %%
await attempt("load-once", caching)

# %% [markdown]
# <details><summary>Hint</summary>
# Keep tasks. A task that is done can say whether it ended in an <code>exception()</code>.
# </details>
#
# ## In practice
#
# * Measure first. A profile that counts calls is the same on every computer; times are weather.
# * Look for what blocks before you look for what computes: it stops everybody.
# * A cache of tasks, and not of answers, where many may ask at once.
# * In tests let `blockbuster` watch, or run asyncio's debug mode (`python -X dev`).
#
# Next: [24 · Whom does a client trust?](24_trust_the_certificate.ipynb)
#
# ## Where this comes from
#
# * Python: [`cProfile`](https://docs.python.org/3/library/profile.html),
#   [asyncio's debug mode](https://docs.python.org/3/library/asyncio-dev.html#debug-mode),
#   [`asyncio.shield`](https://docs.python.org/3/library/asyncio-task.html#shielding-from-cancellation).
# * [blockbuster](https://github.com/cbornet/blockbuster),
#   [pyinstrument](https://pyinstrument.readthedocs.io/).
# * Two of the four posts this course began from: post 000, section 1; post 003, its opening and on
#   performance.

# %%
await guard.clean()
