# %% [markdown]
# # 06 · What does one session keep?
#
# **You will** ask a shop for four pages, with a session for each page and with one session for all, and read
# from the recording what one session keeps, to whom it shows too much, and what it asks twice.
#
# **You need** lesson 01.
#
# **Minutes:** 34 to read and run (11 to the place to stop), 31 for the exercises.

# %%
import asyncio
import warnings
from functools import partial

from aiohttp import BasicAuth, ClientSession, ServerDisconnectedError, web
from yarl import URL

from labs import Grid, Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.instruments import weather
from labs.servers import faults

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# Before a client can ask, it must open a *connection* to the server. Over a network that is a round trip.
# With TLS, the encryption of `https`, the two then agree on keys: this *handshake* costs one or two more.
# After the answer the connection may be used again: it is *kept alive*.
#
# `shop.test` answers every page with a cookie. Asked for `/open`, it tells how many of the connections that
# it has answered on are still open.


# %%
PATHS = ("/1", "/2", "/3", "/4")  # its pages


def shop():
    known = set()

    async def handler(request):
        if request.path == "/open":
            return web.Response(text=str(sum(not it.is_closing() for it in known)))
        known.add(request.transport)  # the server's end of the connection
        answer = web.Response(text="tea\n")
        answer.set_cookie("visitor", "7")
        return answer

    return handler


# %% [markdown]
# Three programs ask for the same four pages. They differ in one thing: **how long a session lives.** `make()`
# makes a session; its `base_url` is `http://shop.test`, so a path is enough. The first is the helper that a
# blog post has in six of its programs, each of which calls it once. It opens a session in each call.


# %%
async def in_turn(session, paths, read=True):
    for path in paths:
        async with session.get(path) as answer:
            if read:
                await answer.read()


async def a_session_each(make):
    for path in PATHS:
        async with make() as session:
            await in_turn(session, [path])


async def one_session(make):
    async with make() as session:
        await in_turn(session, PATHS)


async def never_closed(make):
    await in_turn(make(), PATHS)


# %% [markdown]
# ## Predict
#
# For each program: how many connections does it open? How many of its four requests bring the cookie? How
# many connections are open when it is done?

# %%
prediction = {
    # one of: 1, 2, 4
    "connections": {"a session each": ..., "one session": ..., "never closed": ...},
    # one of: 0, 3, 4
    "requests with the cookie": {"a session each": ..., "one session": ..., "never closed": ...},
    # one of: 0, 1, 4
    "connections open at the end": {"a session each": ..., "one session": ..., "never closed": ...},
}

# %% [markdown]
# ## The experiment
#
# When the program is done, an inspector, who is another client, asks the shop for `/open`.


# %%
async def visit(program):
    made = []
    async with Town() as town:
        await town.open("shop.test", shop())

        def make():
            made.append(ClientSession("http://shop.test", connector=town.connector("client")))
            return made[-1]

        await program(make)
        mine = town.connector("inspector")
        async with (
            ClientSession(connector=mine) as inspector,
            inspector.get("http://shop.test/open") as answer,
        ):
            await answer.read()
        for session in made:
            await session.close()  # now the one that was left open, too
    return town.trace


# %%
found = await compare(
    {
        "a session each": partial(visit, a_session_each),
        "one session": partial(visit, one_session),
        "never closed": partial(visit, never_closed),
    },
    ask={
        "answers the client hears": lambda t: len(t.answers(whom="client")),
        "connections": lambda t: t.connections(who="client"),
        "requests with the cookie": lambda t: sum(
            it.field("Cookie") is not None for it in t.requests(who="client")
        ),
        "connections open at the end": lambda t: int(t.answers(whom="inspector")[0].body),
    },
)
found

# %% [markdown]
# ## What was said
#
# Lanes show what is said, not on which connection: that is counted above. To the shop, the first program is a
# stranger four times.

# %%
found["a session each"].lanes("Cookie")

# %%
found["one session"].lanes("Cookie")

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * All three got their four answers through a session [C19].
# * One session kept its connection from one request to the next [C51a], and the cookie.
# * `async with` closes the session, and with it its connections [C59]. Without it one stayed open.
# * So the helper with a session in each call leaves nothing open [C60a]. The trap is to call it again and
#   again: it throws away what a session is for. Four connections, and no cookie comes back [L06m].

