# %% [markdown]
# # 04 · May a proxy copy the headers?
#
# **You will** put a proxy from a blog post beside the server that it stands for, and read from the bytes
# what it breaks: last of all, the page that somebody else asked for.
#
# **You need** lesson 01.
#
# **Minutes:** 33 to read and run, 30 for the exercises.

# %%
import asyncio
import gzip
import re
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from aiohttp import ClientError, ClientSession, web

from labs import clients, draw
from labs.claims import check
from labs.compare import compare
from labs.exercises import attempt
from labs.guard import Guard
from labs.predict import score
from labs.town import Town
from labs.trace import Said

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# Lesson 01 showed that a `ClientSession` in a handler makes a proxy. The post that it came from gives the
# code: ask the inner service, read its answer, and return a `web.Response` with the same body, status and
# headers. *Headers* is aiohttp's word for the fields of a message.
#
# This is the origin. It gives a different kind of answer for each path.


# %%
PAGE = b"a line of the page\n" * 50


def squeeze(plain, size):
    packed = gzip.compress(plain, mtime=0)  # and a file name in its head, which fills it up to `size` bytes
    return packed[:3] + b"\x08" + packed[4:10] + b"x" * (size - len(packed) - 1) + b"\0" + packed[10:]


async def origin(request):
    if request.path == "/gzip":
        return web.Response(body=squeeze(PAGE, 200), headers={"Content-Encoding": "gzip"})
    if request.path == "/empty":
        return web.Response(status=204)
    answer = web.Response(body=PAGE)
    if request.path == "/login":
        answer = web.Response(status=302, headers={"Location": "/page"})
    if request.path in ("/login", "/cookies"):
        answer.set_cookie("user", "alice")
        answer.set_cookie("theme", "dark")
    return answer


# %%
async def in_pieces(request):
    answer = web.StreamResponse()  # of no known length, so it goes out in chunks
    await answer.prepare(request)
    for n in range(3):
        await answer.write(b"line %d\r\n" % n)
    return answer


def site():
    app = web.Application()
    app.router.add_get("/chunked", in_pieces)
    app.router.add_route("*", "/{path:.*}", origin)
    return app


# %% [markdown]
# ## Does the post's code run?
#
# First the code as it is printed: a line from the post's summary, and the longer snippet, where `target`
# stands for its address. The third side puts the snippet into a handler. A client then asks for `/plain`.

# %%
SNIPPET = """\
async with ClientSession() as session:
    async with session.request(request.method, target + request.path_qs) as resp:
        res = resp
        raw = await res.read()
return web.Response(body=raw, status=res.status, headers=res.headers)
"""
printed = {
    "one line": "async with ClientSession() ...",
    "snippet": SNIPPET,
    "in a handler": "async def front(request):\n    " + SNIPPET.replace("\n", "\n    "),
}


def noting(trace, who, *words):  # adds what a party says to itself
    notes = [Said(who, who, None, word, 0, len(trace.said), 0.0) for word in words]
    parties = tuple(dict.fromkeys((*trace.parties, who)))
    return replace(trace, said=(*trace.said, *notes), parties=parties)


# %%
async def get(town, url, who="client"):
    async with ClientSession(connector=town.connector(who)) as client, client.get(url) as answer:
        await answer.read()


async def run(text):
    async with Town() as town:
        connect = partial(town.connector, "front.test")
        scope = {"web": web, "target": "http://origin.test"}
        scope["ClientSession"] = lambda: ClientSession(connector=connect())
        try:
            exec(compile(text, "the post", "exec"), scope)
        except SyntaxError as error:
            return noting(town.trace, "Python", type(error).__name__)
        await town.open("origin.test", site())
        await town.open("front.test", scope["front"])
        await get(town, "http://front.test/plain")
    return town.trace


# %%
ran = await compare(
    {name: partial(run, text) for name, text in printed.items()},
    ask={
        "what Python says": lambda t: (t.events(who="Python") or (None,))[0],
        "status the client hears": lambda t: [it.status for it in t.answers(whom="client")],
        "it hears the whole page": lambda t: [it.body == PAGE for it in t.answers(whom="client")],
    },
)
ran

