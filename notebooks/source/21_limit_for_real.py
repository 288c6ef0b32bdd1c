# %% [markdown]
# # 21 · How many requests are under way at once?
#
# **You will** put a limit in five places, count at the server how many requests it holds at once, and see
# what the rest of them wait for.
#
# **You need** lessons 00 and 06.
#
# **Minutes:** 27 to read and run (11 to the place to stop), 24 for the exercises.

# %%
import asyncio
from contextlib import suppress
from functools import partial

from aiohttp import ClientResponseError, ClientSession, TraceConfig, web

from labs import Gate, Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.instruments import weather

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# A post fetches a list of pages at once, and then limits how many are fetched at the same time, by a
# *semaphore*: a counter that lets ten in, and makes the others wait until one comes out. Here are 120 pages
# of each of two sites. The sides differ in one thing: **where the limit stands.**
#
# * **as posted**: in the loop that makes the list of calls, around the line that adds one.
# * **around the request**: in the coroutine that asks.
# * **limit=10**, **limit_per_host=10**: in the connector.
# * **nothing**: no limit of yours.


# %%
async def fetch(session, url):
    async with session.get(url) as response:
        return await response.text()


async def as_posted(session, urls, semaphore):
    tasks = []
    for url in urls:
        async with semaphore:
            tasks.append(fetch(session, url))
    await asyncio.gather(*tasks)


async def around_the_request(session, urls, semaphore):
    async def one(url):
        async with semaphore:
            return await fetch(session, url)

    await asyncio.gather(*(one(url) for url in urls))


# %%
async def without(session, urls, semaphore):
    await asyncio.gather(*(fetch(session, url) for url in urls))


# %% [markdown]
# ## Predict
#
# How many requests do both servers together hold at once, at most?

# %%
prediction = {
    # one of: 1, 10, 20, 100, 240
    "in hand at once, at most": {
        "as posted": ...,
        "around the request": ...,
        "limit=10": ...,
        "limit_per_host=10": ...,
        "nothing": ...,
    },
}

# %% [markdown]
# ## The experiment
#
# How do you know that no more would have come? Everybody who is held back says so: at the semaphore, or in
# the queue of the connector, for which aiohttp has a signal. When all have come or are held back, the gate
# opens.


# %%
def queued(settle):
    async def told(session, context, parameters):
        settle()

    config = TraceConfig()
    config.on_connection_queued_start.append(told)
    return config


class Telling(asyncio.Semaphore):
    def __init__(self, value, held):
        super().__init__(value)
        self.held = held

    async def acquire(self):
        if self.locked():
            self.held()
        return await super().acquire()


# %%
async def fetched(ways, pages=120, **limit):
    here, most, settled, gate = [], [0], [], Gate("all have come or are held back")

    def settle():
        settled.append(1)
        if len(settled) == 2 * pages:
            gate.open()

    async def handler(request):
        here.append(request)
        most.append(len(here))
        settle()
        await gate
        here.remove(request)
        return web.Response(text="a page\n")

    await fetch_from(handler, ways, pages, settle, limit)
    return noted(most=max(most))


# %%
async def fetch_from(handler, ways, pages, settle, limit):
    async with Town(keep=0) as town:
        for name in ("a.test", "b.test"):
            await town.open(name, handler)
        connector = town.connector("client", **limit)
        async with ClientSession(connector=connector, trace_configs=[queued(settle)]) as session:
            urls = [f"http://{name}/{n}" for n in range(pages) for name in ("a.test", "b.test")]
            await ways(session, urls, Telling(10, settle))


# %%
found = await compare(
    {
        "as posted": partial(fetched, as_posted),
        "around the request": partial(fetched, around_the_request),
        "limit=10": partial(fetched, without, limit=10),
        "limit_per_host=10": partial(fetched, without, limit_per_host=10),
        "nothing": partial(fetched, without),
    },
    ask={"in hand at once, at most": lambda t: t.notes["most"]},
)
found

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * The posted semaphore limits nothing [C92]. Inside it, a coroutine is *made*, which takes no time; it
#   starts to run in `gather`, when the semaphore is long behind it. This line is in many programs.
# * A number of simultaneous connections can be limited, as the post says, and is obeyed [C89]. Around the
#   request it is obeyed as well [L21a]. `limit_per_host` counts for each site [L21b].
# * Without a limit of yours there is one all the same: aiohttp's connector opens 100 connections, and the
#   posted program has that to thank for its peak [L21c].

# %%
MOST = "in hand at once, at most"
check(
    found,
    {
        "C92": {MOST: {"as posted": 10}},
        "C89": {MOST: {"limit=10": 10}},
        "L21a": {MOST: {"around the request": 10}},
        "L21b": {MOST: {"limit_per_host=10": 20}},
        "L21c": {MOST: {"nothing": 240}},
    },
)

# %% [markdown]
# **A place to stop.** You know where a limit belongs. What follows: what makes requests run at once at all,
# whom too many of them keep waiting, and what becomes of the others when one fails.
#
# ## What makes them run at once?
#
# Another post says that `async` and `await` let several requests be processed at the same time. Five pages;
# the sides differ in **how they are awaited.**