# %%
check(
    found,
    {
        "C19": {"answers the client hears": dict.fromkeys(found.sides, 4)},
        "C51a": {"connections": {"one session": 1}},
        "C59": {"connections open at the end": {"one session": 0, "never closed": 1}},
        "C60a": {"connections open at the end": {"a session each": 0}},
        "L06m": {"connections": {"a session each": 1}, "requests with the cookie": {"a session each": 3}},
    },
)

# %% [markdown]
# **A place to stop.** You know what one session keeps. What follows: what that saves over a distance, when
# a connection is not kept, who hears what the session keeps, and what a kept connection risks.

# %% [markdown]
# ## The price, over a distance
#
# How long do the four pages take if the shop is 40 ms away, there and back? `apart` computes it from the
# recording: a new connection costs a round trip, TLS 1.3 another, work costs nothing. It is a model, and
# gives the same numbers on every computer.


# %%
async def asked(program, scheme):
    async with Town() as town:
        await town.open("shop.test", shop(), tls=scheme == "https")
        trust = town.ca.client_context()
        await program(
            lambda: ClientSession(f"{scheme}://shop.test", connector=town.connector("client", ssl=trust))
        )
    return town.trace


AWAY = {("client", "shop.test"): 40}
programs = {"a session each": a_session_each, "one session": one_session}
far = await compare(
    {f"{name}, {it}": partial(asked, programs[name], it) for it in ("http", "https") for name in programs},
    ask={
        "round trips": lambda t: t.apart(AWAY).round_trips("client", "shop.test"),
        "ms until the last page": lambda t: t.apart(AWAY).ends("client"),
    },
)
far

# %%
draw.distance_view(
    {it: far[f"{it}, https"].apart(AWAY) for it in programs},
    finding="Four pages over TLS, 40 ms away: a session each takes twice the time",
)

# %% [markdown]
# A request and its answer take one round trip, and that is all that one session pays from the second page
# on. A session each pays for the connection every time, and over TLS for the handshake, too: twice the
# round trips [L06k].

# %%
check(
    far,
    {"L06k": {"round trips": {"a session each, https": 12, "one session, https": 6}}},
)

# %% [markdown]
# ## The price, as weather
#
# And here are the same four pages over TLS as your computer has them, twenty times each, in turn. On one
# computer a round trip costs almost nothing: what you see is its work for four handshakes or for one.

# %%
async with Town() as town:
    await town.open("shop.test", shop(), tls=True)
    trust = town.ca.client_context()

    def make():
        return ClientSession("https://shop.test", connector=town.connector("client", ssl=trust))

    times = await weather({name: partial(it, make) for name, it in programs.items()}, rounds=20)
draw.weather_view(times, finding="Four pages over TLS: weather, not a verdict")

# %% [markdown]
# ## When is the connection kept?
#
# The post says that a session uses its connections again by itself, and so it did, above. Does it always?
# Four requests once more, always with one session. The sides differ in **how they ask**. `/long` is an answer
# of 1 MiB, `/bye` one with the field `Connection: close`, and `other.test` a second server.


# %%
async def page(request):
    answer = web.Response(body=bytes(1 << 20) if request.path == "/long" else b"tea\n")
    if request.path == "/bye":
        answer.force_close()
    return answer


async def at_once(session):
    await asyncio.gather(*(in_turn(session, [path]) for path in PATHS))


async def ask(how):
    async with Town() as town:
        await town.open("shop.test", page)
        await town.open("other.test", page)
        async with ClientSession("http://shop.test", connector=town.connector("client")) as session:
            await how(session)
    return town.trace


# %%
prediction_ways = {
    # one of: 1, 2, 4
    "connections": {"not read, 4 bytes": ..., "not read, 1 MiB": ..., "two servers": ..., "at once": ...},
}


# %%
ways = await compare(
    {
        "all read": partial(ask, partial(in_turn, paths=PATHS)),
        "not read, 4 bytes": partial(ask, partial(in_turn, paths=PATHS, read=False)),
        "not read, 1 MiB": partial(ask, partial(in_turn, paths=["/long"] * 4, read=False)),
        "Connection: close": partial(ask, partial(in_turn, paths=["/bye"] * 4)),
        "two servers": partial(ask, partial(in_turn, paths=["/", "http://other.test/"] * 2)),
        "at once": partial(ask, at_once),
    },
    ask={"connections": lambda t: t.connections()},
)
ways

