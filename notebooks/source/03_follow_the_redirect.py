# %% [markdown]
# # 03 · What does the client send to the new address?
#
# **You will** send seven methods into five kinds of redirect, by five clients, and read from the recording
# which method, body, secret and cookie came out on the other side.
#
# **You need** lesson 01.
#
# **Minutes:** 28 to read and run (9 to the place to stop), 28 for the exercises.

# %%
import warnings
from contextlib import suppress
from functools import partial
from io import BytesIO

from aiohttp import BasicAuth, ClientError, ClientSession, web
from yarl import URL

from labs import Grid, Guard, Town, attempt, check, clients, compare, draw, score

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# A server can say "ask elsewhere" in five ways. 301 and 308 mean for good, 302 and 307 for now, and 303
# means: what you want to see stands over there. Each is a status and a `Location`. What the client then
# sends to the new address is written nowhere in the answer.
#
# The front below answers `/302/PUT` with status 302 and sends the client to the same path of
# `origin.test`. So the path tells, over there, what was asked in the beginning. The sides differ in one
# thing: **the status.**

# %%
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
STATUSES = (301, 302, 303, 307, 308)
BODIES = {"POST": b"order", "PUT": b"order", "PATCH": b"order"}  # the other methods come without


async def front(request):
    status = int(request.path.split("/")[1])
    return web.Response(status=status, headers={"Location": "http://origin.test" + request.path_qs})


async def origin(request):
    await request.read()
    return web.Response(text="here I am\n")


# %% [markdown]
# ## Predict
#
# aiohttp's client sends each method to the front and follows. Those that usually have a body have the five
# bytes `order`. What arrives at the new address?

# %%
prediction = {
    # one of: "POST, 5 bytes", "GET, 0 bytes", "GET, 5 bytes"
    "POST": {"301": ..., "302": ..., "303": ..., "307": ..., "308": ...},
    # one of: "PUT, 5 bytes", "GET, 0 bytes", "GET, 5 bytes"
    "PUT": {"301": ..., "302": ..., "303": ..., "307": ..., "308": ...},
    # one of: "HEAD, 0 bytes", "GET, 0 bytes"
    "HEAD": {"303": ...},
}

# %% [markdown]
# ## The experiment


# %%
async def follow(status):
    async with Town() as town:
        await town.open("front.test", front)
        await town.open("origin.test", origin)
        async with ClientSession(connector=town.connector("client")) as client:
            for method in METHODS:
                url, body = f"http://front.test/{status}/{method}", BODIES.get(method)
                async with client.request(method, url, data=body) as answer:
                    await answer.read()
    return town.trace


# %%
def arrives(status, method, trace):
    for it in trace.requests(whom="origin.test"):
        if it.target == f"/{status}/{method}":
            return f"{it.method}, {len(it.body)} bytes"
    return "nothing"


def any_status(method, trace):  # a trace of `follow` has one status only
    return next(it for it in (arrives(status, method, trace) for status in STATUSES) if it != "nothing")


found = await compare(
    {str(status): partial(follow, status) for status in STATUSES},
    ask={method: partial(any_status, method) for method in METHODS},
)
found

# %% [markdown]
# ## What was said
#
# In the column 302, the `POST` is the only one that comes out as something else.

# %%
found["302"].lanes()

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * 307 and 308 forbid the client to change the request, and it did not [L03a].
# * 303 asks for a look at another page: everything became a `GET`, only `HEAD` stayed `HEAD` [L03b].
# * 301 and 302 are the old ones. A GET goes where it is sent, path and all, as the post says [C08a]. The trap
#   is that this were so for every method [L03n]: `POST` became `GET` and lost its body, while the other
#   methods kept theirs [L03c]. That is how browsers did it before there was a rule, and the rule has come to
#   allow it.

