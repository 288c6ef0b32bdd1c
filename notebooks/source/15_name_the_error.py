# %% [markdown]
# # 15 · Which exception is it, and was the request sent twice?
#
# **You will** meet many ways in which a server can fail a client, with a `GET` and with a `POST`. You will
# read which exception aiohttp raises, and count at the server how often the request came.
#
# **You need** lesson 01.
#
# **Minutes:** 39 to read and run (13 to the place to stop), 27 for the exercises.

# %%
import asyncio
import builtins
from functools import partial

import aiohttp
from aiohttp import ClientError, ClientSession, ClientTimeout, web
from aiohttp.http import HttpProcessingError

from labs import Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.instruments import failures, heard
from labs.servers import faults

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# `labs.servers.faults` holds servers that misbehave, one named fault each. Each stands under its own name:
# the one at `close-before-head.test` reads the request, and closes the connection before it has said a
# word. Five more fail before there is anybody to misbehave. Nobody has the name `unknown-name.test`. At
# `refused.test` nobody listens. `not-tls.test` does not speak TLS, the encryption of `https`. At
# `wrong-name.test` the client asks for the certificate of `other.test`, and is shown another. That of
# `unknown-ca.test` is signed by an authority that the client does not know.
#
# Two strike at a second connection. `redirect-refused.test` answers with a redirect to a server that
# refuses. `retry-refused.test` reads the request, stops listening, and closes the connection.
#
# The sides get the same failures in the same order. They differ in one thing: **the method.** What a fault
# does on the wire says `faults.FAULTS[name].sentence`. Here are four:

# %%
for name in ("close-before-head", "garbage", "close-in-body", "gzip-cut"):
    print(f"{name:18} {faults.FAULTS[name].sentence}")

# %% [markdown]
# ## Predict
#
# Which exception does aiohttp's client raise, and how often does the server hear the request? Write it as in
# `"ClientError, heard 3"`, and as in `"nothing, heard 3"` where none is raised.

# %%
prediction = {
    # one of: "ClientConnectorError, heard 0", "ClientConnectorError, heard 1",
    #   "ServerDisconnectedError, heard 0"
    "refused": {"GET": ..., "POST": ...},
    # one of: "ServerDisconnectedError, heard 1", "ServerDisconnectedError, heard 2",
    #   "ClientPayloadError, heard 1"
    "close-before-head": {"GET": ..., "POST": ...},
    # one of: "ClientResponseError, heard 1", "ClientPayloadError, heard 1", "nothing, heard 1"
    "garbage": {"GET": ...},
    # one of: "ClientPayloadError, heard 1", "ServerDisconnectedError, heard 2", "nothing, heard 1"
    "close-in-body": {"GET": ..., "POST": ...},
    # one of: "ClientPayloadError, heard 1", "ContentEncodingError, heard 1", "nothing, heard 1"
    "gzip-cut": {"GET": ...},
}

# %% [markdown]
# ## The experiment
#
# This is how the client asks. Where a server stalls, which means that it keeps the connection and says
# nothing more, the timeout `sock_read` ends the wait. A gate makes a fault that comes after the head of an
# answer wait until the client has that head.

# %%
BAD_CHUNKS = ("bad-chunk-size", "bad-chunk-end")


async def raised_by(client, method, url, name, gate, pieces):
    stalls = name.startswith("stall") or name == "length-too-long"
    silence = 0.1 if name in BAD_CHUNKS else 0.03 if stalls else None
    limits = ClientTimeout(total=None, sock_connect=None, sock_read=silence)
    expects = {"server_hostname": "other.test"} if name == "wrong-name" else {}
    try:
        if name.endswith("second"):  # the first request, which goes well
            await (await client.get(f"{url}/first")).read()
        body = None if method == "GET" else pieces() if pieces else b"order"
        async with client.request(method, url, data=body, timeout=limits, **expects) as answer:
            gate.open()
            async with asyncio.timeout(0.3 if name in BAD_CHUNKS else None):
                await answer.read()
    except (ClientError, TimeoutError, HttpProcessingError) as error:  # the third: without the C extension
        return type(error).__name__
    return "nothing"


# %%
async def meet(names, method, pieces=None):
    raised = {}
    async with Town() as town:
        for name in names:
            url, gate = await failures.stand(town, name)
            trust = {} if name == "unknown-ca" else {"ssl": town.ca.client_context()}
            async with ClientSession(connector=town.connector("client", **trust)) as client:
                raised[name] = await raised_by(client, method, url, name, gate, pieces)
    return noted(town.trace, raised)


