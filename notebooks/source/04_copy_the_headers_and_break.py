# %% [markdown]
# # 04 · May a proxy copy the headers?
#
# **You will** put a proxy from a blog post beside the server that it stands for, and read from the bytes
# what it breaks: last of all, the page that somebody else asked for.
#
# **You need** lesson 01.
#
# **Minutes:** 30 to read and run (11 to the place to stop), 30 for the exercises.

# %%
import asyncio
import gzip
import re
from contextlib import asynccontextmanager
from functools import partial

import httpx
from aiohttp import ClientError, ClientSession, web
from multidict import CIMultiDict

from labs import Guard, Town, attempt, check, clients, compare, draw, noted, score

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# In lesson 01, a `ClientSession` in a handler made a proxy. The post that this came from hands on the body,
# status and headers that it receives. *Headers* is aiohttp's word for the fields of a message. Here is its
# code in a handler, with `target` for its address. Until the very last comparison the sides differ in one
# thing: **does the client ask the origin, or the proxy before it?**
#
# The origin has a kind of answer for each path. `/gzip` is the page *packed*, in 200 bytes instead of 1000.
# `/chunked` sends it in *chunks*, pieces that each say how long they are.


# %%
def posted(target, connect):
    async def front(request):
        async with ClientSession(connector=connect()) as session:  # noqa: SIM117  as posted
            async with session.request(request.method, target + request.path_qs) as resp:
                res = resp
                raw = await res.read()
        return web.Response(body=raw, status=res.status, headers=res.headers)

    return front


@asynccontextmanager
async def opened(front, behind):
    async with Town() as town:
        await town.open("origin.test", behind)
        if front is not None:
            connect = partial(town.connector, "front.test")
            await town.open("front.test", front("http://origin.test", connect))
        yield town, "origin.test" if front is None else "front.test"


# %%
def squeeze(plain, size):  # gzip, with a file name in its head that fills it up to `size` bytes
    packed = gzip.compress(plain, mtime=0)
    return packed[:3] + b"\x08" + packed[4:10] + b"x" * (size - len(packed) - 1) + b"\0" + packed[10:]


PAGE = b"some lines of text\r\n" * 50
COOKIES = CIMultiDict([("Set-Cookie", "user=alice"), ("Set-Cookie", "theme=dark")])
ANSWERS = {
    "/cookies": {"body": PAGE, "headers": COOKIES},
    "/204": {"status": 204},
    "/302": {"status": 302, "headers": CIMultiDict(COOKIES, Location="/page")},
    "/gzip": {"body": squeeze(PAGE, 200), "headers": {"Content-Encoding": "gzip"}},
}


async def origin(request):
    answer = web.Response(**ANSWERS.get(request.path, {"body": PAGE}))
    if request.path == "/chunked":
        answer.enable_chunked_encoding()
    return answer


# %% [markdown]
# ## The request
#
# A client asks for `/cookies`, and is given two. Then it posts an order in the same session. With both, the
# session sends a token in `Authorization`. What does the origin hear of the order?


# %%
async def order(front):
    async with opened(front, origin) as (town, at):
        mine = {"connector": town.connector("client"), "headers": {"Authorization": "Bearer T"}}
        async with ClientSession(**mine) as client:
            async with client.get(f"http://{at}/cookies") as answer:
                await answer.read()
            async with client.post(f"http://{at}/order?n=1", data=b'{"n": 1}') as answer:
                await answer.read()
    return town.trace


# %%
def ordered(trace):
    return trace.requests(whom="origin.test")[-1]


def far_away(trace):  # the origin: 40 ms from whoever asks it
    asker = next(it.who for it in trace.said if it.whom == "origin.test")
    return trace.apart({(asker, "origin.test"): 40})


# %%
prediction_heard = {
    # one of: 1, 2
    "connections to the origin": {"direct": ..., "posted": ...},
    # one of: 0, 8
    "bytes of its body": {"direct": ..., "posted": ...},
    # one of: 0, 2
    "cookies with it": {"direct": ..., "posted": ...},
}