# %%
POST, PUT = "POST, 5 bytes", "PUT, 5 bytes"
check(
    found,
    {
        "C08a": {"GET": {"302": "GET, 0 bytes"}},
        "L03n": {"GET": {"302": "GET, 0 bytes"}, "POST": {"302": POST}, "PUT": {"302": PUT}},
        "L03a": {"POST": {"307": POST, "308": POST}, "PUT": {"307": PUT, "308": PUT}},
        "L03b": {
            "HEAD": {"303": "HEAD, 0 bytes"},
            **{method: {"303": "GET, 0 bytes"} for method in METHODS if method != "HEAD"},
        },
        "L03c": {
            "POST": {"301": "GET, 0 bytes", "302": "GET, 0 bytes"},
            "PUT": {"301": PUT, "302": PUT},
            "DELETE": {"301": "DELETE, 0 bytes", "302": "DELETE, 0 bytes"},
        },
    },
)

# %% [markdown]
# **A place to stop.** You know what aiohttp's client sends. What follows: other clients, which fields cross
# to another origin, and what stops a client that is sent on and on.

# %% [markdown]
# ## Other clients
#
# The same by four clients of Python, each told to follow. Here the sides differ in **who asks**, and every
# side asks for all five statuses. (`urllib` is not asked for `HEAD`: it makes a `GET` of it up to Python
# 3.12, and no longer in 3.13.)


# %%
async def sweep(name):
    async with Town() as town:
        await town.open("front.test", front)
        await town.open("origin.test", origin)
        for method in METHODS:
            for status in STATUSES if (name, method) != ("urllib", "HEAD") else ():
                url, body = f"http://front.test/{status}/{method}", BODIES.get(method)
                await clients.ask(name, town, url, method=method, body=body, follow=True)
    return town.trace


others = await compare(
    {name: partial(sweep, name) for name in ("aiohttp", "requests", "httpx", "urllib")},
    ask={f"POST, {status}": partial(arrives, status, "POST") for status in STATUSES}
    | {f"{method}, 302": partial(arrives, 302, method) for method in ("PUT", "DELETE")},
)
others

# %% [markdown]
# And all that was recorded, computed from the same four traces:

# %%
KEY = {"=": "as it was sent", "G": "a GET instead", "b": "without its body", "–": "nothing"}


def grid(traces):
    cells = {}
    for name, trace in traces.items():
        for it in trace.requests(whom="front.test"):
            status = it.target.split("/")[1]
            same, bare = (f"{it.method}, {size} bytes" for size in (len(it.body), 0))
            letters = {"nothing": "–", "GET, 0 bytes": "G", bare: "b", same: "="}  # the last word counts
            cells[name, it.method, status] = letters[arrives(status, it.method, trace)]
    return Grid(METHODS, {name: [str(it) for it in STATUSES] for name in traces}, cells, KEY)


recorded = grid(others.traces)
recorded

# %%
draw.heat_map(
    recorded,
    finding="After 307 a request arrives as it was, or not at all; after 302 it depends on the client",
)

# %% [markdown]
# * Every one of them makes a `GET` of a `POST` after 301, 302 and 303 [L03d].
# * What else becomes of a 302 is up to the client [L03p]. A `PUT` stays a `PUT`, becomes a `GET`, or ends in
#   an error. `requests` even sends a `PUT` without its body after a 301.
# * A client that follows a 307 keeps method and body. `urllib` does not follow it with a `POST`: it raises
#   `HTTPError` [L03e].

# %%
check(
    others,
    {
        "L03p": {"PUT, 302": dict.fromkeys(others.sides, PUT)},
        "L03d": {
            f"POST, {status}": dict.fromkeys(others.sides, "GET, 0 bytes") for status in (301, 302, 303)
        },
        "L03e": {"POST, 307": dict.fromkeys(others.sides, POST)},
    },
)

# %% [markdown]
# curl, told to follow with `-L`. `-X PUT` means `PUT` at every hop, also where curl has dropped the body.

# %% tags=["needs-curl"]
grid({"curl": await sweep("curl")})

# %% [markdown]
# ## What crosses to another origin
#
# A redirect can lead to a stranger. An *origin*, in this sense, is scheme, host and port together. One
# client carries a secret in seven ways, one request for each, to the same front. The sides differ in one
# thing: **where the front sends it.**
#
# (`auth=` is deprecated in aiohttp 3.14. It stands here because many programs have it.)

