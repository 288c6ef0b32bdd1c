# %% [markdown]
# # 14 · What does an upload send, and when?
#
# **You will** send a body in five forms, see which need the whole of it first, be refused after you have
# sent it and before, and watch an upload as it goes.
#
# **You need** lessons 01, 09, 12 and 13.
#
# **Minutes:** 38 to read and run (11 to the place to stop), 30 for the exercises.

# %%
import asyncio
import tempfile
import warnings
from contextlib import suppress
from functools import partial
from pathlib import Path

from aiohttp import ClientSession, FormData, web

from labs import Gate, Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.instruments import KIB, MIB, Meter

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# A client has 8 MiB to send with `POST`. `data=` takes it in many forms. The sides differ in **the form**:
# all of it as `bytes`, an open file, an async generator that makes one piece after the other, and
# `FormData`, which writes what an HTML form would send, once with 8 MiB of text and once with the file.
#
# The origin takes the body piece by piece and lets each piece go (lesson 12).

# %%
SIZE, PIECE = 8 * MIB, 256 * KIB
folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
FILE = Path(folder.name, "zeros.bin")
FILE.write_bytes(bytes(SIZE))


def in_bytes():
    return bytes(SIZE)


def in_a_file():
    return FILE.open("rb")


async def in_pieces(size=SIZE):
    for _ in range(size // PIECE):
        yield bytes(PIECE)


# %%
def form_of_text(size=SIZE):
    return FormData({"title": "a form", "text": "x" * size})


def form_with_file():
    form = FormData({"title": "a form"})
    form.add_field("file", in_a_file(), filename="zeros.bin")
    return form


async def origin(request, mark=lambda came: None):
    came = 0
    async for piece in request.content.iter_any():
        came += len(piece)
        mark(came)
    return web.Response(text=str(came))


# %% [markdown]
# ## Predict
#
# A body is framed by `Content-Length`, or it is chunked: each piece comes with its size, and an empty one
# ends it.
#
# 1. Which forms say their length at the beginning?
# 2. For which does the client hold the whole body at some time?

# %%
prediction = {
    # one of: "yes", "no"
    "Content-Length is sent": {"bytes": ..., "file": ..., "generator": ..., "form with file": ...},
    # one of: "yes", "no"
    "a whole body is held": {
        "bytes": ...,
        "file": ...,
        "generator": ...,
        "form": ...,
        "form with file": ...,
    },
}

# %% [markdown]
# ## The experiment
#
# The `Meter` of lesson 12 counts what is held, from the making of the body to the answer. aiohttp has a
# warning for some bodies; the experiment notes whether it came.


# %%
async def upload(make):
    with Meter() as meter, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        async with Town(keep=64 * KIB) as town:

            async def marking(request):
                return await origin(request, meter.mark)

            await town.open("origin.test", marking)
            async with (
                ClientSession(connector=town.connector("client")) as client,
                client.post("http://origin.test/", data=make()) as answer,
            ):
                came = int(await answer.text())
    large = any("large body" in str(it.message) for it in warned)
    return noted(town.trace, came=came, meter=meter, warned=large)


# %%
makers = {"bytes": in_bytes, "file": in_a_file, "generator": in_pieces}
makers |= {"form": form_of_text, "form with file": form_with_file}
found = await compare(
    {name: partial(upload, make) for name, make in makers.items()},
    ask={
        "Content-Length is sent": lambda t: t.requests()[0].field("Content-Length") is not None,
        "Transfer-Encoding": lambda t: t.requests()[0].field("Transfer-Encoding"),
        "Content-Type": lambda t: t.requests()[0].field("Content-Type").split(";")[0],
        "bytes of body that the handler takes": lambda t: t.notes["came"],
        "a whole body is held": lambda t: t.notes["meter"].peak >= SIZE,
        "aiohttp warns of a large body": lambda t: t.notes["warned"],
    },
)
found

# %%
draw.memory_view(
    {name: found[name].notes["meter"] for name in ("bytes", "file", "generator")},
    finding="Bytes are held as a whole; a file and a generator are not",
    along="that the server has taken",
)

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * A body whose length is known has a `Content-Length`: bytes, a file, a form of such parts. A generator
#   does not know how much it will make, and is sent in chunks [L14a].
# * A form of text is `application/x-www-form-urlencoded`. With a file it becomes `multipart/form-data`,
#   with a little frame around each part [L14b].
# * What you made as a whole is there as a whole: bytes, a form of text. An open file or a generator is taken
#   piece by piece [L14c]. aiohttp warned of both whole bodies; Python does not show a `ResourceWarning`
#   unless you ask for it.
# * In the figure the bytes begin above their 8 MiB: what the system has not taken yet is held again, in
#   copies.

# %%
LENGTH, HELD = "Content-Length is sent", "a whole body is held"
check(
    found,
    {
        "L14a": {
            LENGTH: {"bytes": True, "file": True, "generator": False, "form with file": True},
            "Transfer-Encoding": {"bytes": None, "generator": "chunked"},
        },
        "L14b": {
            "Content-Type": {
                "form": "application/x-www-form-urlencoded",
                "form with file": "multipart/form-data",
            },
        },
        "L14c": {HELD: dict.fromkeys(makers, True)},
    },
)

# %% [markdown]
# **A place to stop.** You know what an upload sends, and when. What follows: how much a server takes, how a
# client asks first, and how you watch it go.
#
# And 256 MiB? Here the sides differ in **the size.** The generator makes a piece, aiohttp sends it and lets
# it go, and the handler too: less than 4 MiB is held at any time [L14d].

# %%
sizes = await compare(
    {"8 MiB": partial(upload, in_pieces), "256 MiB": partial(upload, partial(in_pieces, 256 * MIB))},
    ask={
        "bytes of body that the handler takes": lambda t: t.notes["came"],
        "most held is under 4 MiB": lambda t: t.notes["meter"].peak < 4 * MIB,
    },
)
sizes

# %%
check(
    sizes,
    {
        "L14d": {
            "bytes of body that the handler takes": {"8 MiB": 8 * MIB, "256 MiB": 256 * MIB},
            "most held is under 4 MiB": {"8 MiB": True, "256 MiB": True},
        },
    },
)

# %% [markdown]
# ## How much does the server take?
#
# An aiohttp application has `client_max_size`, 1 MiB by default. Three handlers take a body: with `read()`,
# with `content`, and with `content` and a count of their own. The sides differ by **one byte.**


# %%
async def reads(request):
    return web.Response(text=str(len(await request.read())))


async def counts(request):
    came = 0
    async for piece in request.content.iter_any():
        came += len(piece)
        if came > MIB:
            raise web.HTTPRequestEntityTooLarge(MIB, came)
    return web.Response(text=str(came))


async def some(size):
    yield bytes(size)


# %%
async def offer(size):
    heard = {}
    async with Town() as town:
        for name, handler in {"read": reads, "content": origin, "count": counts}.items():
            await town.open(f"{name}.test", handler)
            async with (
                ClientSession(connector=town.connector("client")) as client,
                client.post(f"http://{name}.test/", data=some(size)) as answer,
            ):
                heard[name] = answer.status
    return noted(town.trace, **heard)


# %%
prediction_limits = {
    # one of: 200, 400, 413
    "status for read()": {"1 MiB": ..., "1 MiB and a byte": ...},
    # one of: 200, 400, 413
    "status for content": {"1 MiB": ..., "1 MiB and a byte": ...},
}


# %%
limits = await compare(
    {"1 MiB": partial(offer, MIB), "1 MiB and a byte": partial(offer, MIB + 1)},
    ask={
        "status for read()": lambda t: t.notes["read"],
        "status for content": lambda t: t.notes["content"],
        "status for content, counted": lambda t: t.notes["count"],
    },
)
limits

# %%
score(prediction_limits, limits)

# %% [markdown]
# `client_max_size` is a limit of `read()`, and so of `text()` and `json()`, which call it, and, by the
# reference, of `post()`. Exactly 1 MiB passed, and one byte more was 413 [L14f]; before aiohttp 3.14, 1 MiB
# was too much already. `content` gives you the pieces and knows no limit [L14g]: who streams must count, and
# can refuse as `read()` does [L14h].

# %%
READ, CONTENT, COUNTED = limits.asked  # the questions of the table, from its top
check(
    limits,
    {
        "L14f": {READ: {"1 MiB": 200, "1 MiB and a byte": 413}},
        "L14g": {CONTENT: {"1 MiB and a byte": 413}},
        "L14h": {COUNTED: {"1 MiB": 200, "1 MiB and a byte": 413}},
    },
)

# %% [markdown]
# ## May I?
#
# A client need not send 8 MiB to hear that they are too much. With `expect100=True` it sends the head, with
# `Expect: 100-continue`, and waits. The server answers 100, and the client goes on; or it answers something
# final. aiohttp's server says 100 whenever it is asked, unless the route has an `expect_handler` of its
# own.


# %%
async def by_its_head(request):
    if (request.content_length or 0) > MIB:  # None for a chunked body
        raise web.HTTPRequestEntityTooLarge(MIB, request.content_length)
    request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def ask(expect100, expect_handler=None, make=in_a_file):
    app = web.Application()
    app.router.add_route("POST", "/", reads, expect_handler=expect_handler)
    async with Town(keep=64 * KIB) as town:
        await town.open("origin.test", app)
        async with ClientSession(connector=town.connector("client")) as client:
            await client.post("http://origin.test/", data=make(), expect100=expect100)
    return town.trace


# %%
asked = await compare(
    {
        "8 MiB, not asked": partial(ask, False),
        "8 MiB, asked": partial(ask, True),
        "8 MiB, asked, looked at": partial(ask, True, by_its_head),
        "a form, asked, looked at": partial(ask, True, by_its_head, partial(form_of_text, 80)),
    },
    ask={
        "statuses that the client hears": lambda t: [it.status for it in t.answers()],
        "does any of the body cross": lambda t: len(t.requests()[0].body) > 0,
    },
)
asked

# %%
asked["8 MiB, asked, looked at"].bytes(who="client")

# %% [markdown]
# * Refused by `read()`, the client has sent for nothing, asked or not. Where it asked, 100 had been said
#   before anybody looked at the length [L14i].
# * The handler for `Expect` looked at the head, and not one byte of the body was sent [L14j]. The request is
#   *cut short*: its head says 8 MiB, and no body came. A form of 98 bytes was let through by the same
#   handler: 100, then 200.
# * To look at the head is not enough: a chunked body says no length. Count all the same.

# %%
HEARD, CROSSED = asked.asked
check(
    asked,
    {
        "L14i": {CROSSED: {"8 MiB, asked": False}},
        "L14j": {
            HEARD: {"8 MiB, asked, looked at": [413], "a form, asked, looked at": [100, 200]},
            CROSSED: {"8 MiB, asked, looked at": False, "a form, asked, looked at": True},
        },
    },
)

# %% [markdown]
# ## A length of your own
#
# aiohttp sets `Content-Length` itself. What if you set it, and are wrong? The body has eight bytes. The sides
# differ in **the length that the field says.** As soon as the origin has all eight and still waits for more,
# the client gives up.


# %%
def counting(waits):
    async def count(request):
        taken = 0
        with suppress(ConnectionResetError):  # the client gave up
            async for piece in request.content.iter_any():
                taken += len(piece)
                if taken == 8 and not request.content.is_eof():
                    waits.set()
        return web.Response(text=str(taken))

    return count


# %%
async def measured(said):
    waits = asyncio.Event()
    async with Town() as town:
        await town.open("origin.test", counting(waits))
        async with ClientSession("http://origin.test", connector=town.connector("client")) as client:
            asking = asyncio.create_task(client.post("/", data=b"8 bytes.", headers={"Content-Length": said}))
            given_up = asyncio.create_task(waits.wait())
            await asyncio.wait({asking, given_up}, return_when=asyncio.FIRST_COMPLETED)
            for task in (asking, given_up):
                task.cancel()
            await asyncio.wait({asking, given_up})
    return noted(town.trace, waits=waits.is_set())


# %%
prediction_lengths = {
    # one of: 200, 400, 413, "nothing"
    "status the client hears": {"8": ..., "10": ..., "4": ...},
    # one of: 0, 4, 8
    "bytes of body that are sent": {"8": ..., "10": ..., "4": ...},
}

# %%
lengths = await compare(
    {it: partial(measured, it) for it in ("8", "10", "4")},
    ask={
        "status the client hears": lambda t: next((it.status for it in t.answers()), None),
        "bytes of body that are sent": lambda t: len(t.requests()[0].body),
        "the origin has all and waits for more": lambda t: t.notes["waits"],
    },
)
lengths

# %%
score(prediction_lengths, lengths)

# %% [markdown]
# * Too long, and the origin waits for two bytes that never come; the client waits for its answer [L14n].
# * Too short, and half of the body is left behind. Nobody is told: the answer is 200 [L14p].
#
# So leave the field to aiohttp. And a generator, which has no length? After these verdicts the sides differ
# in **where the generator waits.** While it does, the client asks for another page.

# %%
HEARS, SENT, WAITS = lengths.asked
check(
    lengths,
    {
        "L14n": {WAITS: {"8": False, "10": True}, HEARS: {"8": 200, "10": None}},
        "L14p": {HEARS: {"4": 200}, SENT: {"4": 4}},
    },
)


# %%
async def waiting(first):
    async with Town() as town:
        with Gate("the generator goes on") as gate:

            async def pieces():
                if first:
                    yield b"a piece"
                await gate
                yield b"the last piece"

            await town.open("origin.test", origin)
            async with ClientSession("http://origin.test", connector=town.connector("client")) as client:
                sending = asyncio.create_task(client.post("/upload", data=pieces()))
                await gate.reached()
                (await client.post("/other", data=b"x")).release()
                gate.open()
                (await sending).release()
    return town.trace


# %%
begun = await compare(
    {"before its first piece": partial(waiting, False), "after it": partial(waiting, True)},
    ask={
        "what the origin hears, in order": lambda t: [
            it.message.target for it in t.said if it.message and it.who == "client"
        ],
    },
)
begun

# %%
check(begun, {"L14q": {begun.asked[0]: {"before its first piece": ["/other", "/upload"]}}})

# %% [markdown]
# ## Watch it go
#
# An `UploadTracker` (aiohttp 3.14.4 and later) knows how much of the body has been sent. Look at it as
# often as you like while another task sends; `upload_complete` is a future that ends the watch, also when
# the upload fails. The bar below adds a block for each tenth.
#
# What does its 100 % mean? After the bar the handler waits at a gate before it reads. When it stands there,
# the client looks at its tracker. The sides differ in **the size.**


# %%
from aiohttp import UploadTracker  # here, so that an older aiohttp runs the lesson up to this cell

from labs.show import Bar


async def watch(tracker, bar):
    while not tracker.upload_complete.done():
        bar.show(tracker.bytes_written)
        await asyncio.wait([tracker.upload_complete], timeout=0.05)  # look twenty times a second
    bar.show(tracker.bytes_written)


async with Town(keep=64 * KIB) as town:
    await town.open("origin.test", origin)
    async with ClientSession(connector=town.connector("client")) as client:
        tracker = UploadTracker()
        watching = asyncio.create_task(watch(tracker, Bar("8 MiB", SIZE)))
        await client.post("http://origin.test/", data=in_a_file(), upload_tracker=tracker)
        await watching


# %%
async def held_up(make):
    async with Town(keep=64 * KIB) as town:
        with Gate("the handler reads") as gate:

            async def handler(request):
                await gate
                return await origin(request)

            await town.open("origin.test", handler)
            async with ClientSession(connector=town.connector("client")) as client:
                tracker, url = UploadTracker(), "http://origin.test/"
                sending = asyncio.create_task(client.post(url, data=make(), upload_tracker=tracker))
                await gate.reached()
                sent, over = tracker.bytes_written, [tracker.upload_complete.done()]
                gate.open()
                taken = int(await (await sending).text())
                over.append(tracker.upload_complete.done())
    return noted(town.trace, early=sent == taken, late=tracker.bytes_written == taken, over=over)


# %%
bars = await compare(
    {
        "16 KiB": partial(held_up, partial(some, 16 * KIB)),
        "64 MiB": partial(held_up, partial(in_pieces, 64 * MIB)),
    },
    ask={
        "100 % before the handler has read a byte": lambda t: t.notes["early"],
        "100 % after the answer": lambda t: t.notes["late"],
        "upload_complete is done: before, after": lambda t: t.notes["over"],
    },
)
bars

# %% [markdown]
# 100 % says that aiohttp has handed all of it on. Of a small body, the handler may not have read a byte
# [L14k]. A large body cannot run so far ahead: lesson 13.
#
# Where the server took all, `upload_complete` was done after the answer, and not before [L14m]. A server that
# answers sooner leaves it open until no more is sent; `await tracker.upload_complete` then raises if the
# body was not sent in full.

# %%
EARLY, LATE, OVER = bars.asked
check(
    bars,
    {
        "L14k": {EARLY: {"16 KiB": False}},
        "L14m": {
            EARLY: {"64 MiB": False},
            LATE: {"16 KiB": True, "64 MiB": True},
            OVER: {"16 KiB": [False, True], "64 MiB": [False, True]},
        },
    },
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/14_send_as_you_go.ipynb) are in a notebook of
# their own.
#
# ### ★ known-length (5 minutes)
#
# `file` is open for reading bytes. Send it to `url` with `POST`, as the body itself. The server wants to
# hear its `Content-Length`, and you must not hold it as a whole. Return the status.


# %% exercise="known-length"
async def send_file(client, url, file):
    ...  # TODO: post the file
    # solution
    async with client.post(url, data=file) as answer:
        return answer.status
    # end


# %%
await attempt("known-length", send_file)

# %% [markdown]
# <details><summary>Hint</summary>
# Look in the first table for what has a length and holds no whole body.
# </details>
#
# ### ★★ count-as-you-read (10 minutes)
#
# Write a handler that takes bodies of up to 64 KiB and answers with their length in bytes, as text. Answer
# 413 to a larger one, however it is framed, and read no further than you must: nothing, if the head says that
# it is too large.


# %% exercise="count-as-you-read"
async def small_only(request):
    ...  # TODO: count, and refuse more than 64 KiB
    # solution
    if (request.content_length or 0) > 64 * KIB:
        raise web.HTTPRequestEntityTooLarge(64 * KIB, request.content_length)
    came = 0
    async for piece in request.content.iter_any():
        came += len(piece)
        if came > 64 * KIB:
            raise web.HTTPRequestEntityTooLarge(64 * KIB, came)
    return web.Response(text=str(came))
    # end


# %%
await attempt("count-as-you-read", small_only)

# %% [markdown]
# <details><summary>Hint</summary>
# The handler <code>counts</code> does half of it, <code>by_its_head</code> the other.
# <code>request.content_length</code> is <code>None</code> for a chunked body.
# </details>
#
# ### ★★★ ask-first (15 minutes)
#
# Write an `expect_handler`. Let a client send that says a length of at most 64 KiB. Answer 413 if it says
# more, and 411, Length Required, if it says none.


# %% exercise="ask-first"
async def may_i(request):
    ...  # TODO: refuse by the head, or say 100
    # solution
    if request.content_length is None:
        raise web.HTTPLengthRequired()
    if request.content_length > 64 * KIB:
        raise web.HTTPRequestEntityTooLarge(64 * KIB, request.content_length)
    request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # end


# %%
await attempt("ask-first", may_i)

# %% [markdown]
# <details><summary>Hint</summary>
# aiohttp has an exception for 411 too. A client that hears neither 100 nor an error waits.
# </details>
#
# ## In practice
#
# * The head of an upload from a generator waits for its first piece [L14q]. A server that would refuse by the
#   head has to wait for it, too.
# * Give `data=` an open file rather than its bytes. aiohttp closes it soon after the request.
# * For large files from a form, read `await request.multipart()` part by part, with `part.read_chunk()`:
#   `part.read()` collects a part, and obeys `client_max_size` as `request.post()` does. `post()` is simpler,
#   and takes all parts before you see the first.
# * Raise `client_max_size` with `web.Application(client_max_size=...)`. A proxy before you has a limit of
#   its own.
# * The bar above needs no package. One of `tqdm` shows rates and times, which are others in every run; one
#   of `ipywidgets` lives in the browser, and a stored notebook shows nothing of it.
# * Not every server answers `Expect` with 100, and aiohttp's client waits until it does. Of its timeouts
#   (lesson 09) only `total` ends this wait, not `sock_read`. Other clients may send the body after a while
#   (RFC 9110, section 10.1.1).
#
# Next: [15 · Which exception is it, and was the request sent twice?](15_name_the_error.ipynb)
#
# ## Where this comes from
#
# * aiohttp 3.14: [client
#   quickstart](https://docs.aiohttp.org/en/stable/client_quickstart.html#streaming-uploads), [client
#   reference](https://docs.aiohttp.org/en/stable/client_reference.html), [advanced
#   server](https://docs.aiohttp.org/en/stable/web_advanced.html#expect-header), server reference on
#   [client_max_size](https://docs.aiohttp.org/en/stable/web_reference.html#aiohttp.web.Application); what
#   calls `read()` in [web_request.py](https://github.com/aio-libs/aiohttp/blob/v3.14.5/aiohttp/web_request.py).
# * RFC 9110, [section 10.1.1](https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1) on Expect, and
#   [section 15.5.14](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14) on 413; RFC 9112, [section
#   6](https://www.rfc-editor.org/rfc/rfc9112#section-6) on framing; RFC 7578 on forms with files.
# * aiohttp issues [732](https://github.com/aio-libs/aiohttp/issues/732) on files and their length and
#   [5436](https://github.com/aio-libs/aiohttp/issues/5436) on errors after a 100; pull request
#   [13579](https://github.com/aio-libs/aiohttp/pull/13579), which brought the tracker.

# %%
folder.cleanup()
await guard.clean()