# %%
async def in_turn(session, urls, semaphore):
    for url in urls:
        await fetch(session, url)


async def in_a_group(session, urls, semaphore):
    async with asyncio.TaskGroup() as group:
        for url in urls:
            group.create_task(fetch(session, url))


# %%
async def five(way):
    here, most, gate = [], [0], Gate()

    async def handler(request):
        here.append(request)
        most.append(len(here))
        if len(here) == 5 or way is in_turn:
            gate.open()
        await gate
        here.remove(request)
        return web.Response(text="a page\n")

    async with Town() as town:
        await town.open("a.test", handler)
        async with ClientSession(connector=town.connector("client")) as session:
            await way(session, [f"http://a.test/{n}" for n in range(5)], None)
    return noted(town.trace, most=max(most))


# %%
ways = await compare(
    {
        "await in a loop": partial(five, in_turn),
        "gather": partial(five, without),
        "TaskGroup": partial(five, in_a_group),
    },
    ask={"in hand at once, at most": lambda t: t.notes["most"]},
)
ways

# %% [markdown]
# They can be processed at the same time [C45], by `gather`, or a `TaskGroup`. `await` alone does not do it: a
# loop of awaits has one request under way at a time [L21d].

# %%
check(
    ways,
    {
        "C45": {MOST: {"gather": 5, "TaskGroup": 5}},
        "L21d": {MOST: {"await in a loop": 5}},
    },
)

# %% [markdown]
# ## Who waits when there are too many?
#
# This server works on ten requests at a time, as a database would; whoever comes meanwhile stands in line.
# 200 pages. The sides differ in **how many the client has under way.** Not the milliseconds are counted, but
# the others: how many answers come between one's own question and one's own answer?


# %%
async def stand_in_line(at_once):
    done, waited, line, mine = [], [], asyncio.Semaphore(10), asyncio.Semaphore(at_once)

    async def handler(request):
        async with line:
            await asyncio.sleep(0)
        return web.Response(text="a page\n")

    async def one(session, url):
        async with mine:
            before = len(done)
            await fetch(session, url)
            waited.append(len(done) - before)
            done.append(url)

    async with Town(keep=0) as town:
        await town.open("a.test", handler)
        async with ClientSession(connector=town.connector("client", limit=0)) as session:
            await asyncio.gather(*(one(session, f"http://a.test/{n}") for n in range(200)))
    return noted(waited=max(waited))


# %%
prediction_line = {
    # one of: "yes", "no"
    "somebody waits for more than 50 others": {"10 at once": ..., "200 at once": ...},
}

# %%
line = await compare(
    {"10 at once": partial(stand_in_line, 10), "200 at once": partial(stand_in_line, 200)},
    ask={"somebody waits for more than 50 others": lambda t: t.notes["waited"] > 50},
)
line

# %%
score(prediction_line, line)

# %% [markdown]
# The post is right: too many requests delay the answers [C91]. They are not served sooner, they stand in line
# at the server, where nobody can choose. A suitable number can be set, and its effect be watched [C93]. Here
# is the same as your computer has it, with all 200 pages on each side:

# %%
OTHERS = "somebody waits for more than 50 others"
check(
    line,
    {"C91": {OTHERS: {"200 at once": True}}, "C93": {OTHERS: {"10 at once": False, "200 at once": True}}},
)

# %%
LIMITS = (1, 5, 10, 50, 200)
times = await weather({f"{it} at once": partial(stand_in_line, it) for it in LIMITS}, rounds=5)
draw.weather_view(times, finding="More at once is not sooner done, beyond what the server does at a time")

# %% [markdown]
# ## And when one fails?
#
# Of five pages the third is a 500, and `raise_for_status()` says so at once. The other four wait at a gate.
# The sides differ in **what they were gathered by.**


# %%
async def strict(session, url):
    async with session.get(url) as response:
        response.raise_for_status()
        return await response.text()


# %%
async def one_fails(group):
    gate, four = Gate("the error has been raised"), [f"http://a.test/{n}" for n in (1, 2, 4, 5)]

    async def handler(request):
        if request.path == "/3":
            await gate.reached(4)
            raise web.HTTPInternalServerError()
        await gate
        return web.Response(text="a page\n")

    async with Town() as town:
        await town.open("a.test", handler)
        async with ClientSession(connector=town.connector("client")) as session:
            tasks = await group([partial(strict, session, url) for url in [*four, "http://a.test/3"]])
            left = sum(not task.done() for task in tasks)
            gate.open()
            pages = await asyncio.gather(*tasks, return_exceptions=True)
    return noted(town.trace, left=left, pages=sum(it == "a page\n" for it in pages))


# %%
async def gathered(calls):
    tasks = [asyncio.create_task(call()) for call in calls]
    with suppress(ClientResponseError):
        await asyncio.gather(*tasks)
    return tasks