# %%
score(prediction_ways, ways)

# %%
LEGEND = {"=": "on a connection that was kept", "N": "on a new connection"}


def grid(traces):
    cells = {}
    for name, trace in traces.items():
        asked = [it.connection for it in trace.said if it.who == "client" and it.message]
        for before, connection in enumerate(asked):
            cells["request", name, str(before + 1)] = "=" if connection in asked[:before] else "N"
    numbers = list(dict.fromkeys(number for _, _, number in cells))
    return Grid(list(traces), {"request": numbers}, cells, LEGEND)


kept = grid({"a session each": found["a session each"]} | dict(ways.traces))
draw.heat_map(kept, finding="One session keeps its connection, where body, server and timing allow it")

# %% [markdown]
# * A body that is not read need not cost the connection [L06a]. The four bytes had come with the *head*, the
#   status and the fields of the answer: nothing was missing. But if you leave the block while the body still
#   comes, the connection is lost: nobody can ask where the rest of an old answer still arrives [L06b].
# * `Connection: close` says that this answer is the last one on the connection [L06c].
# * A connection leads to one server, so two servers took two [L06d].
# * A connection of HTTP/1.1, as aiohttp uses it, has one request at a time. Four at once took four [L06e].
# * So a session keeps connections where it can, not always: that is the trap beside the sentence [L06p].

# %%
check(
    ways,
    {
        "L06p": {"connections": dict.fromkeys(ways.sides, 1)},
        "L06a": {"connections": {"not read, 4 bytes": 4, "not read, 1 MiB": 4}},
        "L06b": {"connections": {"all read": 1, "not read, 1 MiB": 4}},
        "L06c": {"connections": {"all read": 1, "Connection: close": 4}},
        "L06d": {"connections": {"all read": 1, "two servers": 2}},
        "L06e": {"connections": {"all read": 1, "at once": 4}},
    },
)

# %% [markdown]
# ## Who hears what the session keeps?
#
# What you give to the session with `headers=` or `auth=` goes with its requests. If it is a secret, who hears
# it? One session asks three times: `shop.test`, `other.test`, and a page of the shop that redirects to
# `other.test`. That is another *origin*, which means here: scheme, host and port together. The sides differ
# in **what the session is given.** (`auth=` is deprecated in aiohttp 3.14. It stands here because many
# programs have it.)

# %%
warnings.filterwarnings("ignore", ".*deprecated", DeprecationWarning)  # of `auth=`
SHOP, ME = "http://shop.test", BasicAuth("me", "secret")
TOKEN, API_KEY = {"Authorization": "secret"}, {"X-Api-Key": "secret"}


async def site(request):
    if "to" in request.query:
        raise web.HTTPFound(request.query["to"])
    return web.Response(text="welcome\n")


async def roam(**settings):
    async with Town() as town:
        await town.open("shop.test", site)
        await town.open("other.test", site)
        async with ClientSession(connector=town.connector("client"), **settings) as session:
            for url in (f"{SHOP}/", "http://other.test/asked", f"{SHOP}/?to=http://other.test/sent"):
                async with session.get(url) as answer:
                    await answer.read()
    return town.trace


# %%
def hears(target, trace):
    it = next(it for it in trace.requests() if it.target == target)
    return any(it.field(name) for name in ("Authorization", "X-Api-Key"))


roamed = await compare(
    {
        "Authorization": partial(roam, headers=TOKEN),
        "Authorization and base_url": partial(roam, headers=TOKEN, base_url=SHOP),
        "X-Api-Key": partial(roam, headers=API_KEY),
        "auth=": partial(roam, auth=ME),
        "auth= and base_url": partial(roam, auth=ME, base_url=SHOP),
    },
    ask={
        "shop.test": partial(hears, "/"),
        "other.test, asked by you": partial(hears, "/asked"),
        "other.test, by a redirect": partial(hears, "/sent"),
    },
)
roamed

# %% [markdown]
# * Default headers are in every request that you make with the session [C54a], as the post and aiohttp's
#   reference say. Whether they are in the one that a redirect leads to depends on the field: `Authorization`
#   stops where another origin begins, and `X-Api-Key` does not [L06n].
# * Ask another server yourself, and it hears your default headers. A `base_url` changes nothing about that:
#   it completes paths, and keeps nobody out [L06f].
# * `auth=` is the one that a `base_url` binds to its origin [L06g]. Without one it goes to everybody, even
#   after a redirect, where the same field from `headers=` had stopped: the session adds it anew to each
#   request.