# %%
heard = await compare(
    {"direct": partial(order, None), "posted": partial(order, posted)},
    ask={
        "connections to the origin": lambda t: t.connections(whom="origin.test"),
        "method of the order": lambda t: ordered(t).method,
        "target of the order": lambda t: ordered(t).target,
        "bytes of its body": lambda t: len(ordered(t).body),
        "cookies with it": lambda t: (ordered(t).field("Cookie") or "").count("="),
        "Authorization": lambda t: ordered(t).field("Authorization"),
        "ms for both, the origin 40 ms away": lambda t: far_away(t).ends("client"),
    },
)
heard

# %%
score(prediction_heard, heard)

# %% [markdown]
# * The client's session keeps its connection [C21a] and the cookies [C20a], as the post says of sessions.
# * The post says that its way relays the request. Method, path and query arrive; the order and the token stay
#   behind [C15].
# * The trap is to open the session that shall keep something in the handler, as this proxy does: it ends with
#   the request. Two connections [L04k], and the cookies that it was given are gone [L04j]. Lessons 06 and 07
#   say what a session should keep.
# * Over a distance the second connection is a round trip that the client waits for, too [L04i]. `apart`
#   computes it from the recording, as lesson 01 says.

# %%
check(
    heard,
    {
        "C15": {
            "method of the order": {"posted": "POST"},
            "bytes of its body": {"posted": 8},
            "Authorization": {"posted": "Bearer T"},
        },
        "C20a": {"cookies with it": {"direct": 2}},
        "L04j": {"cookies with it": {"posted": 2}},
        "C21a": {"connections to the origin": {"direct": 1}},
        "L04k": {"connections to the origin": {"posted": 1}},
        "L04i": {"ms for both, the origin 40 ms away": {"posted": 3 * 40}},
    },
)

# %% [markdown]
# **A place to stop.** The way there is judged. What follows is the way back: seven kinds of answers, and
# where the surplus bytes go.

# %% [markdown]
# ## The answer: seven kinds
#
# Now the way back. Each kind is asked for on a connection of its own. An answer is *malformed* if a reader
# who takes the specification at its word cannot read it. *Surplus bytes* come after the end of a message, and
# belong to none.

# %%
KINDS = ("plain", "cookies", "HEAD", "204", "302", "gzip", "chunked")


async def fetch(front, kinds):
    raised = dict.fromkeys(kinds)
    async with opened(front, origin) as (town, at):
        for kind in kinds:
            method, url = "HEAD" if kind == "HEAD" else "GET", f"http://{at}/{kind}"
            async with ClientSession(connector=town.connector("client")) as client:
                try:
                    async with client.request(method, url, allow_redirects=False) as answer:
                        await answer.read()
                except ClientError as error:
                    raised[kind] = type(error).__name__
    return noted(town.trace, raised)


# %%
def told(kind, trace):
    answer = trace.answers(whom="client")[KINDS.index(kind)]
    body = "the page" if answer.body == PAGE else f"{len(answer.body)} bytes"
    words = [
        str(answer.status),
        "malformed" if answer.problem else body,
        "2 cookies" if len(answer.all("Set-Cookie")) == 2 else None,
        f"{len(answer.surplus)} surplus bytes" if answer.surplus else None,
        "length told twice" if answer.field("Content-Length") and answer.field("Transfer-Encoding") else None,
        trace.notes[kind],
    ]
    return ", ".join(filter(None, words))


kinds = await compare(
    {"direct": partial(fetch, None, KINDS), "posted": partial(fetch, posted, KINDS)},
    ask={kind: partial(told, kind) for kind in KINDS},
)
kinds

# %%
draw.bytes_view(
    {"direct": await fetch(None, ["gzip"]), "posted": await fetch(posted, ["gzip"])},
    whom="client",
    finding="The proxy announces 200 bytes and sends 1000: the rest belongs to no message",
)

# %% [markdown]
# * `web.Response` takes body, status and fields as they are given [C22], so a plain page is relayed [C12b].
#   After its block, `res` can still be used, because its body was read inside [C17]. `res.headers` is a dict
#   that can hold a name twice: both cookies arrive [L04b].
# * A trap: that a 302 of the origin comes out as it came [L04m]. aiohttp's client follows redirects by
#   default, so the proxy fetched `/page`, and the cookies that came with the 302 did not reach the client.
# * aiohttp's client unpacks gzip by default. `read()` gave the proxy 1000 plain bytes, and the copied fields
#   describe the 200 packed ones. The client unpacks what is not packed, and fails [C13].
# * `read()` put the chunks together, too. The proxy's server adds a `Content-Length`, and the copied
#   `Transfer-Encoding` still promises chunks, which never come [C14a]. aiohttp's client refuses such an
#   answer [L04d]. A sender must not even write both fields in one message (RFC 9112, section 6.2).
#   `Transfer-Encoding` speaks of one connection. A proxy has two.