# %%
def told(name, trace):
    return f"{trace.notes[name]}, heard {heard(name, trace)}"


SEVEN = [
    "refused",
    "close-before-head",
    "garbage",
    "close-in-body",
    "close-in-chunk",
    "gzip-cut",
    "bad-chunk-size",
]
found = await compare(
    {method: partial(meet, failures.EVERY, method) for method in ("GET", "POST")},
    ask={name: partial(told, name) for name in SEVEN},
)
found

# %%
score(prediction, found)

# %% [markdown]
# ## Every failure
#
# The same two recordings, whole. *Sent* is how often the request went out. Where it says **TWICE**, aiohttp
# sent it again and told nobody: the exception is the second one's, or there is none at all.
#
# The table has each failure at the phase of the conversation where it strikes. The map below has the ends of
# a connection: where it ends, and how. *close* ends the connection in order, *reset* breaks it off, *stall*
# keeps it and says nothing more. A dark cell is a TWICE. A server that hangs up at once hears nothing; there
# each connection is counted.

# %%
failures.table(found.traces)

# %%
draw.heat_map(
    failures.view(found.traces),
    finding="A GET that is lost before the answer's head is whole is sent twice, a POST never",
)

# %% [markdown]
# ## What happened
#
# * Where a connection is refused or cannot be agreed on, the exception says so: `ClientConnectorError`, or
#   one of its kind for a name or a certificate [C66a]. If it times out, it is `ConnectionTimeoutError`, which
#   is no `ClientConnectorError`: lesson 09.
# * A server that refuses hears no request [L15a]. Does the exception prove it? The next part asks.
# * When the connection ended before the answer's head was whole, the `GET` came **twice** and the `POST`
#   once [L15b]. aiohttp sends a lost request again, once, and tells nobody, if the method is *idempotent*:
#   if to do it twice should be the same as to do it once.
# * An answer whose head aiohttp refuses raises `ClientResponseError`, and is not asked for again [L15c].
# * A body that is cut short of its `Content-Length`, or among its chunks, raises `ClientPayloadError`, and
#   there is no second request [L15d].
# * A chunk whose size is no number, after the head, raises nothing at all: `read()` waits. `sock_read` ends
#   the wait for a server that stalls, and not this one [L15k]. The `TimeoutError` in the table is the
#   patience that stands around `read()` above. Only that, or `total`, helps.
# * Some broken answers raise nothing [L15e]. Half of what gzip made was decoded as far as it went. And
#   where the end of the connection is the end of the body, a cut looks like an end; aiohttp raises nothing
#   there even for a reset.

# %%
NEVER = "ClientConnectorError, heard 0"
LOST = "ServerDisconnectedError, heard 2"
check(
    found,
    {
        "C66a": {"refused": dict.fromkeys(found.sides, NEVER)},
        "L15a": {"refused": {"GET": NEVER, "POST": NEVER}},
        "L15b": {"close-before-head": {"GET": LOST, "POST": LOST}},
        "L15c": {"garbage": dict.fromkeys(found.sides, "ClientResponseError, heard 1")},
        "L15d": dict.fromkeys(
            ("close-in-body", "close-in-chunk"),
            dict.fromkeys(found.sides, "ClientPayloadError, heard 1"),
        ),
        "L15k": {"bad-chunk-size": dict.fromkeys(found.sides, "SocketTimeoutError, heard 1")},
        "L15e": {"gzip-cut": dict.fromkeys(found.sides, "ClientPayloadError, heard 1")},
    },
)

# %% [markdown]
# **A place to stop.** You know the exceptions by fault and phase. What follows: what is sent twice, which
# `except` catches it, and what no exception tells.
#
# ## Which methods go twice, and what does a refusal prove?
#
# Four of these failures again, with five methods. One `PUT` takes its body from an async generator, which
# can be read only once. `close-at-second` is the race that every kept connection runs: it is used for a
# second request at the moment when the server ends it. The last two hear the request, and the next
# connection that aiohttp makes is refused: at the redirect's target, or at the same server.


# %%
async def generator():
    yield b"order"


