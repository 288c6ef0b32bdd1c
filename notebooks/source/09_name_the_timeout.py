# %% [markdown]
# # 09 · Which timeout fires?
#
# **You will** hold a request in seven phases, one at a time, set one of aiohttp's four timeouts, and see
# which of them notices, and which class it raises.
#
# **You need** lesson 01.
#
# **Minutes:** 35 to read and run (13 to the place to stop), 30 for the exercises.

# %%
import asyncio
from contextlib import AsyncExitStack, suppress
from functools import partial

import aiohttp
from aiohttp import ClientSession, ClientTimeout, web

from labs import Grid, Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.instruments import (
    clock_in_hand,
    hold_connect,
    hold_lookup,
    in_force,
    outlast,
    recorded_timers,
    shut,
)

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# `ClientTimeout` has four timeouts, in seconds: `total`, `connect`, `sock_connect` and `sock_read`. The
# sides below differ in one thing: **which of the four is set.** The other three are off.
#
# A request waits for seven things, one after the other. First for a *free connection*: a session's
# connector has a limited number of them, its *pool*. Then come the address behind the name, the TCP
# connection, the TLS handshake, the first byte of the answer, its next piece, and its end, while pieces come.
# Each can be held at a *gate*, which opens when the experiment says so.
#
# The address and the TCP connection are held on the client's side, by `hold_lookup` and `hold_connect`,
# and the handshake by the server, which does not read. The origin holds the answer. It holds the pool,
# too: with `limit=1`, an earlier request whose answer has not ended has the only connection.
#
# `trial` is one run of the experiment below. It brings the town and the gate, and `trial.begin()` gives the
# timeout's seconds; for seconds of your own write `trial.begin(2)`.

# %%
TIMEOUTS = ("total", "connect", "sock_connect", "sock_read")
WAITS = (
    "a free connection",
    "the address",
    "the TCP connection",
    "the TLS handshake",
    "the first byte",
    "the next piece",
    "the end, while pieces come",
)
POOL, NAME, TCP, TLS, FIRST, NEXT, END = WAITS


# %%
def origin(wait, gate):
    async def handler(request):
        answer = web.StreamResponse()
        if wait == FIRST:
            await gate
        with suppress(ConnectionResetError):  # the client has left
            await answer.prepare(request)
            await answer.write(b"piece ")
            if wait in (POOL, NEXT):
                await gate
            while wait == END and await shut(gate):  # at once the next piece, until the gate opens
                await answer.write(b"piece ")
        return answer

    return handler


# %%
async def ask(wait, name, trial):
    town, gate, tls = trial.town, trial.gate, wait == TLS
    await town.open("origin.test", origin(wait, gate), tls=tls, gate=gate if tls else None)
    url = "https://origin.test/" if tls else "http://origin.test/"
    connector = town.connector("client", limit=1, ssl=town.ca.client_context() if tls else True)
    async with ClientSession(connector=connector) as client, AsyncExitStack() as stack:
        if wait == POOL:  # an earlier request has the only connection
            await stack.enter_async_context(client.get(url))
        elif wait == NAME:
            hold_lookup(connector, gate)
        elif wait == TCP:
            hold_connect(connector, gate)
        async with client.get(url, timeout=ClientTimeout(**{name: trial.begin()})) as answer:
            await answer.read()


# %% [markdown]
# ## Predict
#
# What does each timeout raise, when the request waits for this longer than the timeout? Write
# `"TimeoutError"`, `"ConnectionTimeoutError"` or `"SocketTimeoutError"`, or `None` where the timeout lets it
# wait.

# %%
prediction = {
    # one of: "TimeoutError", "ConnectionTimeoutError", "SocketTimeoutError", None
    "a free connection": {"total": ..., "connect": ..., "sock_connect": ..., "sock_read": ...},
    # one of: "ConnectionTimeoutError", "SocketTimeoutError", None
    "the address": {"connect": ..., "sock_connect": ...},
    # one of: "ConnectionTimeoutError", "SocketTimeoutError", None
    "the next piece": {"connect": ..., "sock_read": ...},
    # one of: "TimeoutError", "SocketTimeoutError", None
    "the end, while pieces come": {"total": ..., "sock_read": ...},
}

