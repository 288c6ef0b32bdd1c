# %% [markdown]
# # 19 · What runs around your handler, and when?
#
# **You will** put functions around handlers and around requests, as a post has it and as aiohttp wants it,
# and see which of them come before, which after, and which not at all.
#
# **You need** lessons 01 and 16.
#
# **Minutes:** 34 to read and run (8 to the place to stop), 26 for the exercises.

# %%
import hashlib
import re
from functools import partial

import aiohttp
import aiosignal
from aiohttp import ClientError, ClientSession, TraceConfig, web

from labs import Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.guard import server_log

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# A *middleware* is a function that stands between the server and your handlers. It gets each request and the
# next handler, and returns an answer. A post shows one that writes a line before the handler and one after
# it. It gives the function to `web.Application`, as `middlewares=[...]`, and does no more. The sides differ
# in **one line before the function**: none, as posted, or `@web.middleware`.


# %%
def posted(lines):
    async def middleware_handler(request, handler):
        lines.append("before")
        response = await handler(request)
        lines.append("after")
        return response

    return middleware_handler


def decorated(lines):
    return web.middleware(posted(lines))  # what @web.middleware above the function does


async def handle(request):
    return web.Response(text="Hello, World!")


# %% [markdown]
# ## Predict
#
# What does `GET /` give, where the handler stands, and `GET /nope`, where none does?

# %%
prediction = {
    # one of: 200, 404, 500
    "status of /": {"as posted": ..., "decorated": ...},
    # one of: 200, 404, 500
    "status of /nope": {"as posted": ..., "decorated": ...},
    # one of: "before, after", "before", "nothing"
    "lines for /": {"as posted": ..., "decorated": ...},
}


# %%
async def wrapped(*makers, paths=("/", "/nope"), token=None):
    lines, seen = [], []
    with server_log() as log:
        app = web.Application(middlewares=[make(lines) for make in makers])
        app.router.add_get("/", handle)
        async with Town() as town:
            await town.open("front.test", app)
            fields = {"Authorization": token} if token else {}
            async with ClientSession("http://front.test", connector=town.connector("client")) as client:
                for path in paths:
                    lines.clear()
                    (await client.get(path, headers=fields)).release()
                    seen.append(list(lines))
    return noted(town.trace, lines=seen, log=log.raised, warned=log.warned)


# %%
found = await compare(
    {"as posted": partial(wrapped, posted), "decorated": partial(wrapped, decorated)},
    ask={
        "status of /": lambda t: t.answers()[0].status,
        "status of /nope": lambda t: t.answers()[1].status,
        "lines for /": lambda t: t.notes["lines"][0],
        "lines for /nope": lambda t: t.notes["lines"][1],
        "the log names": lambda t: t.notes["log"],
        "aiohttp warns": lambda t: "DeprecationWarning" in t.notes["warned"],
    },
)
found

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * A middleware sees the request and the answer, as the post says [C42a]. `middlewares=` is where it is
#   given, and there it is called [C43a].
# * The posted one lets no page through: both lines are written, and the client hears 500 [C43]. Without its
#   decorator, aiohttp 3 takes it for something older, a function that *makes* a middleware from an
#   application and a handler. It calls what it returned, which is the page. It warns of that, where nobody
#   looks.
# * So a function of a request and a handler is no middleware yet [L19a].
# * For `/nope` there is no "after": what is raised goes by (lesson 16).

# %%
ROOT, NOPE = "status of /", "status of /nope"
check(
    found,
    {
        "C42a": {"lines for /": {"decorated": ["before", "after"]}, ROOT: {"decorated": 200}},
        "C43": {ROOT: {"as posted": 200}},
        "C43a": {"lines for /": {"as posted": ["before", "after"]}},
        "L19a": {ROOT: {"as posted": 200}},
    },
)

# %% [markdown]
# **A place to stop.** You know what a middleware is, and what it is not. What follows: the order of several,
# what can be done in one, what signals are for, and the same on the client's side.
#
# ## Which comes first?
#
# Two middlewares, and each says so when it goes in and comes out. The sides differ in **the order of the
# list.**


# %%
def saying(name, lines):
    @web.middleware
    async def say(request, handler):
        lines.append(f"{name} in")
        try:
            return await handler(request)
        finally:
            lines.append(f"{name} out")

    return say


A, B = partial(saying, "A"), partial(saying, "B")
order = await compare(
    {"[A, B]": partial(wrapped, A, B), "[B, A]": partial(wrapped, B, A)},
    ask={"lines for /": lambda t: t.notes["lines"][0]},
)
order