FOUR = ("close-before-head", "close-at-second", "redirect-refused", "retry-refused")
sides = {method: partial(meet, FOUR, method) for method in ("GET", "PUT", "DELETE", "POST", "PATCH")}
sides |= {"PUT, generator": partial(meet, FOUR, "PUT", generator)}
methods = await compare(
    sides,
    ask={"close-before-head: heard": partial(heard, "close-before-head")}
    | {
        f"{name}: {what}": partial(ask, name)
        for name in FOUR[1:]
        for what, ask in {"heard": heard, "raises": lambda name, t: t.notes[name]}.items()
    },
)
methods

# %%
methods["PUT"].lanes()

# %% [markdown]
# * `PUT` and `DELETE` go twice as well, body and all [L15f]. A body that can be read only once, as from an
#   async generator, is not sent again; up to aiohttp 3.14.3 it was, and arrived empty. On the kept
#   connection the second try succeeds, so that nobody learns of the first [L15g]. A server whose `PUT` adds
#   something has added it twice.
# * `ClientConnectorError` does **not** prove that nothing was sent. It speaks of the last connection. After
#   a redirect, and after aiohttp's own second try, it came though a server had heard the request [L15m].
#   A `POST` has no second try. Send it with `allow_redirects=False`, and there is one connection only: if
#   that is refused, nobody heard [L15a].

# %%
IDEMPOTENT, OTHERS = ("GET", "PUT", "DELETE"), ("POST", "PATCH")
REFUSED, LOST = "ClientConnectorError", "ServerDisconnectedError"
check(
    methods,
    {
        "L15f": {
            "close-before-head: heard": {"PUT": 2, "DELETE": 2, "PUT, generator": 1, "POST": 1, "PATCH": 1}
        },
        "L15g": {
            "close-at-second: heard": {"GET": 2, "PUT": 2, "POST": 1},
            "close-at-second: raises": {"GET": "nothing", "PUT": "nothing", "POST": LOST},
        },
        "L15m": {
            "redirect-refused: heard": dict.fromkeys(methods.sides, 1),
            "redirect-refused: raises": dict.fromkeys(methods.sides, REFUSED),
            "retry-refused: heard": dict.fromkeys(methods.sides, 1),
            "retry-refused: raises": dict.fromkeys(IDEMPOTENT, REFUSED) | dict.fromkeys(OTHERS, LOST),
        },
    },
)

# %% [markdown]
# ## Which `except` catches it?
#
# A post says that a `ClientConnectError` can occur when network trouble keeps a connection from being made.
# The program below its sentence writes `ClientConnectorError`. Here are six kinds of network trouble. The
# sides differ in **the failure**.

# %%
SIX = [
    "unknown-name",
    "wrong-name",
    "close-before-head",
    "reset-before-head",
    "stall-before-head",
    "close-in-body",
]
CLAUSES = ("ClientConnectorError", "ClientConnectionError", "ClientError", "OSError", "TimeoutError")


def find(name):
    return getattr(aiohttp, name, None) or getattr(builtins, name)


def caught_by(clause, trace):
    (name,) = trace.notes.values()
    return issubclass(find(name), find(clause))


# %%
trouble = await compare(
    {name: partial(meet, (name,), "POST") for name in SIX},
    ask={"raises": lambda t: next(iter(t.notes.values()))}
    | {f"except {clause}": partial(caught_by, clause) for clause in CLAUSES}
    | {"aiohttp has ClientConnectError": lambda t: hasattr(aiohttp, "ClientConnectError")},
)
trouble

# %% [markdown]
# * The post's program has the right name, and works. Its sentence has a slip: no such class exists [C65]. The
#   wrong name, written after `except`, raises an `AttributeError`, and only on the day when something fails:
#   Python looks it up no earlier.
# * The post is right of connections that cannot be set up [C66a]. The trap is to take `ClientConnectorError`
#   for all network trouble: it covers the connecting and nothing after it, not a connection that is closed or
#   reset, nor one that stalls [L15q]. `ClientConnectionError` covers these, and `ClientError` a cut body, too
#   [C71a].
# * A silence is both a `ClientError` and a `TimeoutError` [L15h]. With `total` it is the second only, as
#   the last table shows.

# %%
check(
    trouble,
    {
        "C65": {"aiohttp has ClientConnectError": dict.fromkeys(SIX, True)},
        "L15q": {"except ClientConnectorError": dict.fromkeys(SIX, True)},
        "C71a": {"except ClientError": dict.fromkeys(SIX, True)},
        "L15h": {
            "except ClientError": {"stall-before-head": True},
            "except TimeoutError": {"stall-before-head": True, "close-before-head": False},
        },
    },
)