# %%
warnings.filterwarnings("ignore", ".*deprecated", DeprecationWarning)  # of `auth=`
ME = BasicAuth("me", "secret")
CARRIERS = {  # what the session is given, what the request is given
    "Authorization field": ({}, {"headers": {"Authorization": "secret"}}),
    "auth= of the request": ({}, {"auth": ME}),
    "auth= of the session": ({"auth": ME}, {}),
    "Cookie field": ({}, {"headers": {"Cookie": "id=secret"}}),
    "cookies= of the request": ({}, {"cookies": {"id": "secret"}}),
    "cookies= of the session": ({"cookies": {"id": "secret"}}, {}),
    "X-Api-Key field": ({}, {"headers": {"X-Api-Key": "secret"}}),
}


async def site(request):
    if "to" in request.query:
        raise web.HTTPFound(request.query["to"])
    return web.Response(text="arrived\n")


# %%
SITES = {"front.test": False, "front.test:8080": False, "other.test": False, "https front.test": True}


async def carry(to):
    async with Town() as town:
        for name, tls in SITES.items():
            await town.open(name.removeprefix("https "), site, tls=tls, known_as=name)
        for session, request in CARRIERS.values():
            connector = town.connector("client", ssl=town.ca.client_context())
            async with (
                ClientSession(connector=connector, **session) as client,
                client.get("http://front.test/", params={"to": to}, **request) as answer,
            ):
                await answer.read()
    return town.trace


def gets_there(number, trace):
    there = [it for it in trace.requests() if it.target == "/there"][number]
    return any(there.field(name) for name in ("Authorization", "Cookie", "X-Api-Key"))


# %%
prediction_crossed = {
    # one of: "yes", "no"
    "Authorization field": {"same origin": ..., "other port": ..., "other host": ...},
    # one of: "yes", "no"
    "auth= of the session": {"same origin": ..., "other port": ..., "other host": ...},
    # one of: "yes", "no"
    "X-Api-Key field": {"same origin": ..., "other port": ..., "other host": ...},
}


# %%
crossed = await compare(
    {
        "same origin": partial(carry, "/there"),
        "other port": partial(carry, "http://front.test:8080/there"),
        "https": partial(carry, "https://front.test/there"),
        "other host": partial(carry, "http://other.test/there"),
    },
    ask={name: partial(gets_there, number) for number, name in enumerate(CARRIERS)},
)
crossed

# %%
score(prediction_crossed, crossed)

# %%
crossed["other host"].lanes("Authorization", "Cookie", "X-Api-Key")

# %% [markdown]
# * The fields `Authorization` and `Cookie` stop at the border, and what one request was given by `auth=` or
#   `cookies=`, too [L03f].
# * The border is the origin. Another port of the same host lies beyond it, and so does `https` [L03g]. That
#   protects a token; it is also why a redirect from `http` to `https` can end in a 401.
# * Not every secret stops [L03h]. aiohttp cannot know that `X-Api-Key` is one. And what the *session* was
#   given belongs to all it asks: its `auth=` and its `cookies=` went to the stranger.

# %%
DROPPED = ("Authorization field", "auth= of the request", "Cookie field", "cookies= of the request")
check(
    crossed,
    {
        "L03f": {
            name: {"same origin": True, "other port": False, "https": False, "other host": False}
            for name in DROPPED
        },
        "L03g": {name: {"other port": True, "https": True} for name in DROPPED},
        "L03h": {name: {"same origin": True, "other host": False} for name in CARRIERS},
    },
)

# %% [markdown]
# ## What stops the client
#
# Each hop of this front is a 307, and counts down: `/2` leads to `/1`, and `/1` to `/0`. A `POST` follows.
# The first three sides differ in **how the body is given**, the others in **how many redirects there are**,
# or are allowed.


# %%
async def steps(request):
    await request.read()
    if left := int(request.path[1:]):
        raise web.HTTPTemporaryRedirect(f"/{left - 1}")
    return web.Response(text="here I am\n")


