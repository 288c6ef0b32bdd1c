# %% [markdown]
# # 12 · What differs between read() and a stream?
#
# **You will** take one answer in six ways and see where each cuts it, how much memory is held, and what it
# costs to leave before the end.
#
# **You need** lessons 00 and 01.
#
# **Minutes:** 38 to read and run (12 to the place to stop), 30 for the exercises.

# %%
import asyncio
import threading
from contextlib import suppress
from functools import partial

from aiohttp import ClientSession, web

from labs import Gate, Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.instruments import KIB, MIB, Meter
from labs.show import show_pieces

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# The origin sends three messages. Each is a line of JSON. In UTF-8, some characters of these city names
# take two or three bytes. The origin writes twice: first 31 bytes, which end inside the `ø`, and the rest
# when a gate opens.
#
# The client takes the body in six ways. That is the one difference. `read()` takes the whole body; the
# other five, pieces. All ask `answer.content`, aiohttp's `StreamReader`.

# %%
LINES = [f'{{"city": "{name}"}}\n'.encode() for name in ("서울", "København", "Αθήνα")]
BODY = b"".join(LINES)


def cities(gate):
    async def origin(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(BODY[:31])
        await gate
        await answer.write(BODY[31:])
        return answer

    return origin


# %%
async def whole(content):
    yield await content.read()


async def readany(content):
    while piece := await content.readany():
        yield piece


async def chunks(content):
    async for piece, _ in content.iter_chunks():
        yield piece


WAYS = {"read()": whole, "readany()": readany, "iter_any()": lambda content: content.iter_any()}
WAYS["iter_chunked(12)"] = lambda content: content.iter_chunked(12)
WAYS |= {"iter_chunks()": chunks, "async for line": lambda content: content}

# %% [markdown]
# ## Predict
#
# 1. Which ways give a first piece while the origin still waits at its gate?
# 2. In how many pieces does each take the 65 bytes?

# %%
prediction = {
    # one of: "yes", "no"
    "first piece while the origin waits": {"read()": ..., "iter_any()": ..., "async for line": ...},
    # one of: 1, 2, 3, 6, 65
    "pieces": {"read()": ..., "iter_any()": ..., "iter_chunked(12)": ..., "async for line": ...},
}

# %% [markdown]
# ## The experiment
#
# The head of the answer and the first 31 bytes come together. So they are there when the `async with`
# begins. One turn of the loop is enough for a way that needs no more. Then the gate opens. Where the
# client's pieces end is seen on no wire, so `noted` lays them beside the recording.
#
# Each way takes the body twice. The second time the gate opens at once, and the client waits with
# `content.wait_eof()` until all has come, before it begins to read.


# %%
async def take(way, all_there=False):
    async with Town() as town:
        with Gate("the rest") as gate:
            await town.open("origin.test", cities(gate))
            async with (
                ClientSession(connector=town.connector("client")) as client,
                client.get("http://origin.test/") as answer,
            ):
                if all_there:
                    gate.open()
                    await answer.content.wait_eof()
                pieces = aiter(way(answer.content))
                first = asyncio.ensure_future(anext(pieces))
                await asyncio.sleep(0)  # one turn of the loop, no time
                early = first.done()
                gate.open()
                taken = [await first] + [piece async for piece in pieces]
    return noted(town.trace, pieces=taken, early=early)


# %%
def is_text(piece):
    with suppress(UnicodeDecodeError):
        return bool(piece.decode("utf-8"))


async def take_twice(way):
    first = await take(way)
    return noted(first, first.notes, again=(await take(way, all_there=True)).notes["pieces"])


# %%
found = await compare(
    {name: partial(take_twice, way) for name, way in WAYS.items()},
    ask={
        "first piece while the origin waits": lambda t: t.notes["early"],
        "pieces": lambda t: len(t.notes["pieces"]),
        "bytes of each piece": lambda t: [len(it) for it in t.notes["pieces"]],
        "bytes of each, when all was there": lambda t: [len(it) for it in t.notes["again"]],
        "pieces that are no UTF-8": lambda t: sum(not is_text(it) for it in t.notes["pieces"]),
        "pieces that are one message": lambda t: sum(it in LINES for it in t.notes["pieces"]),
        "together they are the body": lambda t: b"".join(t.notes["pieces"]) == t.answers()[0].body,
    },
)
found

# %%
show_pieces({name: found[name].notes["pieces"] for name in found.sides})  # a bar is a cut, \xc3 half a letter

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * `read()` waited for the end. All others gave a first piece while the origin still held the rest [L12a]: a
#   post is right that you can work on it meanwhile. With a stream you have something to pass on by then, and
#   with `read()` nothing [C75].
# * Every way gave the whole body, piece by piece and in order [C73].
# * A piece of `iter_any()` is what has arrived, not a message [L12b]. Here it ended inside a character, and
#   `piece.decode()` would have raised. `iter_any()` is `readany()` until nothing comes.
# * `iter_chunked(12)` promises at most 12 bytes: when less was there, it gave less [L12c].
# * Only the lines are messages. `async for line in answer.content` cut where the origin's lines end [L12d].
# * When all was there, `iter_any()` and `iter_chunked()` cut otherwise, and lines stayed lines [L12e]. So
#   data need not come at a steady rate: the post says that you must know this. `iter_chunks()` keeps to the
#   chunks that the origin wrote. Do not build on those: any proxy on the way may join or split them (RFC
#   9112, section 7.1.1), and an answer with a `Content-Length` has none.

# %%
FIRST, COUNT, CUT, LATER, NO_TEXT, MESSAGES, TOGETHER = found.asked  # the questions, from the top
TWELVES, LINE_SIZES = [12, 12, 12, 12, 12, 5], [len(line) for line in LINES]
check(
    found,
    {
        "C73": {COUNT: {"iter_any()": 2, "read()": 1}, TOGETHER: dict.fromkeys(found.sides, True)},
        "L12a": {FIRST: dict.fromkeys(WAYS, True) | {"read()": False}},
        "C75": {FIRST: {"read()": False, "iter_any()": True}},
        "L12b": {MESSAGES: {"iter_any()": 2}, NO_TEXT: {"iter_any()": 0}},
        "L12c": {CUT: {"iter_chunked(12)": TWELVES}},
        "L12d": {MESSAGES: {"async for line": len(LINES), "iter_any()": 0}, NO_TEXT: {"async for line": 0}},
        "L12e": {
            CUT: {"iter_any()": [31, 34], "iter_chunked(12)": [12, 12, 7, 12, 12, 10]}
            | {"async for line": LINE_SIZES},
            LATER: {"iter_any()": [65], "iter_chunked(12)": TWELVES, "async for line": LINE_SIZES},
        },
    },
)

# %% [markdown]
# **A place to stop.** You know how `read()` and a stream differ. What follows: text, memory, leaving before
# the end, and work on a piece.

# %% [markdown]
# ## Bytes are not text yet
#
# `text()` is `read()`, then decoding, with the `charset` that the answer names or else UTF-8. Five answers
# differ in **what they say and what they send.**


# %%
async def said(content_type, body):
    async def origin(request):
        return web.Response(body=body, headers={"Content-Type": content_type})

    told = {}
    async with Town() as town:
        await town.open("origin.test", origin)
        async with ClientSession(connector=town.connector("client")) as client:
            for name, how in {"text()": {}, "text(encoding='euc-kr')": {"encoding": "euc-kr"}}.items():
                async with client.get("http://origin.test/") as answer:
                    try:
                        told[name] = (await answer.text(**how)).strip()
                    except UnicodeDecodeError as error:
                        told[name] = type(error).__name__
    return noted(town.trace, **told)


# %%
PAGE, WORDS = "서울의 봄", "déjà vu"
texts = await compare(
    {
        "UTF-8, not said": partial(said, "text/html", PAGE.encode()),
        "EUC-KR, not said": partial(said, "text/html", PAGE.encode("euc-kr")),
        "EUC-KR, said": partial(said, "text/html; charset=euc-kr", PAGE.encode("euc-kr")),
        "Latin-1, not said": partial(said, "text/html", WORDS.encode("latin-1")),
        "a picture": partial(said, "image/png", b"\x89PNG\r\n\x1a\n"),
    },
    ask={name: lambda t, name=name: t.notes[name] for name in ("text()", "text(encoding='euc-kr')")},
)
texts

# %% [markdown]
# `text()` gives the text where the answer names its charset or uses UTF-8 [C38a], as the page of a post's
# example does. It is a trap to expect it of every answer [L12n]: an old Korean or French page that does not
# say so needs `encoding=`, and a picture needs `read()`. Up to 3.8, aiohttp guessed such a charset. It was
# right with the Korean page here, and not with the French one.

# %%
check(
    texts,
    {
        "C38a": {"text()": {"UTF-8, not said": PAGE, "EUC-KR, said": PAGE}},
        "L12n": {"text()": {"EUC-KR, not said": PAGE, "Latin-1, not said": WORDS}},
    },
)

# %% [markdown]
# ## What is held
#
# Now a body of 16 MiB. A `Meter` asks Python's `tracemalloc` how many bytes are held more than at the
# start. At each write of the origin, it notes the most memory held since the write before. Client and
# origin live in one process here, so it counts both. The sides differ in **what the client keeps.**


# %%
async def read(answer):
    return len(await answer.read())


async def keep(answer):
    kept = [piece async for piece in answer.content.iter_any()]
    return sum(map(len, kept))


async def let_go(answer):
    came = 0
    async for piece in answer.content.iter_any():
        came += len(piece)
    return came


# %%
async def hold(take, size):
    async def origin(request):
        answer = web.StreamResponse(headers={"Content-Length": str(size)})
        await answer.prepare(request)
        for sent in range(0, size, len(PIECE)):
            await answer.write(PIECE)
            meter.mark(sent + len(PIECE))
        return answer

    async with Town(keep=64 * KIB) as town:  # of each direction; the rest is counted only
        await town.open("origin.test", origin)
        async with ClientSession(connector=town.connector("client")) as client:
            with Meter() as meter:
                async with client.get("http://origin.test/") as answer:
                    came = await take(answer)
    return noted(came=came, meter=meter)


# %%
prediction_held = {
    # one of: 0, 1, 2
    "most held, in whole bodies": {"read()": ..., "iter_any(), kept": ..., "iter_any()": ...},
}


# %%
PIECE, SIZE = bytes(256 * KIB), 16 * MIB
takers = {"read()": read, "iter_any(), kept": keep, "iter_any()": let_go}
held = await compare(
    {name: partial(hold, taker, SIZE) for name, taker in takers.items()},
    ask={
        "bytes that came": lambda t: t.notes["came"],
        "most held, in whole bodies": lambda t: round(t.notes["meter"].peak / SIZE),
    },
)
held

# %%
score(prediction_held, held)

# %%
draw.memory_view(
    {name: held[name].notes["meter"] for name in held.sides},
    finding="read() holds the body twice at the end; a stream that lets its pieces go, next to nothing",
)

# %% [markdown]
# * A stream that lets its pieces go does not hold the body [C72]. `read()` collects the pieces and then
#   joins them. For that moment it needs twice the body [L12f].
# * Streaming saves nothing by itself: who keeps the pieces holds the body [L12g].
#
# The lines rise late. What the origin has sent and the client has not yet taken, here the first few MiB,
# is in the system's buffers, which nobody counts here.

# %%
MOST = "most held, in whole bodies"
check(
    held,
    {
        "C72": {MOST: {"iter_any()": 0, "read()": 2}},
        "L12f": {MOST: {"read()": 1}},
        "L12g": {MOST: {"iter_any(), kept": 0}},
    },
)

# %% [markdown]
# And a body of 1 GiB? Here the sides differ in **the size of the body.** The town keeps 64 KiB of each
# direction and counts the rest, so that the recording does not grow with the body. The client lets each piece
# go, and what is held stays under 8 MiB [L12h].

# %%
sizes = await compare(
    {"16 MiB": partial(hold, let_go, SIZE), "1 GiB": partial(hold, let_go, 1024 * MIB)},
    ask={
        "bytes that came": lambda t: t.notes["came"],
        "most held is under 8 MiB": lambda t: t.notes["meter"].peak < 8 * MIB,
    },
)
sizes

# %%
check(
    sizes,
    {
        "L12h": {
            "bytes that came": {"16 MiB": SIZE, "1 GiB": 1024 * MIB},
            "most held is under 8 MiB": {"16 MiB": True, "1 GiB": True},
        },
    },
)

# %% [markdown]
# ## Leave before the end
#
# A client needs no more than the head, and leaves the block. Then it asks again. Must it connect again? The
# sides differ in **how much of the first answer has come, or was read, when the client leaves.**


# %%
def download(size, missing, gate):
    async def origin(request):
        answer = web.StreamResponse(headers={"Content-Length": str(size)})
        await answer.prepare(request)
        with suppress(ConnectionError):  # the client may have left
            await answer.write(bytes(size - missing))
            if missing:
                await gate
                await answer.write(bytes(missing))
        return answer

    return origin


# %%
async def ask_twice(size, missing=0, read=False):
    async with Town(keep=64 * KIB) as town:
        with Gate("the last byte") as gate:
            await town.open("origin.test", download(size, missing, gate))
            async with ClientSession(connector=town.connector("client")) as client:
                async with client.get("http://origin.test/first") as answer:
                    if read:
                        await answer.read()
                async with client.get("http://origin.test/second"):
                    pass
    return town.trace


# %%
prediction_left = {
    # one of: 1, 2
    "connections for the two requests": {"8 MiB, read": ..., "8 MiB, left": ..., "1000 bytes, left": ...},
}


# %%
left = await compare(
    {
        "8 MiB, read": partial(ask_twice, 8 * MIB, read=True),
        "8 MiB, left": partial(ask_twice, 8 * MIB),
        "1000 bytes, left": partial(ask_twice, 1000),
        "1000 bytes, left, 1 missing": partial(ask_twice, 1000, missing=1),
    },
    ask={"connections for the two requests": lambda t: len(t.calls)},
)
left

# %%
score(prediction_left, left)

# %% [markdown]
# An unread rest costs the connection: aiohttp closes it, and the next request opens another [L12i]. What
# counts is whether all of it has come. Of a large body it has not, when you leave at once. A small one that
# is there as a whole keeps its connection, unread. aiohttp does not wait for the rest: one byte that has not
# come yet is enough to lose the connection [L12j].

# %%
CONNECTIONS = "connections for the two requests"
check(
    left,
    {
        "L12i": {CONNECTIONS: {"8 MiB, read": 1, "8 MiB, left": 2}},
        "L12j": {CONNECTIONS: {"1000 bytes, left": 1, "1000 bytes, left, 1 missing": 1}},
    },
)

# %% [markdown]
# ## Work on a piece
#
# A post says that what you do for each piece must not block [C76]. Here the work on each line is to wait for
# a sign, which the event loop gives at its next turn: in the loop for 0.05 s at most, in a thread for 10 s at
# most. Work that blocks stops everybody: no task has a turn until it is done, and the sign does not come. The
# sides differ in **where the work is done.** (They differ in the limit, too: in the loop, none would be long
# enough.)


# %%
async def in_the_loop(work, *arguments):
    return work(*arguments)


async def work_on(where, seconds):
    loop, gate, went_on = asyncio.get_running_loop(), Gate("the rest"), []
    gate.open()
    async with Town() as town:
        await town.open("origin.test", cities(gate))
        async with (
            ClientSession(connector=town.connector("client")) as client,
            client.get("http://origin.test/") as answer,
        ):
            async for _ in answer.content:
                sign = threading.Event()
                loop.call_soon(sign.set)
                went_on.append(await where(sign.wait, seconds))
    return noted(town.trace, went_on=went_on)


# %%
GOES_ON = "does the loop go on, line by line"
worked = await compare(
    {
        "in the loop": partial(work_on, in_the_loop, 0.05),
        "in a thread": partial(work_on, asyncio.to_thread, 10),
    },
    ask={GOES_ON: lambda t: t.notes["went_on"]},
)
worked

# %%
check(worked, {"C76": {GOES_ON: {"in the loop": [False] * 3, "in a thread": [True] * 3}}})

# %% [markdown]
# The work in the loop ended without the sign, at each of the lines: it had blocked the loop that gives it. In
# a thread it did not block, and the sign came [C76].
#
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/12_read_or_stream.ipynb) are in a notebook of
# their own.
#
# ### ★ first-line (5 minutes)
#
# A ticker at `url` sends a line now and then, and never ends. Return its first line as a `str`, without the
# line end, and leave the answer.