# %%
check(
    kinds,
    {
        "C12b": {"plain": {"posted": "200, the page"}},
        "C13": {"gzip": {"posted": "200, 200 bytes"}},
        "C14a": {"chunked": {"posted": "200, the page"}},
        "L04m": {"302": {"posted": "302, 0 bytes, 2 cookies"}},
        "C17": {"cookies": {"posted": "200, the page, 2 cookies"}},
        "C22": {"204": {"posted": "204, 0 bytes"}, "cookies": {"posted": "200, the page, 2 cookies"}},
        "L04b": {"cookies": {"posted": "200, the page, 2 cookies"}},
        "L04d": {"chunked": {"posted": "200, malformed, length told twice, ClientResponseError"}},
    },
)

# %% [markdown]
# ## Where do the surplus bytes go?
#
# They stay on the connection. The client above closed it. But whoever counts 200 bytes, does not unpack, and
# asks again there finds 800 bytes where the next answer should begin. A careless *load balancer* can be such
# a client: it keeps few connections for many users.
#
# Now somebody uploads a page to the origin. Packed it has 200 bytes; unpacked it is 200 letters, and then
# something else. Below it is the balancer, a sketch that hands on bodies only.

# %%
TRAP = b"<h1>Log in at evil.test</h1>"
FORGED = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(TRAP) + TRAP
UPLOAD = squeeze(b"x" * 200 + FORGED, 200)


async def accounts(request):
    if request.path == "/upload":
        return web.Response(body=UPLOAD, headers={"Content-Encoding": "gzip"})
    return web.Response(text=f"the account of {request.path.strip('/')}")


