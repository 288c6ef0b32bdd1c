# %% [markdown]
# # 13 · Who slows down when the reader is slow?
#
# **You will** let a client stop reading in the middle of a large answer, and see who waits, and where the
# bytes are meanwhile: directly, and through two kinds of proxy.
#
# **You need** lessons 00, 01, 05 and 12.
#
# **Minutes:** 29 to read and run (12 to the place to stop), 33 for the exercises.

# %%
import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from aiohttp import ClientSession, web

from labs import Gate, Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.instruments import KIB, MIB, Flow

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# The origin sends 32 MiB, as fast as it can. The client takes the head of the answer, and then reads nothing
# for a while: a slow disk, a busy program, a telephone on a train. Where do the bytes go?
#
# The sides differ in **what stands between the two**: nothing, a proxy that reads the whole body before it
# answers, or one that writes each piece on as it comes. You know both from lessons 01 and 05.


# %%
SIZE, PIECE = 32 * MIB, bytes(256 * KIB)


async def file(request, wrote=lambda transport: None):
    out = web.StreamResponse(headers={"Content-Length": str(SIZE)})
    await out.prepare(request)
    for _ in range(SIZE // len(PIECE)):
        await out.write(PIECE)
        wrote(request.transport)
    return out


# %%
async def buffering(request, inner):
    async with inner.get(request.path) as answer:
        body = await answer.read()
        return web.Response(body=body, content_type=answer.content_type)


async def streaming(request, inner):
    async with inner.get(request.path) as answer:
        out = web.StreamResponse(headers={"Content-Type": answer.content_type})
        await out.prepare(request)
        async for piece in answer.content.iter_any():
            await out.write(piece)
        return out


# %% [markdown]
# ## Predict
#
# The client has the head, and reads nothing. Nothing moves any more.
#
# 1. Has the origin sent all 32 MiB?
# 2. Does the front hold less than 8 MiB of them?

# %%
prediction = {
    # one of: "yes", "no"
    "the origin has sent all": {"direct": ..., "buffering": ..., "streaming": ...},
    # one of: "yes", "no"
    "the front holds less than 8 MiB": {"buffering": ..., "streaming": ...},
}

# %% [markdown]
# ## The experiment
#
# A `Flow` looks at every turn of the event loop where the bytes are. It asks the sending ends (`sends`), the
# sessions that receive (`hears`), and the reader, who calls `flow.read`. `flow.rest()` waits until no byte
# moves any more. The origin notes every write that has returned.
#
# Between aiohttp and the system stands asyncio's *transport*, with a buffer of its own. It has two marks:
# above the high one it says *pause*, and at the low one *go on*.


# %%
def session(town, flow, who, whom):
    return ClientSession(f"http://{whom}", connector=town.connector(who), trace_configs=[flow.hears(who)])


@asynccontextmanager
async def opened(front, origin):
    way = ("origin.test", "front.test", "client") if front else ("origin.test", "client")
    async with Town(keep=64 * KIB) as town, Flow(town, way) as flow, AsyncExitStack() as stack:
        await town.open("origin.test", flow.sends("origin.test", origin))
        if front:
            inner = await stack.enter_async_context(session(town, flow, "front.test", "origin.test"))
            await town.open("front.test", flow.sends("front.test", partial(front, inner=inner)))
        yield town, await stack.enter_async_context(session(town, flow, "client", way[-2])), flow


# %%
async def slowly(front):
    marks = []  # one pair for each write that has returned
    origin = partial(file, wrote=lambda transport: marks.append(transport.get_write_buffer_limits()))
    async with opened(front, origin) as (_, client, flow), client.get("/file") as answer:
        at_rest, writes = await flow.rest(), len(marks)
        async for piece in answer.content.iter_any():
            flow.read(len(piece))
    came, (low, _) = answer.content.total_bytes, marks[0]
    return noted(flow=flow, at_rest=at_rest, came=came, writes=writes, low_mark=low)


def writes_that_returned(trace):
    writes = trace.notes["writes"]
    return "all" if writes == SIZE // len(PIECE) else "some" if writes else "none"


# %%
def holds_little(who, trace):
    held = trace.notes["at_rest"].get(f"in {who}")
    return None if held is None else held < SIZE // 4


found = await compare(
    {"direct": partial(slowly, None)} | {it.__name__: partial(slowly, it) for it in (buffering, streaming)},
    ask={
        "the origin has sent all": lambda t: t.notes["at_rest"]["sent"] >= SIZE,
        "writes of the origin that have returned": writes_that_returned,
        "its transport holds more than the low mark": lambda t: (
            t.notes["at_rest"]["in origin.test"] > t.notes["low_mark"]
        ),
        "the front holds less than 8 MiB": partial(holds_little, "front.test"),
        "the client holds less than 8 MiB": partial(holds_little, "client"),
        "MiB that came in the end": lambda t: t.notes["came"] // MIB,
    },
)
found

# %%
draw.flow_view(
    {it: found[it].notes["flow"] for it in found.sides},
    finding="A slow reader slows the sender down, unless a proxy takes it all first",
)

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# All rows but the last tell of the time when the client had read nothing.
#
# * Directly, the origin had to wait: it slowed down with its reader [L13a]. Nobody told its handler to.
#   aiohttp's client stops reading from its socket when more than half a MiB lies unread (twice its
#   `read_bufsize`). Then the system's buffers fill, at both ends, and then the transport. This is
#   *back-pressure*.
# * What waits is the origin's `await out.write(...)` [L13f]. After every 64 KiB that it has written, aiohttp
#   asks whether the transport has said *pause*. If so, the write waits until it says *go on*. Here it did
#   not say so: it held more than the low mark. That is the whole brake. Who gives each write to a task of
#   its own, and goes on, does not feel it.
# * A write that has returned says nothing about the reader [L13e]. The bytes may lie in the transport, in
#   either system, or unread in the client.
# * A proxy passes the brake on only if it streams [L13b]. The buffering one took everything as fast as the
#   origin gave it, and had to keep what its client did not take. A hundred such clients are a hundred bodies
#   in memory.
# * The streaming one waited in its own `await out.write(piece)`, so it did not ask for the next piece. It
#   held less than a quarter of the body [L13c].
#
# How much the systems hold is weather: here some MiB at each hop. The dotted bands of the picture show it.

# %%
SENT, RETURNED, ABOVE, FRONT, CLIENT, CAME = found.asked  # the questions of the table, from its top
check(
    found,
    {
        "L13a": {SENT: {"direct": False}, CAME: {"direct": 32}},
        "L13f": {
            RETURNED: {"direct": "some", "buffering": "all", "streaming": "some"},
            ABOVE: {"direct": True, "buffering": False, "streaming": True},
        },
        "L13e": {RETURNED: {"direct": "none"}},
        "L13b": {SENT: {"buffering": False, "streaming": False}},
        "L13c": {FRONT: {"buffering": False, "streaming": True}},
    },
)

# %% [markdown]
# **A place to stop.** You know who slows down. What follows: events through a proxy, a reader who leaves,
# and work while it streams.

# %% [markdown]
# ## Live, or in one lump
#
# The proxy of a post says `raw = await res.read()`, and waits for the last byte before the first goes out.
# A stream of *server-sent events* shows it: an answer of type `text/event-stream` in which each event is a
# line `data: …` and an empty line. Here the origin sends three events, and stands at a gate after each.
# While it stands there, the client asks for `/now`, on the same way. What was sent before that has had time
# to come. Then the gate opens.


# %%
def ticker(gate):
    async def origin(request):
        if request.path == "/now":
            return web.Response()
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        for number in range(3):
            await out.write(f"data: event {number + 1}\n\n".encode())
            await gate
            gate.close()
        return out

    return origin


# %%
async def follow(client, came):
    async with client.get("/events") as answer:
        async for line in answer.content:
            if line.startswith(b"data:"):
                came.append(line.decode().strip())


async def listen(front):
    came, had = [], []
    with Gate("the next event") as gate:
        async with opened(front, ticker(gate)) as (town, client, _), asyncio.TaskGroup() as group:
            group.create_task(follow(client, came))
            for number in (1, 2, 3):
                await gate.reached(number)
                async with client.get("/now"):
                    had.append(len(came))
                gate.open()
    return noted(town.trace, came=came, had=had)


# %%
prediction_live = {
    # one of: "1, 2, 3", "0, 0, 0", "0, 0, 3"
    "events the client has at each gate": {"direct": ..., "buffering": ..., "streaming": ...},
}


# %%
live = await compare(
    {"direct": partial(listen, None)} | {it.__name__: partial(listen, it) for it in (buffering, streaming)},
    ask={
        "events the client has at each gate": lambda t: t.notes["had"],
        "events the client has in the end": lambda t: len(t.notes["came"]),
    },
)
live

# %%
score(prediction_live, live)

# %%
live["buffering"].lanes()

# %% [markdown]
# The lanes show an answer where it begins. The origin's answer to `/events` is the third arrow; the front's
# is the last one.
#
# The buffering proxy brings the whole answer [C18a], as the post's does. The trap is to read first whatever
# the answer is: nothing goes out before all has come [L13k]. The events came in one lump, and what is meant
# for now came at the end. Through it, a feed that never ends would never come at all. Through the streaming
# proxy the events came live [L13d].

# %%
check(
    live,
    {
        "C18a": {"events the client has in the end": {"direct": 3, "buffering": 3}},
        "L13k": {"events the client has at each gate": {"direct": [1, 2, 3], "buffering": [1, 2, 3]}},
        "L13d": {"events the client has at each gate": {"buffering": [0, 0, 0], "streaming": [1, 2, 3]}},
    },
)

# %% [markdown]
# ## And if the reader leaves?
#
# The client takes the head and leaves, while the origin writes without end. The sides differ in **how large
# its pieces are**: with 1 byte no write has to wait, with 8 MiB they do.


# %%
def endless(size, ended):
    async def origin(request):
        out = web.StreamResponse()
        await out.prepare(request)
        try:
            while True:
                await out.write(bytes(size))
                await asyncio.sleep(0)  # one turn of the loop, no time
        except Exception as error:
            ended.set_result(error)
        return out

    return origin


# %%
async def leave(size):
    ended = asyncio.get_running_loop().create_future()
    async with opened(None, endless(size, ended)) as (_, client, _):
        async with client.get("/"):
            pass
        error = type(await ended)
    return noted(error=error)


left = await compare(
    {"writing": partial(leave, 1), "waiting": partial(leave, 8 * MIB)},
    ask={
        "what the write raises": lambda t: t.notes["error"].__name__,
        "is it a ConnectionResetError": lambda t: issubclass(t.notes["error"], ConnectionResetError),
        "is it a ConnectionError": lambda t: issubclass(t.notes["error"], ConnectionError),
    },
)
left

# %% [markdown]
# A client that leaves ends the writing, also a write that waits [L13g]. But `except ConnectionResetError`
# is too narrow: it lets the error of the write that waited escape [L13h]. Catch `ConnectionError`.

# %%
check(
    left,
    {
        "L13g": {"is it a ConnectionError": {"writing": True, "waiting": True}},
        "L13h": {"is it a ConnectionResetError": {"writing": True, "waiting": True}},
    },
)

# %% [markdown]
# ## Work while it streams
#
# A post says that streaming pays when other work goes on meanwhile, such as writing a piece to a file while
# the next one is received. Here the client saves what it reads on a disk that stands still at the first
# piece. The `await disk(piece)` stands for `await asyncio.to_thread(file.write, piece)`. The sides differ
# in **what lies between receiving and saving**: nothing, a queue without a limit, or one of four pieces.
# `flow.read` is called when it is saved.


# %%
async def in_turn(content, disk):
    async for piece in content.iter_any():
        await disk(piece)


async def queued(content, disk, most=0):
    queue = asyncio.Queue(most)  # 0: no limit

    async def store():
        while piece := await queue.get():
            await disk(piece)

    async with asyncio.TaskGroup() as group:
        group.create_task(store())
        async for piece in content.iter_any():
            await queue.put(piece)
        await queue.put(b"")


# %%
async def save(way):
    saved = []

    async def disk(piece):
        saved.append(len(piece))
        await gate
        flow.read(len(piece))

    gate = Gate("the disk")
    async with opened(None, file) as (_, client, flow), client.get("/file") as answer:
        saving = asyncio.create_task(way(answer.content, disk))
        await gate.reached()
        at_rest, more = await flow.rest(), answer.content.total_bytes > saved[0]
        gate.open()
        await saving
    return noted(flow=flow, at_rest=at_rest, more=more, saved=sum(saved))


# %%
ways = {"async for": in_turn, "queue": queued, "queue of 4": partial(queued, most=4)}
saved = await compare(
    {name: partial(save, way) for name, way in ways.items()},
    ask={
        "more comes while the disk stands still": lambda t: t.notes["more"],
        "the origin has sent all": lambda t: t.notes["at_rest"]["sent"] >= SIZE,
        "the client holds less than 8 MiB": partial(holds_little, "client"),
        "MiB saved in the end": lambda t: t.notes["saved"] // MIB,
    },
)
saved

# %%
draw.flow_view(
    {it: saved[it].notes["flow"] for it in saved.sides},
    finding="A queue without a limit takes the brake away, and holds the body",
)

# %% [markdown]
# Here *read* means saved.
#
# * While one piece is being written, more is received, even in a plain `async for` [C74a]. It is aiohttp
#   and the system that receive, not your `async for`. But the write must be awaited: one that blocks the
#   event loop stops all, as lesson 12 shows.
# * How much more is bounded by their buffers. Then the sender waits for the disk, which is no fault. That it
#   need not would be a trap, and the post does not say it [L13m].
# * A queue without a limit lets the sender go on, and holds the body for it [L13i]. One with a limit keeps
#   the brake [L13j].

# %%
HELD = "the client holds less than 8 MiB"
check(
    saved,
    {
        "C74a": {"more comes while the disk stands still": {"async for": True}},
        "L13m": {"the origin has sent all": {"async for": True}},
        "L13i": {"the origin has sent all": {"async for": False, "queue": True}, HELD: {"queue": False}},
        "L13j": {
            "the origin has sent all": {"queue of 4": False},
            HELD: {"queue": False, "queue of 4": True},
        },
    },
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/13_slow_down_together.ipynb) are in a notebook of
# their own.
#
# ### ★ keep-the-brake (8 minutes)
#
# Be the proxy for `http://origin.test/file`. `inner` is an open session. While the client reads nothing,
# the origin must wait, and in the end all must come. A colleague proposes a queue between the two, "so that
# nobody is slowed down". Decide what you think of it.


# %% exercise="keep-the-brake"
async def braking(request, inner):
    ...  # TODO: relay the file, and take no more than the client does
    # solution
    async with inner.get("http://origin.test/file") as answer:
        out = web.StreamResponse()
        await out.prepare(request)
        async for piece in answer.content.iter_any():
            await out.write(piece)
        return out
    # end


# %%
await attempt("keep-the-brake", braking)

# %% [markdown]
# <details><summary>Hint</summary>
# Write each piece before you take the next, and await the write.
# </details>
#
# ### ★★ until-they-leave (10 minutes)
#
# `news` is an endless stream of bytes: `async for piece in news`. Write each piece to the client. `here` is
# a list: `request` stands in it while its client is there, and no longer. When the client leaves, the
# handler must end without an error, whether a write was waiting or not. It ends, too, when `news` ends. If
# `news` fails, that error is not yours to hide.


# %% exercise="until-they-leave"
async def feed(request, news, here):
    ...  # TODO: write what comes, until nobody takes it
    # solution
    out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await out.prepare(request)
    here.append(request)
    try:
        async for piece in news:
            try:
                await out.write(piece)
            except ConnectionError:
                break
    finally:
        here.remove(request)
    return out
    # end


# %%
await attempt("until-they-leave", feed)

# %% [markdown]
# <details><summary>Hint</summary>
# The table under "And if the reader leaves?" says which class to catch, around the write alone: news may fail
# with the same. What must happen on every way out belongs into <code>finally</code>.
# </details>
#
# ### ★★★ one-slow-listener (15 minutes)
#
# A server has many listeners, and a queue for each. One of them reads nothing. It must not hold up the
# others, nor fill the memory. `queue` is the `asyncio.Queue(4)` of one listener. Write `offer`, a plain
# function that puts an event into it at once. Where the queue is full, the oldest event goes.


# %% exercise="one-slow-listener"
def offer(queue, event):
    ...  # TODO: make room if there is none, and put the event
    # solution
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(event)
    # end


# %%
await attempt("one-slow-listener", offer)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>queue.full()</code>, <code>get_nowait()</code> and <code>put_nowait()</code> do not wait.
# </details>
#
# ## In practice
#
# * **Await every write**, and hold no more pieces than you must. Each queue between a reader and a writer
#   needs a limit.
# * A slow reader holds a place at your origin, too: a handler, a connection, perhaps a row in a database.
#   If that is dearer than memory, a buffer that is limited or on disk is a choice. nginx makes it by
#   default. For events, tell it not to: send `X-Accel-Buffering: no`.
# * A reader that never reads holds its place for ever. aiohttp's server has no timeout for writing: put
#   `asyncio.timeout(...)` around `out.write(...)` where it matters, and call `request.transport.abort()` when
#   it fires: a mere end of the handler leaves the connection and its unsent bytes where they are.
# * `session.get(..., read_bufsize=...)` sets how much a client holds unread: it stops reading above twice
#   that.
# * Compression collects before it sends. An event may wait in the packer as in any buffer.
#
# Next: [14 · What does an upload send, and when?](14_send_as_you_go.ipynb)
#
# ## Where this comes from
#
# * aiohttp 3.14:
#   [`StreamResponse.write`](https://docs.aiohttp.org/en/stable/web_reference.html#aiohttp.web.StreamResponse.write),
#   [streaming API](https://docs.aiohttp.org/en/stable/streams.html); `write` in
#   [http_writer.py](https://github.com/aio-libs/aiohttp/blob/v3.14.5/aiohttp/http_writer.py).
# * Python:
#   [write_buffer_limits](https://docs.python.org/3/library/asyncio-protocol.html#asyncio.WriteTransport.set_write_buffer_limits)
#   of a transport.
# * RFC 9293, [section 3.8.6](https://www.rfc-editor.org/rfc/rfc9293#section-3.8.6): the window, with which a
#   system tells another how much it still takes.
# * WHATWG HTML, [server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html).
# * nginx, [proxy_buffering](https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering).
# * aiohttp issues [19](https://github.com/aio-libs/aiohttp/issues/19) on large bodies and
#   [1367](https://github.com/aio-libs/aiohttp/issues/1367) on slow readers of a WebSocket.
# * Posts 000 and 002 of the four this course began from.

# %%
await guard.clean()