# %% [markdown]
# What is printed is no Python: the line is an outline [C31], and the snippet needs a function around it
# [C12a]. In a handler it relays a plain page [C12b]. Reading inside the block and using `res` after it is
# in order, because `read()` has fetched everything and the rest was there before [C17].

# %%
check(
    ran,
    {
        "C31": {"what Python says": {"one line": None}},
        "C12a": {"what Python says": {"snippet": None}},
        "C12b": {
            "what Python says": {"in a handler": None},
            "status the client hears": {"in a handler": [200]},
        },
        "C17": {"it hears the whole page": {"in a handler": [True]}},
    },
)

# %% [markdown]
# ## The two sides
#
# From here on, the post's proxy is code in a cell. The client sends the same requests to two servers, and
# they differ in one thing: **does the client ask the origin, or the proxy before it?**


# %%
def posted(target, connect):
    async def front(request):
        async with ClientSession(connector=connect()) as session:
            method, url = request.method, target + request.path_qs
            async with session.request(method, url) as resp:
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


# %% [markdown]
# ## The request
#
# A client posts an order, with a token in `Authorization` and a cookie. What does the origin hear?


# %%
FIELDS = {
    "Content-Type": "application/json",
    "Authorization": "Bearer T",
    "Cookie": "user=alice",
    "X-Order": "7",
    "User-Agent": "shop/1",
}


async def order(front):
    async with opened(front, site()) as (town, at):
        mine = town.connector("client")
        async with ClientSession(connector=mine, headers=FIELDS) as client:
            url = f"http://{at}/order"
            async with client.post(url, data=b'{"n": 1}') as answer:
                await answer.read()
    return town.trace


# %%
def hears(name):
    return lambda trace: trace.requests(whom="origin.test")[0].field(name)


heard = await compare(
    {"direct": partial(order, None), "posted": partial(order, posted)},
    ask={
        "method": lambda t: t.requests(whom="origin.test")[0].method,
        "bytes of body": lambda t: len(t.requests(whom="origin.test")[0].body),
        **{name: hears(name) for name in ("Content-Type", "Authorization", "Cookie", "X-Order")},
        "User-Agent, up to its version": lambda t: hears("User-Agent")(t).partition("/")[0],
    },
)
heard

# %%
heard["posted"].bytes(whom="origin.test")

# %% [markdown]
# Method, path and query arrive, because the code names them. All else stays behind: the order, the token,
# the cookie [C15]. In place of what is missing, the proxy's own client says what it says by default: a
# `Content-Type` for a body that is not there, and its own name [L04a].

# %%
check(
    heard,
    {
        "C15": {
            "method": {"posted": "POST"},
            "bytes of body": {"posted": 8},
            "Authorization": {"posted": "Bearer T"},
        },
        "L04a": {
            "Content-Type": {"posted": "application/octet-stream"},
            "User-Agent, up to its version": {"posted": "Python"},
        },
    },
)

# %% [markdown]
# ## The answer: seven kinds
#
# Now the way back. The experiment asks for one kind of answer after another, each on a connection of its
# own, follows no redirect, and notes what aiohttp's client raises.

# %%
KINDS = {
    "plain": ("GET", "/plain"),
    "two cookies": ("GET", "/cookies"),
    "HEAD": ("HEAD", "/plain"),
    "204": ("GET", "/empty"),
    "302": ("GET", "/login"),
    "gzip": ("GET", "/gzip"),
    "chunked": ("GET", "/chunked"),
}


def told(answer):
    cookies, length = len(answer.all("Set-Cookie")), answer.field("Content-Length")
    words = [str(answer.status), f"{len(answer.body)} of {length or '?'} bytes"]
    words += [f"{cookies} cookies"] * bool(cookies)
    words += [f"{len(answer.surplus)} surplus bytes"] * bool(answer.surplus)
    return ", ".join([*words, *["malformed"] * bool(answer.problem)])


# %%
async def fetch(front, *kinds):
    raised = []
    async with opened(front, site()) as (town, at):
        for method, path in map(KINDS.get, kinds):
            async with ClientSession(connector=town.connector("client")) as client:
                url = f"http://{at}{path}"
                try:
                    async with client.request(method, url, allow_redirects=False) as answer:
                        await answer.read()
                except ClientError as error:
                    raised.append(type(error).__name__)
    return noting(town.trace, "client", *raised)