async def pieces():
    yield b"order"


async def send(hops, body, **limit):
    async with Town() as town:
        await town.open("front.test", steps)
        async with ClientSession(connector=town.connector("client")) as client:
            with suppress(ClientError, ValueError):  # ValueError: up to 3.11, of a BytesIO that is closed
                async with client.post(f"http://front.test/{hops}", data=body(), **limit) as answer:
                    await answer.read()
    return town.trace


# %%
stopped = await compare(
    {
        "bytes": partial(send, 1, lambda: b"order"),
        "BytesIO": partial(send, 1, lambda: BytesIO(b"order")),
        "generator": partial(send, 1, pieces),
        "10 hops": partial(send, 10, lambda: b"order"),
        "10, 11 allowed": partial(send, 10, lambda: b"order", max_redirects=11),
        "12, 0 allowed": partial(send, 12, lambda: b"order", max_redirects=0),
    },
    ask={
        "requests the client makes": lambda t: len(t.requests()),
        "bytes that arrive at /0": lambda t: [len(it.body) for it in t.requests() if it.target == "/0"],
    },
)
stopped

# %% [markdown]
# * Bytes can be sent twice, and a `BytesIO` is rewound [L03j]. A generator is used up: the client raises
#   `ClientPayloadError` instead of sending an empty body [L03i]. Up to aiohttp 3.13 it sent the empty body.
# * The default is `max_redirects=10`, and the tenth redirect was one too many: nine are followed [L03k].
#   To follow ten, allow eleven. Zero does not mean none, it means no limit [L03m].

# %%
check(
    stopped,
    {
        "L03i": {"bytes that arrive at /0": {"bytes": [5], "generator": [5]}},
        "L03j": {"bytes that arrive at /0": {"BytesIO": [5]}},
        "L03k": {"requests the client makes": {"10 hops": 11, "10, 11 allowed": 11}},
        "L03m": {"requests the client makes": {"12, 0 allowed": 13}},
    },
)

# %% [markdown]
# And on a road without an end, where each page leads to the next? Every client gives up with an error. After
# the same number of requests? The sides differ in **the client**.


# %%
async def onward(request):
    raise web.HTTPFound(f"/{int(request.path[1:]) + 1}")


async def walk(name):
    async with Town() as town:
        await town.open("front.test", onward)
        await clients.ask(name, town, "http://front.test/0", follow=True)
    return town.trace


MAKES = "requests the client makes"
ROAD = {MAKES: lambda t: sum(it.target[1:].isdigit() for it in t.requests())}
endless = await compare({it: partial(walk, it) for it in ("aiohttp", "httpx", "requests")}, ask=ROAD)
endless

# %% tags=["needs-curl", "needs-chromium"]
await compare({name: partial(walk, name) for name in ("aiohttp", "curl", "chromium")}, ask=ROAD)

# %% [markdown]
# Each has a limit of its own [L03q]. What a browser still follows may be too long a way for your program.

# %%
check(endless, {"L03q": {MAKES: {"aiohttp": 10, "httpx": 10, "requests": 10}}})

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/03_follow_the_redirect.ipynb) are in a notebook of
# their own.
#
# ### ★ see-other (5 minutes)
#
# An order has been taken at `/orders/new`, by `POST`, `PUT` or `DELETE`. Lead the client on to `/done`, so
# that every client asks for it with a `GET` and brings the cookie `order=1`.


# %% exercise="see-other"
async def thanks(request):
    ...  # TODO: raise the redirect after which everybody asks with GET, with the cookie set on it
    # solution
    answer = web.HTTPSeeOther("/done")
    answer.set_cookie("order", "1")
    raise answer
    # end


# %%
await attempt("see-other", thanks)

# %% [markdown]
# <details><summary>Hint</summary>
# Only one column of the first table has <code>GET</code> all the way down. An HTTP exception is a response,
# too: it has <code>set_cookie</code>.
# </details>
#
# ### ★★ twelve-hops (8 minutes)
#
# `url` leads on by up to twelve redirects. Return the text of the page behind them. For the thirteenth, let
# `TooManyRedirects` be raised.