# %% [markdown]
# ## A bad status is no exception
#
# This server answers with the status that stands in the path. The sides differ in **what the client does**
# with the answer. The last one asks as the first does, and meets the fault `garbage`.


# %%
async def status(request):
    return web.Response(status=int(request.path[1:]), text="why it failed")


async def as_posted(client, url):
    async with client.get(url) as answer:
        return {"body": await answer.text()}


async def read(answer):
    try:
        return await answer.text()
    except ClientError as error:
        return type(error).__name__


# %%
async def inside(client, url):
    async with client.get(url) as answer:
        try:
            answer.raise_for_status()
        except ClientError as error:
            return {"raises": f"{error.status} {error.message}", "body": await read(answer)}


async def outside(client, url):
    answer = await client.get(url)
    try:
        answer.raise_for_status()
    except ClientError as error:
        return {"raises": f"{error.status} {error.message}", "body": await read(answer)}


# %%
async def get(ask, path="/500", server=status):
    async with Town() as town:
        await town.open("origin.test", server)
        async with ClientSession(connector=town.connector("client")) as client:
            try:
                notes = await ask(client, f"http://origin.test{path}")
            except ClientError as error:
                notes = {"raises": str(error.status)}
    return noted(town.trace, notes)


# %%
prediction_bad = {
    # one of: None, "500 Internal Server Error"
    "the exception says": {"500, as posted": ..., "500, raised inside": ...},
}


# %%
ways = {"500, as posted": partial(get, as_posted), "500, raised inside": partial(get, inside)}
ways |= {"500, raised outside": partial(get, outside), "400, raised inside": partial(get, inside, "/400")}
ways |= {"garbage": partial(get, as_posted, server=faults.make("garbage"))}
bad = await compare(
    ways,
    ask={
        "status on the wire": lambda t: [it.status or "none" for it in t.answers()],
        "the exception says": lambda t: t.notes.get("raises"),
        "body that the client then reads": lambda t: t.notes.get("body"),
    },
)
bad

# %%
score(prediction_bad, bad)

# %% [markdown]
# * A 4xx or 5xx can become a `ClientResponseError`, as a post says [C61b]: after `raise_for_status()`, with
#   status and reason [C63]. The trap is to wait for it without [L15n]: 4xx and 5xx are answers like any
#   other. The post's example of other client errors falls into it: the `except` around its `/500` is never
#   entered, and it prints nothing [C70].
# * `raise_for_status()` raises; it handles nothing [C62]. What handles it is the `except`, which the post's
#   program has. The body, which often says what is wrong, can still be read inside the `async with`. Outside
#   it is lost [L15i].
# * A `ClientResponseError` need not come from an answer. For bytes that are no HTTP, its status is an
#   **invented** 400 [L15j]. Whoever takes 400 for "my request was wrong" looks on the wrong side.

# %%
SAYS, READ, ERROR = "the exception says", "body that the client then reads", "500 Internal Server Error"
check(
    bad,
    {
        "L15n": {SAYS: {"500, as posted": ERROR}},
        "C61b": {SAYS: {"500, raised inside": ERROR}},
        "C62": {SAYS: {"500, raised inside": None}},
        "C63": {SAYS: {"400, raised inside": "400 Bad Request"}},
        "C70": {SAYS: {"500, as posted": ERROR}},
        "L15i": {
            READ: {"500, raised inside": "why it failed", "500, raised outside": "ClientConnectionError"}
        },
        "L15j": {"status on the wire": {"garbage": ["none"]}, SAYS: {"garbage": "400"}},
    },
)

# %% [markdown]
# ## What `ClientError` does not catch
#
# The sides differ in **what goes wrong**. The first is the network's, the second your own patience with it,
# and the other three are your own mistakes or those of the content.


# %%
LATIN = "é".encode("latin-1")


async def page(request):
    return web.Response(body=LATIN, content_type="text/plain", charset="utf-8")


async def fail(how, server=page, url="http://origin.test/"):
    notes = {"raises": "nothing", "caught": "False", "words": "none"}
    async with Town() as town:
        await town.open("origin.test", server)
        async with ClientSession(connector=town.connector("client")) as client:
            try:
                await how(client, url)
            except Exception as error:
                caught = isinstance(error, ClientError)
                words = str(error).partition(" [")[0] if caught else "some" if str(error) else "none"
                notes = {"raises": type(error).__name__, "caught": str(caught), "words": words}
    return noted(town.trace, notes)