# %% exercise="first-line"
async def headline(client, url):
    ...  # TODO: get url, and return the first line
    # solution
    async with client.get(url) as answer:
        line = await answer.content.readline()
        return line.decode().strip()
    # end


# %%
await attempt("first-line", headline)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>answer.content.readline()</code> is one step of <code>async for line in answer.content</code>.
# </details>
#
# ### ★★ whole-characters (10 minutes)
#
# Write an async generator that takes `answer` and yields its text in UTF-8 as it comes: for each piece of
# `iter_any()`, all characters that are complete by then. No character may be lost or damaged.


# %% exercise="whole-characters"
import codecs


async def texts_of(answer):
    ...  # TODO: yield text for each piece of answer.content.iter_any()
    # solution
    decoder = codecs.getincrementaldecoder("utf-8")()
    async for piece in answer.content.iter_any():
        yield decoder.decode(piece)
    # end


# %%
await attempt("whole-characters", texts_of)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>codecs.getincrementaldecoder("utf-8")()</code> remembers half a character until its other half comes.
# </details>
#
# ### ★★★ leave-politely (15 minutes)
#
# Return the first line of `answer`, in bytes, with its line end. Then care for its connection: if at most
# 64 KiB are left, read them, so that the connection can be used again. If there is more, leave. You cannot
# know beforehand: the answer has no `Content-Length`.