# %% [markdown]
# The first of the list is the outermost [L19b]. Each runs as a step between the server and the handler, and
# between each other [C42b].

# %%
INSIDE = ["A in", "B in", "B out", "A out"]
check(
    order,
    {
        "C42b": {"lines for /": {"[A, B]": INSIDE}},
        "L19b": {"lines for /": {"[A, B]": INSIDE, "[B, A]": ["B in", "A in", "A out", "B out"]}},
    },
)

# %% [markdown]
# ## What can be done in one?
#
# The post names logging, authentication, error handling, and more. Here are four, one of each. The sides
# differ in **whether they stand there.**


# %%
def logs(lines):
    @web.middleware
    async def log(request, handler):
        try:
            answer = await handler(request)
            lines.append(f"{request.path} {answer.status}")
            return answer
        except web.HTTPException as error:
            lines.append(f"{request.path} {error.status}")
            raise

    return log


# %%
def answers_errors(lines):
    @web.middleware
    async def errors(request, handler):
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return web.json_response({"error": "no such page"}, status=404)

    return errors


# %%
def asks_for_token(lines):
    @web.middleware
    async def token(request, handler):
        if request.headers.get("Authorization") != "Bearer T":
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
        return await handler(request)

    return token


def adds_a_field(lines):
    @web.middleware
    async def add(request, handler):
        answer = await handler(request)
        answer.headers["X-Seen-By"] = "front.test"
        return answer

    return add


# %%
FOUR = (logs, answers_errors, asks_for_token, adds_a_field)
used = await compare(
    {
        "none": partial(wrapped, token="Bearer T"),
        "four": partial(wrapped, *FOUR, token="Bearer T"),
        "four, no token": partial(wrapped, *FOUR),
    },
    ask={
        "statuses of / and /nope": lambda t: [it.status for it in t.answers()],
        "page of /nope": lambda t: t.answers()[1].body.decode(),
        "X-Seen-By": lambda t: t.answers()[0].field("X-Seen-By"),
        "the log": lambda t: [line for lines in t.notes["lines"] for line in lines],
    },
)
used

# %% [markdown]
# All of them can be done in a middleware [C42c], and further logic, too [C42d]. One thing goes wrong easily:
# an `except Exception` catches each 404 and each redirect (lesson 16).

# %%
check(
    used,
    {
        "C42c": {
            "statuses of / and /nope": {"four": [200, 404], "four, no token": [401, 401]},
            "page of /nope": {"four": '{"error": "no such page"}'},
            "the log": {"four": ["/ 200", "/nope 404"]},
        },
        "C42d": {"X-Seen-By": {"none": None, "four": "front.test"}},
    },
)

# %% [markdown]
# ## Signals, and slots?
#
# Another post says that aiohttp has *signals and slots*, with which one can respond to events while a request
# is processed. A *signal* is a list of your functions, which aiohttp calls at some moment. Here all signals
# of a client write down their names, and those of an application that end in what a request meets. The sides
# differ in **the request.**


# %%
async def note(heard, name, *arguments):
    heard.append(name)


def listening(heard):
    told = TraceConfig()
    for name in dir(told):
        if name.startswith("on_"):
            getattr(told, name).append(partial(note, heard, name))
    return told


async def hello(heard, request):
    heard.append("(a redirect)" if request.path == "/1" else "(the handler)")
    if request.path == "/1":
        raise web.HTTPFound("/0")
    return web.Response()


# %%
async def events(*paths):
    heard = []
    told = listening(heard)
    app = web.Application()
    app.router.add_get("/{left}", partial(hello, heard))
    app.on_response_prepare.append(partial(note, heard, "on_response_prepare", None))
    async with Town() as town:
        await town.open("front.test", app)
        async with ClientSession(connector=town.connector("client"), trace_configs=[told]) as client:
            for path in paths:
                heard.clear()
                (await client.get(f"http://front.test{path}")).release()
    return noted(town.trace, heard=heard)


# %%
SERVER = "on_response_prepare"
fired = await compare(
    {"kept connection": partial(events, "/0", "/0"), "redirect": partial(events, "/0", "/1")},
    ask={
        "in order": lambda t: t.notes["heard"],
        "signals of the server before the handler": lambda t: t.notes["heard"][
            : next(n for n, it in enumerate(t.notes["heard"]) if it.startswith("("))
        ].count(SERVER),
    },
)
fired


# %%
async def word(text):
    public = [*dir(aiohttp), *dir(web), *dir(web.Application), *dir(TraceConfig), *dir(aiosignal)]
    return noted(names=sorted({it for it in public if text in it.lower() and it[0] != "_"}))