async def grouped(calls):
    tasks = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks += [group.create_task(call()) for call in calls]
    except* ClientResponseError:
        pass
    return tasks


# %%
prediction_failed = {
    # one of: 0, 4
    "requests that go on": {"gather": ..., "TaskGroup": ...},
}

# %%
failed = await compare(
    {"gather": partial(one_fails, gathered), "TaskGroup": partial(one_fails, grouped)},
    ask={
        "requests that go on": lambda t: t.notes["left"],
        "pages that come": lambda t: t.notes["pages"],
    },
)
failed

# %%
score(prediction_failed, failed)

# %% [markdown]
# `gather` raises the first error and lets the others run on, unseen [L21e]. A `TaskGroup` cancels them, and
# waits until they are gone [L21f].

# %%
ON = "requests that go on"
check(failed, {"L21e": {ON: {"gather": 0}}, "L21f": {ON: {"TaskGroup": 0, "gather": 4}}})

# %% [markdown]
# ## A rate is something else
#
# "Ten at once" is no speed: if answers come fast, many go out in a second. A *rate* is a number in a time,
# and a semaphore cannot count that. `pip install aiolimiter` brings one that can; without it, this cell is
# for reading. Five have been let in, and have come out again. May a sixth go?

# %% tags=["needs-aiolimiter"]
from aiolimiter import AsyncLimiter


async def five_times(limit):
    for _ in range(5):
        async with limit:
            await asyncio.sleep(0)
    return noted(free=limit.has_capacity() if isinstance(limit, AsyncLimiter) else not limit.locked())


await compare(
    {
        "Semaphore(5)": lambda: five_times(asyncio.Semaphore(5)),
        "AsyncLimiter(5, 3600)": lambda: five_times(AsyncLimiter(5, 3600)),
    },
    ask={"a sixth may go": lambda t: t.notes["free"]},
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/21_limit_for_real.ipynb) are in a notebook of their
# own.
#
# ### ★ three-at-a-time (6 minutes)
#
# Fetch all `urls` with this session, three at a time, and return their texts in the order of the list.


# %% exercise="three-at-a-time"
async def fetch_all(session, urls):
    ...  # TODO: three at a time, and no more
    # solution
    semaphore = asyncio.Semaphore(3)

    async def one(url):
        async with semaphore, session.get(url) as response:
            return await response.text()

    return await asyncio.gather(*(one(url) for url in urls))
    # end


# %%
await attempt("three-at-a-time", fetch_all)

# %% [markdown]
# <details><summary>Hint</summary>
# The semaphore belongs around the request. All calls share one.
# </details>
#
# ### ★★ in-the-connector (6 minutes)
#
# The arguments of a `TCPConnector` for a client of two sites: at most six connections, and at most four to
# one site.

# %% exercise="in-the-connector"
options = ...  # TODO: a dict, as in {"ttl_dns_cache": 10}
# solution
options = {"limit": 6, "limit_per_host": 4}
# end

# %%
await attempt("in-the-connector", options)

# %% [markdown]
# <details><summary>Hint</summary>
# Two of the sides above. Both can be given.
# </details>
#
# ### ★★★ as-they-come (12 minutes)
#
# There may be a million `urls`: a million tasks would be too many. Fetch all of an *iterator* with three
# workers, and call `done(url, text)` for each page. At most three of the urls may be taken and not yet done.


# %% exercise="as-they-come"
async def crawl(session, urls, done):
    ...  # TODO: three workers that share one iterator

    # solution
    async def work():
        for url in urls:  # one iterator for all three: who is free takes the next
            async with session.get(url) as response:
                done(url, await response.text())

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(work())
    # end


# %%
await attempt("as-they-come", crawl)

# %% [markdown]
# <details><summary>Hint</summary>
# An iterator gives each of its values once, whoever asks. Three tasks can run <code>for url in urls</code> on
# the same one.
# </details>
#
# ## In practice
#
# * The limit of connections is the connector's: `TCPConnector(limit=…, limit_per_host=…)`. A semaphore
#   belongs around the request.
# * Measure before you raise a limit: beyond what the other side does at a time you only wait longer.
# * A `TaskGroup` leaves nothing running. After `gather`, look at what is.
# * For "so many a second" take a rate limiter.
#
# Next: [22 · What stays open when you are done?](22_close_what_you_open.ipynb)
#
# ## Where this comes from
#
# * aiohttp 3.14: [limiting the connection
#   pool](https://docs.aiohttp.org/en/stable/client_advanced.html#limiting-connection-pool-size),
#   [tracing](https://docs.aiohttp.org/en/stable/tracing_reference.html).
# * Python: [`asyncio.Semaphore`](https://docs.python.org/3/library/asyncio-sync.html#asyncio.Semaphore),
#   [`asyncio.TaskGroup`](https://docs.python.org/3/library/asyncio-task.html#task-groups).
# * Two of the four posts this course began from: post 003 on answer times and stability, post 002 on
#   concurrency.

# %%
await guard.clean()