# %% exercise="twelve-hops"
async def patient(client, url):
    ...  # TODO: get url, follow twelve redirects and not one more, and return the text
    # solution
    async with client.get(url, max_redirects=13) as answer:
        return await answer.text()
    # end


# %%
await attempt("twelve-hops", patient)

# %% [markdown]
# <details><summary>Hint</summary>
# Which number let the client follow ten, in the last table?
# </details>
#
# ### ★★★ keep-the-key (15 minutes)
#
# Get `url` with the field `X-Api-Key: key`, follow its redirects, and return the text of the page. The key
# may go to the origin of `url` and to nobody else. A redirect that leads to itself must come to an end.


# %% exercise="keep-the-key"
async def fetch(client, url, key):
    ...  # TODO: follow by hand, and send the key to the origin of url only
    # solution
    url, home = URL(url), URL(url).origin()
    for _ in range(10):
        fields = {"X-Api-Key": key} if url.origin() == home else {}
        async with client.get(url, headers=fields, allow_redirects=False) as answer:
            if answer.status not in STATUSES:
                return await answer.text()
            url = url.join(URL(answer.headers["Location"]))
    raise RuntimeError("More than ten redirects.")
    # end


# %%
await attempt("keep-the-key", fetch)

# %% [markdown]
# <details><summary>Hint</summary>
# With <code>allow_redirects=False</code> the redirect is an answer like any other. A <code>Location</code>
# may be relative: <code>URL.join</code> puts it after the address it came from. <code>URL.origin()</code> is
# scheme, host and port.
# </details>
#
# ## In practice
#
# * **308** for an API that moved, **303** after a form. 301 and 302 are for pages that are only looked at.
# * A token that is lost on the way looks like a wrong token: a 401. Write the final address into your
#   settings, `https` and all.
# * Do not put a secret of your own into the session's default fields if its requests may be redirected. Ask
#   with `allow_redirects=False`, as in the last exercise.
# * `client.head()` does not follow by itself; `client.request("HEAD", ...)`, as in this lesson, does.
# * `answer.history` has the answers that led here. A fragment, as in `/page#part`, is never sent:
#   `answer.real_url` has it.
# * A `Location` with a name and password in it is obeyed: aiohttp sends them, and the server has chosen them.
#   One with another scheme, such as `mailto:`, raises `NonHttpUrlRedirectClientError`. A 302 without
#   `Location` is handed to you as it is.
# * `raise` the redirect: to return it still works, with a `DeprecationWarning` (issue 2415). Cookies set on
#   it arrive. Raised in a `try`, it ends in the next `except Exception`, because it is one.
# * Before 3.14, aiohttp sent a used-up generator as an empty body, and said nothing (issue 12195).
#
# Next: [04 · May a proxy copy the headers?](04_copy_the_headers_and_break.ipynb)
#
# ## Where this comes from
#
# * RFC 9110, [section 15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4): the five statuses, and
#   which fields a client should take out.
# * The [Fetch Standard](https://fetch.spec.whatwg.org/#http-redirect-fetch): what browsers do.
# * aiohttp 3.14: [client reference](https://docs.aiohttp.org/en/stable/client_reference.html) on
#   `allow_redirects` and `max_redirects`.
# * aiohttp issues [5783](https://github.com/aio-libs/aiohttp/issues/5783),
#   [12550](https://github.com/aio-libs/aiohttp/pull/12550) and
#   [12275](https://github.com/aio-libs/aiohttp/pull/12275) on what crosses,
#   [2415](https://github.com/aio-libs/aiohttp/issues/2415) on returning,
#   [12195](https://github.com/aio-libs/aiohttp/issues/12195) on generators,
#   [13658](https://github.com/aio-libs/aiohttp/issues/13658) on `max_redirects`.
# * CPython issue [99730](https://github.com/python/cpython/issues/99730) on `HEAD` and urllib.
# * The first of the four posts this course began from, post 000.

# %%
await guard.clean()