# %%
async def read_closed(client, url):
    await client.close()
    await client.get(url)


async def read_text(client, url):
    async with client.get(url) as answer:
        await answer.text()


# %%
prediction_other = {
    # one of: "yes", "no"
    "except ClientError": {"unknown name": ..., "total": ..., "not UTF-8": ..., "session closed": ...},
}


# %%
TOTAL = ClientTimeout(total=0.05)
other = await compare(
    {
        "unknown name": partial(fail, lambda c, url: c.get("http://nobody.test/")),
        "total": partial(fail, lambda c, url: c.get(url, timeout=TOTAL), faults.make("stall-before-head")),
        "NUL in a field": partial(fail, lambda c, url: c.get(url, headers={"X-Id": "a\0b"})),
        "not UTF-8": partial(fail, read_text),
        "session closed": partial(fail, read_closed),
    },
    ask={
        "raises": lambda t: t.notes["raises"],
        "except ClientError": lambda t: t.notes["caught"] == "True",
        "words in str(error)": lambda t: t.notes["words"],
    },
)
other

# %%
score(prediction_other, other)

# %% [markdown]
# * For an unknown name the text says where it could not go [C64a] [C67]. It is a trap to trust every text:
#   that of a total timeout is **empty** [L15p]. A log line that ends in a colon is often this. `repr(error)`
#   has at least the class.
# * `ClientError` is for the errors of aiohttp's client [C71a], and a trap for whoever means all errors: four
#   of the five are none [L15r]. Catch `TimeoutError` beside it. The other three are mistakes, of yours or of
#   the content; they should not be hidden among the troubles of a network.

# %%
WORDS, WHERE = "words in str(error)", "Cannot connect to host nobody.test:80 ssl:default"
check(
    other,
    {
        "C64a": {WORDS: {"unknown name": WHERE}},
        "L15p": {WORDS: {"total": "some"}},
        "C67": {WORDS: {"unknown name": WHERE}},
        "L15r": {"except ClientError": dict.fromkeys(other.sides, True)},
    },
)

# %% [markdown]
# ## The same bytes, cut otherwise
#
# An answer to `HEAD` has no body (RFC 9110, section 9.3.2), whatever its `Content-Length`. Some servers send
# one all the same: stray bytes. The sides differ in **when five of them come**: never, in one piece with the
# head, or when the client already has its answer. Then it asks with `GET`. The first is an error only by
# chance, by how the network has cut the bytes [L15s].


# %%
class Origin(asyncio.Protocol):
    def __init__(self, stray, born):
        self.stray, self.lost = stray, asyncio.Event()
        born.append(self)

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        page = b"hello" if data.startswith(b"GET") or self.stray == "in one piece" else b""
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + page)

    def connection_lost(self, error):
        self.lost.set()


# %%
async def twice(stray):
    born, told = [], []
    async with Town() as town:
        await town.open("origin.test", partial(Origin, stray, born))
        async with ClientSession("http://origin.test", connector=town.connector("client")) as client:
            for method in ("HEAD", "GET"):
                try:
                    async with client.request(method, "/") as answer:
                        told.append(f"{answer.status}, {len(await answer.read())} bytes")
                except ClientError as error:
                    told.append(type(error).__name__)
                if stray == "later" and method == "HEAD":
                    born[0].transport.write(b"hello")
                    await born[0].lost.wait()  # the client gives the connection up
    return noted(town.trace, told=told, connections=len(born))


# %%
strays = await compare(
    {it: partial(twice, it) for it in ("never", "in one piece", "later")},
    ask={
        "HEAD gives": lambda t: t.notes["told"][0],
        "GET gives": lambda t: t.notes["told"][1],
        "connections": lambda t: t.notes["connections"],
    },
)
strays

# %%
check(strays, {"L15s": {"HEAD gives": {"in one piece": "ClientResponseError", "later": "200, 0 bytes"}}})

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/15_name_the_error.ipynb) are in a notebook of
# their own.
#
# ### ★ was-it-sent (7 minutes)
#
# Post `order` to `url`, and read the answer. Return `"done"` when it has come whole, `"not sent"` when the
# server cannot have heard the request, and `"perhaps"` for everything else that a network does, and for a
# timeout. Let the rest out. Statuses do not matter here, and a redirect is an answer, too.