# %% exercise="leave-politely"
async def peek(answer):
    ...  # TODO: read a line, and then at most 64 KiB more
    # solution
    line, left = await answer.content.readline(), 64 * KIB
    async for piece in answer.content.iter_chunked(8 * KIB):
        left -= len(piece)
        if left < 0:
            break
    return line
    # end


# %%
await attempt("leave-politely", peek)

# %% [markdown]
# <details><summary>Hint</summary>
# Count what <code>iter_chunked</code> gives, and <code>break</code> when it is too much. Your caller's
# <code>async with</code> does the leaving.
# </details>
#
# ## In practice
#
# * `read()`, `text()` and `json()` are right for a body that you know to be small. Nothing limits them: for
#   an answer of a stranger, count what comes, as in the third exercise.
# * Lines are a framing you can rely on. Others are a length before each message, or server-sent events. A
#   line of more than 512 KiB raises `LineTooLong`; `readline(max_line_length=...)` sets another limit.
# * aiohttp unpacks gzip as it reads. A piece is then a piece of what was unpacked, and a small answer may
#   become a very large body.
# * Ask in an `async with`. An answer that you hold, and neither leave nor read, keeps its connection until
#   its whole body has come, and with it one of the connector's places (`limit=`, 100 by default).
#
# Next: [13 · Who slows down when the reader is slow?](13_slow_down_together.ipynb)
#
# ## Where this comes from
#
# * aiohttp 3.14: [streaming API](https://docs.aiohttp.org/en/stable/streams.html), [client
#   quickstart](https://docs.aiohttp.org/en/stable/client_quickstart.html#streaming-response-content), [client
#   reference](https://docs.aiohttp.org/en/stable/client_reference.html); the limit of a line in
#   [streams.py](https://github.com/aio-libs/aiohttp/blob/v3.14.5/aiohttp/streams.py).
# * RFC 9112, [section 7.1.1](https://www.rfc-editor.org/rfc/rfc9112#section-7.1.1) on chunks, and [section
#   9.3](https://www.rfc-editor.org/rfc/rfc9112#section-9.3) on what a client must read to use a connection
#   again.
# * Python: [codecs](https://docs.python.org/3/library/codecs.html#codecs.getincrementaldecoder),
#   [tracemalloc](https://docs.python.org/3/library/tracemalloc.html).
# * aiohttp issues [7929](https://github.com/aio-libs/aiohttp/issues/7929) on pieces of `iter_chunked(n)` and
#   [1949](https://github.com/aio-libs/aiohttp/issues/1949) on `iter_any()` and `iter_chunks()`; pull request
#   [1775](https://github.com/aio-libs/aiohttp/pull/1775) on the memory that joining the pieces takes.
# * The second and third of the four posts, 001 and 002.

# %%
await guard.clean()