# %% [markdown]
# ## The experiment
#
# How do you see that a timeout does *not* fire? By an order of events. `outlast` makes a trial, with a
# reference timer on the same loop, set after the timeout, and longer than it. Only when it has rung does the
# gate open. So a timeout fires while the gate is shut, or it has let its chance pass, and the answer comes.
#
# A run that shows neither, because your computer was busy, says nothing. `outlast` repeats it with twice
# the seconds. So a slow computer takes longer, and comes to the same table.


# %%
async def try_all(name):
    runs = await asyncio.gather(*(outlast(partial(ask, wait, name)) for wait in WAITS))
    return noted(runs[0].trace, dict(zip(WAITS, runs, strict=True)))


found = await compare(
    {name: partial(try_all, name) for name in TIMEOUTS},
    ask={wait: lambda t, wait=wait: t.notes[wait].raised for wait in WAITS},
)
found

# %%
KEY = {"T": "TimeoutError", "C": "ConnectionTimeoutError", "S": "SocketTimeoutError", "–": "it waits"}
LETTERS = {"–": "–"} | {name: letter for letter, name in KEY.items()}
cells = {("which timeout is set", *at): LETTERS[raised] for at, raised in found.answers.items()}
draw.heat_map(
    Grid(WAITS, {"which timeout is set": TIMEOUTS}, cells, KEY),
    finding="Only total sees every wait; the other three see a part each",
)

# %%
draw.deadlines_view(
    {name: found[name].notes for name in TIMEOUTS},
    finding="A timeout that fires is a little late; where none fires, the request waits",
)

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * A post says that `ClientTimeout(total=5)` covers the entire request. It does: `total` fires in every phase
#   [C56a]. Whether after five seconds: last section.
# * `connect` is the time until a connection is there, new or from the pool. It sees the first four waits and
#   no other [L09a].
# * `sock_connect` is the time of the socket alone: TCP and TLS. It does not see the pool [L09b], and it does
#   not see a slow lookup of the name [L09c]. Only `connect` and `total` do.
# * `sock_read` is the time between two pieces. A server that says nothing is noticed. A body that
#   takes long is not, as long as its pieces keep coming [L09d]. That is the difference between a dead
#   download and a large one: `total` cannot tell them apart.
# * The second picture has the same runs, with the time that was asked for and the time when the request
#   ended. That is *weather*: on a busy computer its lines are longer, and the marks at their ends are the
#   same.
#
# This is what the server hears when `sock_read` fires between two pieces. The status had been sent: a status
# 200 does not protect you from a timeout. And the client closes the connection, for nobody will read the
# rest.

# %%
found["sock_read"].notes[NEXT].trace.lanes()

# %%
T, C, S, WAITED = "TimeoutError", "ConnectionTimeoutError", "SocketTimeoutError", "–"
AFTER = (FIRST, NEXT, END)
check(
    found,
    {
        "C56a": {wait: {"total": T} for wait in WAITS},
        "L09a": {wait: {"connect": WAITED if wait in AFTER else C} for wait in WAITS},
        "L09b": {TCP: {"sock_connect": C}, TLS: {"sock_connect": C}, POOL: {"sock_connect": WAITED}},
        "L09c": {NAME: {"sock_connect": C}},
        "L09d": {FIRST: {"sock_read": S}, NEXT: {"sock_read": S}, END: {"sock_read": WAITED}},
    },
)

# %% [markdown]
# **A place to stop.** You know which timeout fires. What follows: what you would have caught, whose time is
# counted, where you write it, and why five seconds may be six.

# %% [markdown]
# ## What would you have caught?
#
# Each timeout once more, in a phase where it fires. The questions are what an `except` asks.