words = await compare(
    {"signal": partial(word, "signal"), "slot": partial(word, "slot")},
    ask={"is there such a name": lambda t: t.notes["names"] != []},
)
words

# %% [markdown]
# * The post is right that you can respond to various events: the client has a signal for nearly each step
#   [C47b]. Of slots nothing is to be found [C47]. That word is Qt's; in aiohttp you append a coroutine
#   function to the signal.
# * The trap is to look for a signal of the server that says "a request has come". A request has only
#   `on_response_prepare`, and that comes after the handler [L19c]. The others belong to the application: its
#   startup, its shutdown, its cleanup. What is to run before a handler is a middleware.

# %%
check(words, {"C47": {"is there such a name": {"slot": True}}})

# %%
KEPT = ["on_request_start", "on_connection_reuseconn", "on_request_headers_sent"]
REST = ["(the handler)", SERVER, "on_request_end"]
BEFORE = "signals of the server before the handler"
check(
    fired,
    {"C47b": {"in order": {"kept connection": KEPT + REST}}, "L19c": {BEFORE: {"kept connection": 1}}},
)

# %% [markdown]
# ## And if a signal fails?
#
# Something raises a `ValueError`. The sides differ in **where**: in the handler, in a middleware, or in
# `on_response_prepare`.


# %%
async def raises(*arguments):
    raise ValueError("not mine")


async def failing(where):
    app = web.Application(middlewares=[web.middleware(raises)] if where == "middleware" else [])
    app.router.add_post("/", raises if where == "handler" else handle)
    if where == "signal":
        app.on_response_prepare.append(raises)
    heard = None
    with server_log():
        async with Town() as town:
            await town.open("front.test", app)
            async with ClientSession(connector=town.connector("client")) as client:
                try:
                    heard = (await client.post("http://front.test/")).status
                except ClientError as error:
                    heard = type(error).__name__
    return noted(town.trace, heard=heard)


# %%
prediction_broken = {
    # one of: 200, 500, "ServerDisconnectedError"
    "what the client hears": {"handler": ..., "middleware": ..., "signal": ...},
}

# %%
broken = await compare(
    {where: partial(failing, where) for where in ("handler", "middleware", "signal")},
    ask={"what the client hears": lambda t: t.notes["heard"]},
)
broken

# %%
score(prediction_broken, broken)

# %% [markdown]
# A signal that fails takes the error page with it: that is an answer, too, and is prepared by the same signal
# [L19d]. The client hears nothing at all.

# %%
check(broken, {"L19d": {"what the client hears": {"middleware": 500, "signal": "ServerDisconnectedError"}}})

# %% [markdown]
# ## Around a client's requests
#
# Since 3.12 aiohttp's client has middlewares, too. Each gets a request and the next handler, like those of a
# server. A page moves three times. The sides differ in **what the session is given**: nothing, or a
# middleware that counts.


# %%
async def moved(request):
    if left := int(request.path[1:]):
        raise web.HTTPFound(f"/{left - 1}")
    return web.Response(text="here\n")


async def counted(*middlewares):
    calls = []

    async def count(request, handler):
        calls.append(request.url.path)
        return await handler(request)

    given = {"middlewares": (count, *middlewares)} if middlewares != (None,) else {}
    async with Town() as town:
        await town.open("front.test", moved)
        async with ClientSession(connector=town.connector("client"), **given) as client:
            (await client.get("http://front.test/3")).release()
    return noted(town.trace, calls=calls)


# %%
prediction_hops = {
    # one of: 0, 1, 3, 4
    "calls of the middleware": {"nothing": ..., "one that counts": ...},
}

# %%
hops = await compare(
    {"nothing": partial(counted, None), "one that counts": counted},
    ask={
        "requests": lambda t: len(t.requests()),
        "calls of the middleware": lambda t: len(t.notes["calls"]),
    },
)
hops

# %%
draw.lifelines(
    {"one that counts": hops["one that counts"]},
    finding="One call, four requests: a client middleware runs around each of them",
)

# %%
score(prediction_hops, hops)

# %% [markdown]
# A client middleware runs for each hop [L19f], and not once for each call [L19e]. Before
# you add a secret in one, look at `request.url`: the hop may lead to a stranger.
#
# One that others have written: `DigestAuthMiddleware`, of the package aiohttp-client-middlewares, answers a
# server that asks for a password by a riddle (RFC 7616). `pip install aiohttp-client-middlewares` brings it;
# without it, this cell is for reading.

# %%
CALLS = "calls of the middleware"
check(hops, {"L19e": {CALLS: {"one that counts": 1}}, "L19f": {CALLS: {"one that counts": 4}}})