# %% exercise="was-it-sent"
async def tell(client, url):
    ...  # TODO: post b"order" and read the answer; say "done", "not sent" or "perhaps"
    # solution
    try:
        async with client.post(url, data=b"order", allow_redirects=False) as answer:
            await answer.read()
    except aiohttp.ClientConnectorError:
        return "not sent"
    except (ClientError, TimeoutError):
        return "perhaps"
    return "done"
    # end


# %%
await attempt("was-it-sent", tell)

# %% [markdown]
# <details><summary>Hint</summary>
# Python takes the first clause that fits, so the narrow one comes first. A total timeout is no
# <code>ClientError</code>. Who follows a redirect asks a second server, and the first has heard the order.
# </details>
#
# ### ★★ say-why (8 minutes)
#
# Post `order` to `url`, and return the text of the answer. For a status of 400 or more raise an exception,
# of a class that you choose, whose text holds what the server wrote in its body.


# %% exercise="say-why"
async def order(client, url):
    ...  # TODO: return the text of a good answer; raise an exception that says why the other failed
    # solution
    async with client.post(url, data=b"order") as answer:
        text = await answer.text()
        if not answer.ok:
            raise RuntimeError(f"{answer.status}: {text}")
        return text
    # end


# %%
await attempt("say-why", order)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>answer.ok</code> is false from 400 on. The body can be read as long as you are inside <code>async
# with</code>.
# </details>
#
# ### ★★★ only-if-unsent (12 minutes)
#
# Post `order` to `url`, and return the text of the answer. If the server cannot have heard the request,
# `await wait()` and try again: three tries in all, and then the exception goes out. If it may have heard
# it, the exception goes out at once. A redirect is an answer, too: return its text.


# %% exercise="only-if-unsent"
async def patient(client, url, wait):
    ...  # TODO: post b"order"; try three times, but only where nobody can have heard it
    # solution
    for left in (2, 1, 0):
        try:
            async with client.post(url, data=b"order", allow_redirects=False) as answer:
                return await answer.text()
        except aiohttp.ClientConnectorError:
            if not left:
                raise
            await wait()
    # end


# %%
await attempt("only-if-unsent", patient)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>raise</code> alone, inside <code>except</code>, lets the exception go on. A redirect that is followed
# makes a second connection, which may be refused when the order has been heard.
# </details>
#
# ## In practice
#
# * Catch `(ClientError, TimeoutError)` for everything that a network does. Let the rest out.
# * Log `repr(error)`, not `str(error)`.
# * A second `PUT` must do no harm, for aiohttp may send one. Give what is ordered or paid a key of its own,
#   so that the server knows the second one.
# * A `ClientPayloadError` comes after the status, which may be 200. Whoever writes a body to a file as it
#   comes has part of it there.
# * To know that a body is whole you need `Content-Length`, chunks, or a checksum. An answer that ends with
#   its connection has none of these. gzip ends in a checksum; if it is cut off, aiohttp says nothing.
# * `json()` raises `ContentTypeError`, a `ClientResponseError` with the answer's real status, when the
#   answer does not call itself JSON.
# * Do not tell `ServerDisconnectedError` and `ClientOSError` apart. Which of them a connection ends in may
#   depend on the system. `ClientConnectionError` catches both.
# * aiohttp without its C extension reads answers with another parser. It lets some pass that are refused
#   here, and raises for a chunk whose size is no number an exception that is no `ClientError`.
#
# Next: [16 · What does the client see when your handler fails?](16_fail_well_on_the_server.ipynb)
#
# ## Where this comes from
#
# * RFC 9110, [section 9.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2) on idempotent methods;
#   RFC 9112, [section 9.3.1](https://www.rfc-editor.org/rfc/rfc9112#section-9.3.1) on retrying, and
#   [section 8](https://www.rfc-editor.org/rfc/rfc9112#section-8) on messages that are not complete.
# * aiohttp 3.14: [client
#   reference](https://docs.aiohttp.org/en/stable/client_reference.html#client-exceptions), the tree of
#   exceptions.
# * aiohttp issue [4600](https://github.com/aio-libs/aiohttp/issues/4600) and pull request
#   [9239](https://github.com/aio-libs/aiohttp/pull/9239) on the body after `raise_for_status`; issues
#   [4581](https://github.com/aio-libs/aiohttp/issues/4581) on `ClientPayloadError`,
#   [8455](https://github.com/aio-libs/aiohttp/issues/8455) on a class of its
#   own for names that are not found.
# * The third of the four posts this course began from, post 002.

# %%
await guard.clean()