# %%
def balancing(reader, writer, site):
    async def balancer(request):
        writer.write(f"GET {request.path} HTTP/1.1\r\nHost: {site}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)[1]
        return web.Response(body=await reader.readexactly(int(length)))

    return balancer


# %% [markdown]
# Alice looks at the upload, and then at her account. After her, bob looks at his. All goes over the one
# connection of the balancer. What is alice shown as her account, and what bob as his? Write texts, such as
# `the account of alice`.

# %%
prediction_desync = {
    # one of: "the account of alice", "the account of bob", "<h1>Log in at evil.test</h1>"
    "alice is shown": {"direct": ..., "posted": ...},
    # one of: "the account of alice", "the account of bob", "<h1>Log in at evil.test</h1>"
    "bob is shown": {"direct": ..., "posted": ...},
}


# %%
async def answered(town, server, number):  # a user may have been served before the server has answered
    while len(town.trace.answers(who=server)) < number:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def visit(front):
    async with opened(front, accounts) as (town, server):
        with town.guest("balancer"):
            reader, writer = await asyncio.open_connection(*town.address(server))
            await town.open("shop.test", balancing(reader, writer, server), known_as="balancer")
            for number, page in enumerate(("upload", "alice", "bob"), 1):
                mine = town.connector("bob" if page == "bob" else "alice")
                async with (
                    ClientSession(connector=mine) as user,
                    user.get(f"http://shop.test/{page}") as answer,
                ):
                    await answer.read()
                await answered(town, server, number)
            writer.close()
    return town.trace


# %%
desync = await compare(
    {"direct": partial(visit, None), "posted": partial(visit, posted)},
    ask={
        "connections of the balancer": lambda t: t.connections(who="balancer"),
        "surplus bytes after the upload": lambda t: len(t.answers(whom="balancer")[0].surplus),
        "the answer to alice's request": lambda t: t.answers(whom="balancer")[1].body.decode(),
        "alice is shown": lambda t: t.answers(whom="alice")[1].body.decode(),
        "bob is shown": lambda t: t.answers(whom="bob")[0].body.decode(),
    },
)
desync

# %%
desync["posted"].bytes(who="front.test", whom="balancer")

# %%
draw.lifelines(
    {"posted": desync["posted"]},
    finding="The surplus bytes are taken for the answer to alice, and bob gets hers",
    show=["Content-Length"],
)

# %%
score(prediction_desync, desync)

# %% [markdown]
# `web.Response` did not cut the body to the `Content-Length` that it was given [L04c]. The rest was a whole
# answer. The balancer had it before alice asked, and took it for hers [L04e]: in the figure she is answered
# while the balancer's `GET /alice` is still on its way. Her own answer came after it, and went to bob, who
# asked next [L04f]. From here on every user gets the answer to the one before, until the connection ends.
#
# The origin and the browsers did nothing wrong. The balancer did: RFC 9112, section 9.2, forbids to take for
# an answer what came before the question. Not every client keeps to it.
#
# This is called *response desynchronization*. No skill is needed for surplus bytes: a packed page with a
# `Content-Length` leaves them, if it was longer unpacked. Skill decides only what they say.

# %%
check(
    desync,
    {
        "L04c": {"surplus bytes after the upload": {"posted": 0}},
        "L04e": {
            "the answer to alice's request": {"posted": "the account of alice"},
            "alice is shown": {"posted": "<h1>Log in at evil.test</h1>"},
        },
        "L04f": {"bob is shown": {"posted": "the account of alice"}},
    },
)

# %% [markdown]
# ## Who else falls for it?
#
# The balancer was a sketch. Here are two clients that people use. Each asks the posted proxy for the upload,
# unpacks nothing, and then asks for alice's account.


# %%
async def by_aiohttp(town, at):
    async with ClientSession(connector=town.connector("client"), auto_decompress=False) as client:
        for page in ("upload", "alice"):
            async with client.get(f"http://{at}/{page}") as answer:
                raw = await answer.read()
    return raw.decode()


async def by_httpx(town, at):
    host, port = town.address(at)
    async with httpx.AsyncClient(trust_env=False) as client:
        for page in ("upload", "alice"):
            async with client.stream("GET", f"http://{host}:{port}/{page}") as answer:
                raw = b"".join([piece async for piece in answer.aiter_raw()])
        await answered(town, at, 2)
    return raw.decode()


# %%
async def twice(client):
    async with opened(posted, accounts) as (town, at):
        with town.guest("client"):
            text = await client(town, at)
    return noted(town.trace, shown=text)


takers = await compare(
    {"aiohttp": partial(twice, by_aiohttp), "httpx": partial(twice, by_httpx)},
    ask={
        "connections of the client": lambda t: t.connections(who="client"),
        "alice is shown": lambda t: t.notes["shown"],
    },
)
takers

# %% [markdown]
# aiohttp's client sees that something came together with the answer, and opens a new connection [L04g]. httpx
# reads on where it was [L04h]. Come a moment later, on the idle connection, surplus bytes are another matter:
# lesson 05's check FRAME-5 shows a `ClientSession` that takes them.

# %%
check(
    takers,
    {
        "L04g": {
            "connections of the client": {"aiohttp": 2},
            "alice is shown": {"aiohttp": "the account of alice"},
        },
        "L04h": {
            "connections of the client": {"httpx": 2},
            "alice is shown": {"httpx": "the account of alice"},
        },
    },
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/04_copy_the_headers_and_break.ipynb) are in a
# notebook of their own. `inner` is an open `ClientSession` of the front, which keeps no cookies. The origin
# is `http://origin.test`.
#
# ### ★ say-what-you-send (6 minutes)
#
# Mend the answer: pass on status, unpacked body, and every field but those that are no longer true. You are
# asked for a plain page, a packed one, one in chunks, and a 404.


# %% exercise="say-what-you-send"
async def truthful(request, inner):
    ...  # TODO: the posted proxy, without the three fields that describe what it received
    # solution
    async with inner.get("http://origin.test" + request.path_qs) as answer:
        body, fields = await answer.read(), answer.headers.copy()
    for name in ("Content-Encoding", "Content-Length", "Transfer-Encoding"):
        fields.popall(name, None)
    return web.Response(body=body, status=answer.status, headers=fields)
    # end


# %%
await attempt("say-what-you-send", truthful)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>answer.headers.copy()</code> is a dict that can hold a name twice. <code>popall(name, None)</code>
# removes a name from it, whatever its case. A plain <code>dict</code> keeps one value of each name.
# </details>
#
# ### ★★ hand-it-over (10 minutes)
#
# Mend the request: method, path, query, body and fields must reach the origin, and its 302 must reach the
# client. Two fields are not for the origin: `Host` names you, and `Connection` speaks of the connection to
# you. Nor is any field that `Connection` names: it may come in several lines, and no name's case matters.


# %% exercise="hand-it-over"
async def faithful(request, inner):
    ...  # TODO: ask the origin with method, fields and body of `request`, and follow no redirect
    # solution
    fields, body = request.headers.copy(), await request.read()
    for name in ["Host", "Connection", *",".join(fields.getall("Connection", ())).split(",")]:
        fields.popall(name.strip(), None)
    url = "http://origin.test" + request.path_qs
    asked = inner.request(request.method, url, headers=fields, data=body, allow_redirects=False)
    async with asked as answer:
        return web.Response(body=await answer.read(), status=answer.status, headers=answer.headers)
    # end


# %%
await attempt("hand-it-over", faithful)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>inner.request(method, url, headers=..., data=..., allow_redirects=False)</code>. The fields are in
# <code>request.headers</code>, which you may copy and change. <code>getall("Connection", ())</code> is every
# line of one name.
# </details>
#
# ### ★★★ as-it-comes (14 minutes)
#
# The posted proxy waits for the last byte before the first goes out. Relay `/slow` as it comes: its first
# piece must reach the client while the origin holds back the rest. `inner` unpacks nothing here, so
# `Content-Length` is true again: keep it.


# %% exercise="as-it-comes"
async def relay(request, inner):
    ...  # TODO: prepare a StreamResponse, and write each piece while you read the next
    # solution
    async with inner.get("http://origin.test" + request.path_qs) as answer:
        fields = answer.headers.copy()
        fields.popall("Transfer-Encoding", None)
        out = web.StreamResponse(status=answer.status, headers=fields)
        await out.prepare(request)
        async for piece in answer.content.iter_any():
            await out.write(piece)
        await out.write_eof()
    return out
    # end


# %%
await attempt("as-it-comes", relay)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>async for piece in answer.content.iter_any()</code> gives what has come. Prepare and write inside
# the <code>async with</code>: behind it the connection is closed.
# </details>
#
# ## In practice
#
# * **Read or pass on.** If you read a body unpacked, drop `Content-Encoding`, `Content-Length` and
#   `Transfer-Encoding`. If you pass bytes on as they are, make the session with `auto_decompress=False`,
#   and of these three drop `Transfer-Encoding` only.
# * **Never copy** what speaks of one connection: `Connection` and every field that it names, `Keep-Alive`,
#   `Proxy-Connection`, `TE`, `Transfer-Encoding`, `Upgrade`. RFC 9110, section 7.6.1.
# * **A body after `HEAD`** is surplus, too. Whether a client says so depends on how the network has cut the
#   bytes: lesson 15.
# * Lesson 05 repairs these faults, step by step, and shows what is left.
#
# Next: [05 · What does a correct proxy owe?](05_proxy_it_right.ipynb)
#
# ## Where this comes from
#
# * RFC 9112, [section 6](https://www.rfc-editor.org/rfc/rfc9112#section-6) on the length of a message,
#   [section 9.2](https://www.rfc-editor.org/rfc/rfc9112#section-9.2) on whose answer is whose,
#   and [section 11.2](https://www.rfc-editor.org/rfc/rfc9112#section-11.2) on the same trick in the other
#   direction. RFC 9110, [section 7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1) on fields for
#   one connection.
# * aiohttp 3.14: `auto_decompress` of
#   [`ClientSession`](https://docs.aiohttp.org/en/stable/client_reference.html#aiohttp.ClientSession).
# * aiohttp issues [4462](https://github.com/aio-libs/aiohttp/issues/4462) and
#   [8477](https://github.com/aio-libs/aiohttp/issues/8477) on bodies that come unpacked.
# * The first of the four posts this course began from, post 000.

# %%
await guard.clean()