# %%
def sha256(*parts):
    return hashlib.sha256(":".join(parts).encode()).hexdigest()


async def riddle(request):
    said = dict(re.findall(r'(\w+)="?([^",]+)"?', request.headers.get("Authorization", "")))
    whoever, what = sha256("alice", "front", "secret"), sha256(request.method, request.path)
    middle = ("n", said.get("nc", ""), said.get("cnonce", ""), "auth")
    if said.get("response") != sha256(whoever, *middle, what):
        asks = 'Digest realm="front", nonce="n", qop="auth", algorithm=SHA-256'
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": asks})
    return web.Response(text="in\n")


# %% tags=["needs-aiohttp_client_middlewares"]
async def enter(password):
    from aiohttp_client_middlewares import DigestAuthMiddleware

    middlewares = (DigestAuthMiddleware("alice", password),) if password else ()
    async with Town() as town:
        await town.open("front.test", riddle)
        async with ClientSession(connector=town.connector("client"), middlewares=middlewares) as client:
            (await client.get("http://front.test/")).release()
    return town.trace


await compare(
    {
        "without": partial(enter, ""),
        "with DigestAuthMiddleware": partial(enter, "secret"),
        "with a wrong password": partial(enter, "guess"),
    },
    ask={"statuses": lambda t: [it.status for it in t.answers()]},
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/19_wrap_every_request.ipynb) are in a notebook of
# their own.
#
# ### ★ mark-every-page (6 minutes)
#
# Write the middleware that puts `X-Seen-By: front.test` on every answer of a handler: on what it returns, and
# on what it raises, such as a 404.


# %% exercise="mark-every-page"
async def mark(request, handler):
    ...  # TODO: the field, on what is returned and on what is raised
    # solution
    try:
        answer = await handler(request)
    except web.HTTPException as error:
        error.headers["X-Seen-By"] = "front.test"
        raise
    answer.headers["X-Seen-By"] = "front.test"
    return answer
    # end


# %%
await attempt("mark-every-page", mark)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>web.HTTPException</code> is an answer as well: it has <code>headers</code>. Raise it again.
# </details>
#
# ### ★★ let-in-or-not (8 minutes)
#
# Write the middleware that lets `/login` through for everybody, and anything else only with
# `Authorization: Bearer T`. Whoever has none hears a 401 that says in `WWW-Authenticate` what is wanted:
# `Bearer`. The handler must not run for them.


# %% exercise="let-in-or-not"
async def guarded(request, handler):
    ...  # TODO: who may go on?
    # solution
    if request.path != "/login" and request.headers.get("Authorization") != "Bearer T":
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
    return await handler(request)
    # end


# %%
await attempt("let-in-or-not", guarded)

# %% [markdown]
# <details><summary>Hint</summary>
# Ask for the path first. <code>web.HTTPUnauthorized</code> takes <code>headers=</code>.
# </details>
#
# ### ★★★ once-more (12 minutes)
#
# A *client* middleware: when the answer is a 503, ask once more, if the method may be asked twice (`GET`,
# `HEAD`, `OPTIONS`, `PUT`, `DELETE`). Whatever comes then is the answer. A `POST` is never sent twice.


# %% exercise="once-more"
async def again(request, handler):
    ...  # TODO: `await handler(request)`, and sometimes once more
    # solution
    answer = await handler(request)
    if answer.status == 503 and request.method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
        answer.release()
        answer = await handler(request)
    return answer
    # end


# %%
await attempt("once-more", again)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>handler(request)</code> can be awaited again. Let go of the first answer with
# <code>release()</code>.
# </details>
#
# ## In practice
#
# * Write `@web.middleware`. Without it, aiohttp 3 answers each page with 500.
# * "After" belongs into a `finally`, or into `on_response_prepare` for a field that every answer needs.
# * Keep what a signal does so simple that it cannot fail: it takes the error page with it.
# * A client middleware runs for each hop of a redirect.
#
# Next: [21 · How many requests are under way at once?](21_limit_for_real.ipynb)
#
# ## Where this comes from
#
# * aiohttp 3.14: [middlewares](https://docs.aiohttp.org/en/stable/web_advanced.html#middlewares),
#   [signals](https://docs.aiohttp.org/en/stable/web_advanced.html#signals),
#   [client middlewares](https://docs.aiohttp.org/en/stable/client_advanced.html#client-middleware),
#   [client tracing](https://docs.aiohttp.org/en/stable/tracing_reference.html).
# * RFC 9110, [section 11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1): `WWW-Authenticate`;
#   [section 9.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2): what may be asked twice.
# * Two of the four posts this course began from: post 001 on middleware, post 002 on signals.

# %%
await guard.clean()