# %%
BOTH = {"Authorization": True, "X-Api-Key": True}
check(
    roamed,
    {
        "C54a": {"shop.test": BOTH, "other.test, asked by you": BOTH},
        "L06n": {"other.test, by a redirect": BOTH},
        "L06f": {"other.test, asked by you": {"Authorization": True, "Authorization and base_url": False}},
        "L06g": {
            "shop.test": {"auth= and base_url": True},
            "other.test, asked by you": {"auth=": True, "auth= and base_url": False},
            "other.test, by a redirect": {"auth=": True, "auth= and base_url": False},
        },
    },
)

# %% [markdown]
# ## What a kept connection risks
#
# A server closes a connection on which nobody has asked for a while. If your request is on its way in that
# moment, nobody answers it. The fault `close-at-second` plays that moment: it answers the first request of a
# connection, and closes when the second has come. Whether a server has read the request before it closes, the
# client cannot see.
#
# The first three sides differ in **the method**. The fourth is `PUT` once more, on a new connection: the
# fault `close-before-head` closes that at its first request.


# %%
async def order(method, fault="close-at-second"):
    raised = None
    async with Town() as town:
        await town.open("shop.test", faults.make(fault))
        async with ClientSession("http://shop.test", connector=town.connector("client")) as session:
            if fault == "close-at-second":
                await in_turn(session, ["/hello"])
            try:
                async with session.request(method, "/order", data=b"tea") as answer:
                    await answer.read()
            except ServerDisconnectedError as error:
                raised = type(error).__name__
    return noted(town.trace, {"raised": raised})


# %%
prediction_race = {
    # one of: "GET /hello, PUT /order", "GET /hello, PUT /order, PUT /order"
    "what the client asks": {"PUT": ...},
    # one of: None, "ServerDisconnectedError"
    "what the client raises": {"GET": ..., "PUT": ..., "POST": ...},
}


# %%
race = await compare(
    {
        "GET": partial(order, "GET"),
        "PUT": partial(order, "PUT"),
        "POST": partial(order, "POST"),
        "PUT, new": partial(order, "PUT", "close-before-head"),
    },
    ask={
        "what the client asks": lambda t: [f"{it.method} {it.target}" for it in t.requests()],
        "what the shop does": lambda t: [
            it.event or it.message.status for it in t.said if it.who == "shop.test"
        ],
        "what the client raises": lambda t: t.notes["raised"],
    },
)
race

# %%
score(prediction_race, race)

# %%
race["PUT"].lanes()

# %% [markdown]
# * The program asked with `PUT` once, and the shop heard it twice [L06h]. Since 3.10, aiohttp sends a request
#   again when the connection ends before the answer, if its method is *idempotent*: to ask twice should do no
#   more than to ask once. `GET`, `HEAD`, `OPTIONS`, `TRACE`, `PUT` and `DELETE` are.
# * A `POST` may order a second pot of tea, so it is not repeated [L06i]. The client raises
#   `ServerDisconnectedError`. It cannot tell you whether the order was taken.
# * A request on a new connection is repeated as well [L06j], and the second failure is raised.

# %%
check(
    race,
    {
        "L06h": {
            "what the client asks": {"PUT": ["GET /hello", "PUT /order"], "PUT, new": ["PUT /order"]},
        },
        "L06i": {
            "what the client asks": {"POST": ["GET /hello", "POST /order"]},
            "what the shop does": {"POST": [200, "closed"]},
            "what the client raises": {"POST": "ServerDisconnectedError"},
        },
        "L06j": {
            "what the client asks": {
                "PUT": ["GET /hello", "PUT /order", "PUT /order"],
                "PUT, new": ["PUT /order"],
            }
        },
    },
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/06_keep_one_session.ipynb) are in a notebook of
# their own.
#
# ### ★ share-it (6 minutes)
#
# `make()` makes a session with the `base_url` of the shop. Ask for the three `paths`, one after the other,
# over one connection. Return the list of their texts, and leave nothing open.


# %% exercise="share-it"
async def look(make, paths):
    ...  # TODO: one session, three pages, and the list of their texts
    # solution
    texts = []
    async with make() as session:
        for path in paths:
            async with session.get(path) as answer:
                texts.append(await answer.text())
    return texts
    # end