kinds = await compare(
    {"direct": partial(fetch, None, *KINDS), "posted": partial(fetch, posted, *KINDS)},
    ask={it: lambda t, n=n: told(t.answers(whom="client")[n]) for n, it in enumerate(KINDS)},
)
kinds

# %% [markdown]
# The first four kinds are as good as new. `web.Response` takes body, status and fields as they are given
# [C22], and `res.headers` is a dict that can hold a name twice, so that both cookies arrive [L04b].
#
# The 302 never arrives [C16b]. The proxy's client follows redirects, as aiohttp's client does by default.
# It fetched `/page`, and the two cookies of a login went to it and no further:

# %%
login = await fetch(posted, "302")
login.lanes("Location", "Set-Cookie", "Cookie")

# %%
check(
    kinds,
    {
        "C22": {"204": {"posted": "204, 0 of ? bytes"}, "plain": {"posted": "200, 950 of 950 bytes"}},
        "L04b": {"two cookies": {"posted": "200, 950 of 950 bytes, 2 cookies"}},
        "C16b": {"302": {"posted": "302, 0 of 0 bytes, 2 cookies"}},
    },
)

# %% [markdown]
# ## Two answers that are not as they say
#
# The last two rows, looked at closely. A *strict reader* takes the specification at its word.


# %%
def first(trace):
    return trace.answers(whom="client")[0]


broken = await compare(
    {
        f"{kind}, {side}": partial(fetch, front, kind)
        for kind in ("gzip", "chunked")
        for side, front in (("direct", None), ("posted", posted))
    },
    ask={
        "Transfer-Encoding": lambda t: first(t).field("Transfer-Encoding"),
        "Content-Length": lambda t: first(t).field("Content-Length"),
        "bytes after the head": lambda t: len((first(t).raw + first(t).surplus).partition(b"\r\n\r\n")[2]),
        "of them surplus": lambda t: len(first(t).surplus),
        "what a strict reader objects to": lambda t: first(t).problem or None,
        "what aiohttp's client raises": lambda t: (t.events(who="client", whom="client") or (None,))[0],
    },
)
broken

# %%
broken["gzip, posted"].lanes("Content-Encoding", "Content-Length")

# %%
draw.bytes_view(
    {side: broken[f"gzip, {side}"] for side in ("direct", "posted")},
    whom="client",
    finding="The proxy announces 200 bytes and sends 950: the rest belongs to no message",
)

# %%
broken["chunked, posted"].bytes(who="front.test", whom="client")

# %% [markdown]
# * aiohttp's client says by default that it takes gzip, and unpacks what comes. `read()` gave the proxy 950
#   plain bytes. The copied fields still describe the 200 packed ones, so the client unpacks what is not
#   packed, and fails [C13].
# * aiohttp's server does not cut a body to the `Content-Length` that you give it [L04c].
# * The chunked answer was put together by `read()`, too. The proxy's server counts its bytes and adds a
#   `Content-Length`, and the copied `Transfer-Encoding` says that there are chunks. Both at once are
#   forbidden, and neither is right for whoever believes the other [C14]. aiohttp's client refuses such an
#   answer [L04d].
# * `Transfer-Encoding` speaks of one connection. A proxy has two.

# %%
check(
    broken,
    {
        "C13": {"what aiohttp's client raises": {"gzip, direct": None, "gzip, posted": None}},
        "C14": {"what a strict reader objects to": {"chunked, direct": None, "chunked, posted": None}},
        "L04c": {"of them surplus": {"gzip, posted": 0}},
        "L04d": {
            "Transfer-Encoding": {"chunked, posted": "chunked"},
            "Content-Length": {"chunked, posted": "24"},
            "what aiohttp's client raises": {"chunked, posted": "ClientResponseError"},
        },
    },
)

# %% [markdown]
# ## Where do the surplus bytes go?
#
# They stay on the connection. The client above closed it. But whoever counts 200 bytes, does not unpack,
# and asks again on the same connection finds 750 bytes where the next answer should begin. A *load
# balancer* is such a client: it hands on what it reads, and keeps few connections for many users.
#
# Now somebody uploads a page to the origin. It is 200 letters long, and then says something else:

# %%
TRAP = b"<h1>Log in at evil.test</h1>"
FORGED = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(TRAP) + TRAP
UPLOAD = squeeze(b"x" * 200 + FORGED, 200)


async def accounts(request):
    if request.path == "/upload":
        return web.Response(body=UPLOAD, headers={"Content-Encoding": "gzip"})
    return web.Response(text=f"the account of {request.path.strip('/')}")


# %% [markdown]
# This is the balancer, a sketch that hands on bodies only. All its users share one connection. It reads a
# head, and then as many bytes as the head says.


# %%
def balancing(reader, writer, site):
    async def balancer(request):
        writer.write(f"GET {request.path} HTTP/1.1\r\nHost: {site}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)[1]
        return web.Response(body=await reader.readexactly(int(length)))

    return balancer


# %% [markdown]
# Alice looks at the upload, and then at her account. After her, bob looks at his. To the origin all three
# are pages like any other, each in one answer without a fault.
#
# What is alice shown as her account, and what bob as his? Write texts, such as `the account of alice`.

# %%
shown = {
    "alice is shown": {"direct": ..., "posted": ...},
    "bob is shown": {"direct": ..., "posted": ...},
}


# %%
async def answered(town, server, number):  # somebody may have been served before the server has answered
    while len(town.trace.answers(who=server)) < number:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def visit(front):
    async with opened(front, accounts) as (town, server):
        with town.guest("balancer"):
            reader, writer = await asyncio.open_connection(*town.address(server))
            await town.open("shop.test", balancing(reader, writer, server), known_as="balancer")
            for number, page in enumerate(("upload", "alice", "bob"), 1):
                user = "bob" if page == "bob" else "alice"
                await get(town, f"http://shop.test/{page}", user)
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
desync["posted"].lanes("Content-Length")

# %%
desync["posted"].bytes(who="front.test", whom="balancer")

# %%
draw.lifelines(
    {"posted": desync["posted"]},
    finding="The surplus bytes are taken for the answer to alice, and bob gets hers",
    show=["Content-Length"],
)

# %%
score(shown, desync)

# %% [markdown]
# The upload held a whole answer, and the balancer took it for the one that alice waited for [L04e]. It came
# to her from the site that she had asked. Her own answer came after it, and went to bob, who asked next
# [L04f]. From here on every user gets the answer to the one before, until the connection ends. Origin,
# balancer and browsers did nothing wrong.
#
# This is called *response desynchronization*. No skill is needed for surplus bytes: nearly every packed
# page leaves them. Skill decides only what they say.

# %%
check(
    desync,
    {
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
# The balancer was a sketch. Here are two clients that people use, each asking the posted proxy for the
# upload and then for alice's account. They take the packed bytes as they are, as one does to save them or
# to hand them on.


# %%
import httpx


async def aiohttp_client(town, at):
    async with ClientSession(connector=town.connector("client"), auto_decompress=False) as client:
        async with client.get(f"http://{at}/upload") as answer:
            await answer.read()
        async with client.get(f"http://{at}/alice") as answer:
            return await answer.text()


async def httpx_client(town, at):
    host, port = town.address(at)
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as client:
        async with client.stream("GET", "/upload") as answer:
            async for _ in answer.aiter_raw():
                pass
        answer = await client.get("/alice")
        await answered(town, at, 2)
    return answer.text


# %%
async def twice(client):
    async with opened(posted, accounts) as (town, at):
        with town.guest("client"):
            text = await client(town, at)
    return noting(town.trace, "client", text)


takers = await compare(
    {"aiohttp": partial(twice, aiohttp_client), "httpx": partial(twice, httpx_client)},
    ask={
        "connections of the client": lambda t: t.connections(who="client"),
        "alice is shown": lambda t: t.events(who="client", whom="client")[0],
    },
)
takers

# %% [markdown]
# aiohttp's client sees that something follows the answer, and opens a new connection [L04g]. httpx reads on
# where it was [L04h].

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
# ## A session for each request
#
# The post says that a session keeps cookies and uses connections again. Ten requests by one client with one
# session. The origin gives cookies to whoever asks.


# %%
async def ten(front):
    async with opened(front, site()) as (town, at):
        mine = town.connector("client")
        async with ClientSession(connector=mine) as client:
            for _ in range(10):
                async with client.get(f"http://{at}/cookies") as answer:
                    await answer.read()
    return town.trace


session = await compare(
    {"direct": partial(ten, None), "posted": partial(ten, posted)},
    ask={
        "connections to the origin": lambda t: t.connections(whom="origin.test"),
        "requests that bring a cookie": lambda t: [
            it.field("Cookie") is not None for it in t.requests(whom="origin.test")
        ].count(True),
    },
)
session

# %% [markdown]
# Both sides use `ClientSession`. The client's session keeps cookies [C20a] and its connection [C21a]. The
# proxy opens a session for each request and closes it at the end: ten connections [C21b], and no cookie
# kept [C20b]. The second is luck. With one session for all, the cookies of alice would go out with the
# requests of bob.

# %%
check(
    session,
    {
        "C20a": {"requests that bring a cookie": {"direct": 9}},
        "C20b": {"requests that bring a cookie": {"posted": 9}},
        "C21a": {"connections to the origin": {"direct": 1}},
        "C21b": {"connections to the origin": {"posted": 1}},
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
# Mend the answer: pass on the origin's status, its unpacked body, and every field but those that are no
# longer true. Two cookies must arrive as two. The attempt asks for a plain page, a packed one, one in
# chunks, and a 404.


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
# you. Whatever `Connection` names is not for the origin either.


# %% exercise="hand-it-over"
async def faithful(request, inner):
    ...  # TODO: ask the origin with method, fields and body of `request`, and follow no redirect
    # solution
    fields, body = request.headers.copy(), await request.read()
    for name in ["Host", "Connection", *fields.get("Connection", "").split(",")]:
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
# <code>request.headers</code>, which you may copy and change.
# </details>
#
# ### ★★★ as-it-comes (14 minutes)
#
# The posted proxy waits for the last byte before the first goes out. Relay `/slow` as it comes: the origin
# sends a piece of it and holds back the rest, and the piece must reach the client meanwhile.
# `inner` unpacks nothing here, so the packed bytes are what the fields say. Keep `Content-Length`, for it
# is true again.


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
#   and drop `Transfer-Encoding` only.
# * **Never copy** what speaks of one connection: `Connection` and every field that it names, `Keep-Alive`,
#   `Proxy-Connection`, `TE`, `Transfer-Encoding`, `Upgrade`. RFC 9110, section 7.6.1.
# * `dict(res.headers)` looks like a mild repair, and loses all cookies but one.
# * HEAD, 204 and 304 have no body, whatever their fields say, and survive the copying.
# * A client that reads a fault out of such an answer, or closes its connection, is safe. Do not count on
#   it: the balancer before you belongs to somebody else.
# * An inner 302 should reach the client, with an address that the client can reach: lesson 02.
# * One session for the whole application saves the connections. Give it a `DummyCookieJar()`, so that users
#   do not share cookies.
# * Reading whole bodies costs time and memory, too: lesson 13.
# * Lesson 05 builds the proxy that has none of these faults.
#
# ## Where this comes from
#
# * RFC 9112, [section 6](https://www.rfc-editor.org/rfc/rfc9112#section-6) on the length of a message, and
#   [section 11.2](https://www.rfc-editor.org/rfc/rfc9112#section-11.2) on request smuggling, the same trick
#   in the other direction.
# * RFC 9110, [section 7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1) on fields for one
#   connection, and [section 8.4](https://www.rfc-editor.org/rfc/rfc9110#section-8.4) on `Content-Encoding`.
# * aiohttp 3.14:
#   [`ClientSession`](https://docs.aiohttp.org/en/stable/client_reference.html#aiohttp.ClientSession) with
#   `auto_decompress`, and
#   [`StreamResponse`](https://docs.aiohttp.org/en/stable/web_reference.html#aiohttp.web.StreamResponse).
# * aiohttp issues [4462](https://github.com/aio-libs/aiohttp/issues/4462) and
#   [8477](https://github.com/aio-libs/aiohttp/issues/8477) on bodies that come unpacked.
# * The first of the four posts this course began from, post 000.

# %%
await guard.clean()