# %%
prediction_families = {
    # one of: "yes", "no"
    "except ClientError": {"total": ..., "connect": ..., "sock_connect": ..., "sock_read": ...},
}


# %%
FIRES = {"total": FIRST, "connect": POOL, "sock_connect": TCP, "sock_read": FIRST}


async def give_up(name, wait):
    run = await outlast(partial(ask, wait, name))
    return noted(run.trace, {"error": run.error})


families = await compare(
    {name: partial(give_up, name, wait) for name, wait in FIRES.items()},
    ask={
        "it raises": lambda t: type(t.notes["error"]).__name__,
        "except asyncio.TimeoutError": lambda t: isinstance(t.notes["error"], asyncio.TimeoutError),
        "except ServerTimeoutError": lambda t: isinstance(t.notes["error"], aiohttp.ServerTimeoutError),
        "except ClientError": lambda t: isinstance(t.notes["error"], aiohttp.ClientError),
        "its message is empty": lambda t: not str(t.notes["error"]),
    },
)
families

# %%
score(prediction_families, families)

# %% [markdown]
# * Every timeout is an `asyncio.TimeoutError` [C68], which is another name of Python's own `TimeoutError`.
# * Only three of the four are a `ClientError` [L09e], and these three are a `ServerTimeoutError`, too, also
#   where no server is to blame. `total` raises Python's `TimeoutError` itself, and it goes past an
#   `except ClientError`. Its message is empty, too: `print(error)` prints an empty line, so log
#   `repr(error)` [L09f].
# * The class does not tell `connect` from `sock_connect` [L09g].

# %%
CAUGHT = dict.fromkeys(TIMEOUTS, True)
check(
    families,
    {
        "C68": {"except asyncio.TimeoutError": CAUGHT},
        "L09e": {"except ClientError": CAUGHT},
        "L09f": {"its message is empty": {"total": True, "connect": False, "sock_read": False}},
        "L09g": {"it raises": {"total": T, "connect": C, "sock_connect": C, "sock_read": S}},
    },
)

# %% [markdown]
# ## Whose time is it?
#
# Between two pieces your own code has its turn. Below it takes longer than the timeout. It awaits something
# else, or it blocks the whole loop. In the third row the answer had come to its end before. The sides differ
# in **which timeout is set**. `late` says that the exception came only after the gate had opened.


# %%
async def dawdle(rest, work, name, trial):
    await trial.town.open("origin.test", origin(rest, trial.gate))
    connector, timeout = trial.town.connector("client"), ClientTimeout(**{name: trial.begin()})
    async with (
        ClientSession(connector=connector, timeout=timeout) as client,
        client.get("http://origin.test/") as answer,
    ):
        await answer.content.readany()
        if work == "block":
            trial.block()
        else:
            await trial.gate
        await answer.read()


async def try_own(name):
    cases = ((END, "await"), (END, "block"), (None, "await"))
    runs = [await outlast(partial(dawdle, *case, name)) for case in cases]
    return noted(runs[0].trace, {"runs": runs})


# %%
rows = ("you await, more to come", "you block, more to come", "you await, all has come")
inside = "it breaks into your await"
own = await compare(
    {name: partial(try_own, name) for name in ("total", "sock_read")},
    ask={row: lambda t, n=n: t.notes["runs"][n].raised for n, row in enumerate(rows)}
    | {inside: lambda t: bool(t.notes["runs"][0].error and not t.notes["runs"][0].late)},
)
own

# %% [markdown]
# * `total` counts your own time, whether you await or block [L09h]: a post advises rightly that the work on
#   each piece should not take long. It does not break off what you await: the exception comes out of your
#   next read [L09q].
# * It stops counting when the last byte has come, read or not [L09i].
# * `sock_read` measures the server, and not you [L09j].

# %%
check(
    own,
    {
        "L09h": {rows[0]: {"total": T}, rows[1]: {"total": T}},
        "L09i": {rows[2]: {"total": WAITED}},
        "L09j": {row: {"sock_read": WAITED} for row in rows},
        "L09q": {inside: {"total": True}},
    },
)