# %%
await attempt("share-it", look)

# %% [markdown]
# <details><summary>Hint</summary>
# Which of the two <code>async with</code> stands outside the loop?
# </details>
#
# ### ★★ key-at-home (10 minutes)
#
# A *middleware* of the client is called for each request that goes out, after a redirect again. Write one
# that adds the field `X-Api-Key: K` for the origin `http://shop.test`, and for no other. It is used as
# `ClientSession(middlewares=(with_key,))`. `request.url` is a `URL` of yarl, and `request.headers` can be
# written.


# %% exercise="key-at-home"
async def with_key(request, handler):
    ...  # TODO: add the field for one origin only, and return what `await handler(request)` returns
    # solution
    if request.url.origin() == URL("http://shop.test"):
        request.headers["X-Api-Key"] = "K"
    return await handler(request)
    # end


# %%
await attempt("key-at-home", with_key)

# %% [markdown]
# <details><summary>Hint</summary>
# An origin is scheme, host and port together. <code>request.url.origin()</code> has all three, and no path.
# </details>
#
# ### ★★★ orders-go-once (15 minutes)
#
# On a connection where it has answered before, this shop hears a `POST`, and closes without an answer.
# `make(**options)` makes a session; the options go to its `TCPConnector`. Read all `pages` over one
# connection. Then send each of `orders`, by `POST` to `http://shop.test/orders`, so that the shop hears it
# once and answers. Return the list of the answers' texts, and leave nothing open.


# %% exercise="orders-go-once"
async def errands(make, pages, orders):
    ...  # TODO: pages on a connection that is kept, each order on a new one
    # solution
    receipts = []
    async with make() as reader, make(force_close=True) as buyer:
        for url in pages:
            async with reader.get(url) as answer:
                await answer.read()
        for order in orders:
            async with buyer.post("http://shop.test/orders", data=order) as answer:
                receipts.append(await answer.text())
    return receipts
    # end


# %%
await attempt("orders-go-once", errands)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>TCPConnector(force_close=True)</code> closes its connection after every answer. A field
# <code>Connection: close</code> in each order does so, too, if already the first order goes out on a new one.
# </details>
#
# ## In practice
#
# * Make one session where the program starts, and hand it to whoever asks. In a server it belongs to the
#   application: `cleanup_ctx`, as in step 1 of lesson 05.
# * A session keeps a free connection for 15 seconds (`TCPConnector(keepalive_timeout=...)`). Keep it shorter
#   than the server does, and the race becomes rare. It never becomes impossible.
# * Give a session secrets only if it speaks to one origin and follows no redirect. Else let a middleware add
#   them, as in the second exercise.
# * Do not skip a long body by leaving the block: `session.head()`, or a `Range`, brings less of it.
# * A `base_url` with a path needs its last slash: `http://shop.test/api/`. And ask for `tea`, not for `/tea`,
#   which begins at the root again.
# * If repeating does harm, `GET` and `PUT` are the wrong methods. There is no public option against it. A
#   `POST` that must be repeatable needs a name of its own, by which the server knows it again: lesson 11.
#
# Next: [07 · Where does the cookie get lost?](07_lose_a_cookie_on_the_way.ipynb)
#
# ## Where this comes from
#
# * RFC 9112, sections [9.3](https://www.rfc-editor.org/rfc/rfc9112#section-9.3) on connections that persist,
#   [9.3.1](https://www.rfc-editor.org/rfc/rfc9112#section-9.3.1) on repeating requests and
#   [9.6](https://www.rfc-editor.org/rfc/rfc9112#section-9.6) on closing. RFC 9110, section
#   [9.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2) on idempotent methods.
# * aiohttp 3.14: [client reference](https://docs.aiohttp.org/en/stable/client_reference.html), on
#   `ClientSession` and `TCPConnector`.
# * aiohttp pull requests [8966](https://github.com/aio-libs/aiohttp/pull/8966) (`auth=` and `base_url`) and
#   [7363](https://github.com/aio-libs/aiohttp/pull/7363) (repeating), and issues
#   [10790](https://github.com/aio-libs/aiohttp/issues/10790) (switching that off) and
#   [850](https://github.com/aio-libs/aiohttp/issues/850) (what to do about `ServerDisconnectedError`).
# * The first and third of the four posts this course began from, posts 000 and 002.

# %%
await guard.clean()