# %% [markdown]
# How much is left, in seconds? Nobody has to wait for them. Below, the loop's clock is in your hand: it
# stands, until `let_pass` moves it. A timeout is an alarm on this clock, and the time that is left is the
# time until it rings. Each side has **one timeout of four seconds**. Your code takes three, and then the
# next piece comes.


# %%
def as_they_come(pieces):
    async def handler(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        while piece := await pieces.get():
            await answer.write(piece)
        return answer

    return handler


# %%
async def left_over(name):
    pieces, left, loop = asyncio.Queue(), [], asyncio.get_running_loop()
    async with Town() as town:
        await town.open("origin.test", as_they_come(pieces))
        connector, timeout = town.connector("client"), ClientTimeout(**{name: 4})
        async with ClientSession(connector=connector, timeout=timeout) as client:
            with clock_in_hand() as let_pass, recorded_timers() as alarms:
                pieces.put_nowait(b"piece ")
                async with client.get("http://origin.test/") as answer:
                    await answer.content.readany()
                    left.append(alarms[-1].when - loop.time())
                    let_pass(3)  # your own code
                    pieces.put_nowait(b"piece ")
                    await answer.content.readany()
                    left.append(alarms[-1].when - loop.time())
                    pieces.put_nowait(b"")
                    await answer.read()
    return noted(town.trace, left=left)


# %%
AT_FIRST, AT_SECOND = "seconds left at the first piece", "seconds left at the second"
remain = await compare(
    {name: partial(left_over, name) for name in ("total", "sock_read")},
    ask={AT_FIRST: lambda t: t.notes["left"][0], AT_SECOND: lambda t: t.notes["left"][1]},
)
remain

# %% [markdown]
# Three seconds of your own are three seconds less of `total`: one is left for the rest of the answer [L09u].
# `sock_read` begins anew with each piece, so all four are there again [L09v].

# %%
check(
    remain,
    {
        "L09u": {AT_FIRST: {"total": 4.0}, AT_SECOND: {"total": 1.0}},
        "L09v": {AT_FIRST: {"sock_read": 4.0}, AT_SECOND: {"sock_read": 4.0}},
    },
)

# %% [markdown]
# ## Where you write it
#
# A timeout can be given to the session and to a request. Here the same four values are given to the one, to
# the other, and to a request whose session has a timeout of its own. The server is a good one. The answers
# are the timeouts that are **in force** for the request.


# %%
async def good(request):
    return web.Response(text="here I am\n")


async def give(**timeout):
    notes, other = {}, {"timeout": ClientTimeout(connect=2)}
    async with Town() as town:
        await town.open("origin.test", good)
        places = {"session": (timeout, {}), "request": ({}, timeout), "both": (other, timeout)}
        for place, (of_session, of_request) in places.items():
            heard = in_force(connector := town.connector("client"))
            try:
                async with (
                    ClientSession(connector=connector, **of_session) as client,
                    client.get("http://origin.test/", **of_request),
                ):
                    notes[place] = {it: getattr(heard[0], it) for it in TIMEOUTS if getattr(heard[0], it)}
            except ValueError:
                notes[place] = "ValueError"
    return noted(town.trace, notes)


# %%
given = await compare(
    {
        "nothing": give,
        "None": partial(give, timeout=None),
        "1": partial(give, timeout=1),
        "ClientTimeout(sock_read=1)": partial(give, timeout=ClientTimeout(sock_read=1)),
    },
    ask={
        "given to the session": lambda t: t.notes["session"],
        "given to the request": lambda t: t.notes["request"],
        "the same, the session has connect=2": lambda t: t.notes["both"],
    },
)
given

# %% [markdown]
# * Both places work [C55]. What a request is given takes the place of what the session has, as a whole:
#   nothing of `connect=2` is left [L09s].
# * A `ClientTimeout` replaces the default as a whole, too. What it does not name has no limit: here the 300
#   seconds of `total` are gone, and the 30 of `sock_connect` [L09k].
# * A request takes a bare number [C69], though its type hints do not allow it. A session does not [L09m].
# * `None` at the request means no limit. At the session it means the default [L09n].

# %%
OBJECT = "ClientTimeout(sock_read=1)"
SESSION, REQUEST, BOTH = given.asked
check(
    given,
    {
        "C55": {place: {OBJECT: {"sock_read": 1}} for place in (SESSION, REQUEST)},
        "C69": {REQUEST: {"1": {"total": 1}}},
        "L09k": {SESSION: {"nothing": {"total": 300, "sock_connect": 30}, OBJECT: {"sock_read": 1}}},
        "L09m": {SESSION: {"1": {"total": 1}}},
        "L09n": {SESSION: {"None": {}}, REQUEST: {"None": {}}},
        "L09s": {BOTH: {"nothing": {"connect": 2}, "None": {}, "1": {"total": 1}, OBJECT: {"sock_read": 1}}},
    },
)

# %% [markdown]
# ## Five seconds, or six?
#
# Nobody has to wait to see when a timeout would fire. It is an alarm on the loop's clock, and the time of
# an alarm can be read when it is set. Each side gives each timeout **another number of seconds**.

# %%
prediction_rounded = {
    # one of: "on time", "next whole second"
    "total": {"4.9": ..., "5": ..., "5.1": ...},
    # one of: "on time", "next whole second"
    "sock_read": {"5.1": ...},
}


# %%
async def set_alarms(seconds, **threshold):
    notes = {}
    async with Town() as town:
        await town.open("origin.test", good)
        for name in TIMEOUTS:
            timeout = ClientTimeout(**{name: seconds}, **threshold)
            async with ClientSession(connector=town.connector("client"), timeout=timeout) as client:
                with recorded_timers() as heard:
                    async with client.get("http://origin.test/") as answer:
                        await answer.read()
            notes[name] = "next whole second" if all(it.whole for it in heard) else "on time"
    return noted(town.trace, notes)


rounded = await compare(
    {str(seconds): partial(set_alarms, seconds) for seconds in (4.9, 5, 5.1)}
    | {"5.1, ceil_threshold=10": partial(set_alarms, 5.1, ceil_threshold=10)},
    ask={name: lambda t, name=name: t.notes[name] for name in TIMEOUTS},
)
rounded

# %%
score(prediction_rounded, rounded)

# %% [markdown]
# * The post sets five seconds, and does not say that the alarm rings then. That is the trap [L09t]: from five
#   seconds on, aiohttp rounds up to the next whole second of the loop's clock, so that many alarms ring
#   together and the loop wakes less often. That makes it five to six seconds.
# * The documentation says so of every timeout of five seconds or more [L09r]. But `connect` and
#   `sock_connect` are rounded above five only, and `sock_read` never. `ceil_threshold` says where it
#   begins [L09p].

# %%
ON, UP = "on time", "next whole second"
check(
    rounded,
    {
        "L09t": {"total": {"5": ON}},
        "L09p": {
            "total": {"4.9": ON, "5": UP, "5.1": UP, "5.1, ceil_threshold=10": ON},
            **{it: {"5": ON, "5.1": UP, "5.1, ceil_threshold=10": ON} for it in TIMEOUTS[1:3]},
            "sock_read": {"5": ON, "5.1": ON},
        },
        "L09r": {name: {"5": UP, "5.1": UP} for name in TIMEOUTS},
    },
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/09_name_the_timeout.ipynb) are in a notebook of
# their own.
#
# ### ★ large-download (8 minutes)
#
# Return a `ClientTimeout` for large downloads. A body may take as long as it wants, while its pieces come. A
# server that is silent for `seconds`, or takes longer than that to connect, must be noticed.


# %% exercise="large-download"
def patient(seconds):
    ...  # TODO: return a ClientTimeout
    # solution
    return ClientTimeout(sock_connect=seconds, sock_read=seconds)
    # end


# %%
await attempt("large-download", patient)

# %% [markdown]
# <details><summary>Hint</summary>
# In the first table, which two columns together see the TCP connection and the next piece, and wait for the
# end, while pieces come? Two pairs do. <code>connect</code> counts the queue of your own pool, too:
# <code>sock_connect</code> measures the server alone.
# </details>
#
# ### ★★ say-which (8 minutes)
#
# Get `url` and return its text. If a timeout fires, return instead which: "connect", "read" or "total".
# `sock_connect` counts as "connect". No other error is yours: let it be raised.


# %% exercise="say-which"
async def fetch(client, url):
    ...  # TODO: get url, and tell the three classes apart
    # solution
    try:
        async with client.get(url) as answer:
            return await answer.text()
    except aiohttp.ConnectionTimeoutError:
        return "connect"
    except aiohttp.ServerTimeoutError:
        return "read"
    except TimeoutError:
        return "total"
    # end


# %%
await attempt("say-which", fetch)

# %% [markdown]
# <details><summary>Hint</summary>
# The first <code>except</code> that fits is taken: the special ones go first. The answer can be late in
# <code>text()</code>, too.
# </details>
#
# ### ★★★ one-deadline (14 minutes)
#
# Get the pages of `urls`, one after the other, and return the list of their texts. All of them together have
# `seconds`. When the time is over, return at once those that have come. The first page needs more than half
# of it.


# %% exercise="one-deadline"
async def collect(client, urls, seconds):
    ...  # TODO: one deadline for all the requests
    # solution
    texts = []
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            for url in urls:
                async with client.get(url) as answer:
                    texts.append(await answer.text())
    return texts
    # end


# %%
await attempt("one-deadline", collect)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>total</code> begins anew with every request, and <code>sock_read</code> with every piece. Python has a
# timeout for a whole block: <code>asyncio.timeout</code>, since 3.11.
# </details>
#
# ## In practice
#
# * **Calls to an API:** `ClientTimeout(total=10, sock_connect=3)`. **Large downloads:**
#   `ClientTimeout(sock_connect=10, sock_read=60)`. After 300 seconds the default cuts off a body that still
#   comes.
# * Write `except (ClientError, TimeoutError)` where you mean "the network failed".
# * A `TimeoutError` although the server is fast can come from your own queue: `total` and `connect` count the
#   wait for a free connection. Raise the connector's `limit`, or hold back requests before they begin.
# * To change one value and keep the rest of the default, name the rest: `ClientTimeout(total=60,
#   sock_connect=30)`.
# * Mind aiohttp 3.14.0 and 3.14.1: there `sock_read` goes on counting after the last byte (issue 12953).
# * After a timeout, the server may have done the work all the same. Lesson 11 asks when you may try again.
#
# Next: [10 · What goes on when the client leaves?](10_give_up_first.ipynb)
#
# ## Where this comes from
#
# * aiohttp 3.14: [timeouts](https://docs.aiohttp.org/en/stable/client_quickstart.html#timeouts),
#   [ClientTimeout](https://docs.aiohttp.org/en/stable/client_reference.html#clienttimeout), [hierarchy of
#   exceptions](https://docs.aiohttp.org/en/stable/client_reference.html#hierarchy-of-exceptions).
# * Python: [asyncio.timeout](https://docs.python.org/3/library/asyncio-task.html#asyncio.timeout).
# * aiohttp issues [2249](https://github.com/aio-libs/aiohttp/issues/2249) (the five minutes),
#   [7801](https://github.com/aio-libs/aiohttp/issues/7801) (a class for each timeout),
#   [8133](https://github.com/aio-libs/aiohttp/issues/8133) (the empty message) and
#   [12953](https://github.com/aio-libs/aiohttp/issues/12953) (`sock_read` after the end).
# * Post 002, on timeouts and on errors.

# %%
await guard.clean()
