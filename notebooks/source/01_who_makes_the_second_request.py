# %% [markdown]
# # 01 · Who makes the second request?
#
# **You will** send one `POST` down two sides, a redirect and a proxy, and read from the recording who asked
# whom.
#
# **You need** lesson 00.
#
# **Minutes:** 27 to read and run (13 to the place to stop), 25 for the exercises.

# %%
from contextlib import suppress
from functools import partial

from aiohttp import ClientConnectionError, ClientSession, web

from labs import Guard, Town, attempt, check, clients, compare, draw, score
from labs.instruments import weather

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# A *front* is the server that the client calls. Behind it stands the *origin*, the server that has the page.
# Somebody has to carry the request from one to the other. A blog post compares two ways to do that, and opens
# by calling both an HTTP redirect: raise `web.HTTPFound`, or use a `ClientSession` inside the handler.
#
# Both sides below get the same request. They differ in one thing: **what the front does with it.**
#
# `target` is where the origin is. `connect` makes the connector that a front speaks through. The redirecting
# front takes it and never uses it, because it asks nobody.


# %%
async def origin(request):
    body = await request.read()
    return web.Response(text=f"{request.method} with {len(body)} bytes reached the origin\n")


def redirecting(target, connect):
    async def front(request):
        raise web.HTTPFound(target + request.path_qs)

    return front


# %%
def proxying(target, connect):
    async def front(request):
        async with ClientSession(connector=connect()) as inner:
            try:
                url, body = target + request.path_qs, await request.read()
                async with inner.request(request.method, url, data=body) as answer:
                    return web.Response(status=answer.status, body=await answer.read())
            except ClientConnectionError:
                raise web.HTTPBadGateway() from None

    return front


# %% [markdown]
# ## Predict
#
# The client sends `POST http://front.test/page` with the five bytes `order`, and follows redirects, as
# aiohttp's client does by default.
#
# 1. How many requests does the client make on each side?
# 2. At which URL does it end?
# 3. What does the origin hear: method, and how many bytes of body?
#
# Write your answers over the `...`. Nobody grades them. A wrong guess is what makes the recording worth
# reading.

# %%
prediction = {
    # one of: 1, 2, 3
    "requests the client makes": {"redirect": ..., "proxy": ...},
    # one of: "http://front.test/page", "http://origin.test/page"
    "URL the client ends at": {"redirect": ..., "proxy": ...},
    # one of: "POST, 5 bytes", "GET, 5 bytes", "GET, 0 bytes", "nothing"
    "what the origin hears": {"redirect": ..., "proxy": ...},
}

# %% [markdown]
# ## The experiment
#
# A *town* holds servers on this computer and gives each a name. It records every byte. `connector("client")`
# makes a connector; the session that gets it is recorded as "client".


# %%
async def post(front, dead=False):
    async with Town() as town:
        await town.open("origin.test", origin)
        await town.open("front.test", front("http://origin.test", partial(town.connector, "front.test")))
        if dead:
            await town.close("origin.test")
        async with ClientSession(connector=town.connector("client")) as client:
            with suppress(ClientConnectionError):
                async with client.post("http://front.test/page", data=b"order") as answer:
                    await answer.read()
    return town.trace


# %%
sides = {"redirect": partial(post, redirecting), "proxy": partial(post, proxying)}


def final_url(trace):
    last = trace.requests(who="client")[-1]
    return f"http://{last.field('Host')}{last.target}"


def heard_by_origin(trace):
    return [f"{it.method}, {len(it.body)} bytes" for it in trace.requests(whom="origin.test")]


def askers_of_origin(trace):
    return [it.who for it in trace.said if it.whom == "origin.test" and it.message]


# %%
found = await compare(
    sides,
    ask={
        "requests the client makes": lambda t: len(t.requests(who="client")),
        "requests the front makes": lambda t: len(t.requests(who="front.test")),
        "first status the client hears": lambda t: t.answers(whom="client")[0].status,
        "URL the client ends at": final_url,
        "who asks the origin": askers_of_origin,
        "what the origin hears": heard_by_origin,
        "bytes of body the front sends": lambda t: len(t.answers(who="front.test")[0].body),
    },
)
found

# %% [markdown]
# ## What was said
#
# Each column is somebody, each arrow a message, and time runs down.

# %%
found["redirect"].lanes("Location")

# %%
found["proxy"].lanes()

# %% [markdown]
# The redirect is a small answer with an address in it. Here are its bytes, as the front sent them. `\r\n` is
# the end of a line. What changes from run to run is replaced by a word in angle brackets.

# %%
found["redirect"].bytes(who="front.test")

# %%
draw.lifelines(
    {it: found[it] for it in found.sides},
    finding="A redirect makes the client ask twice; a proxy asks for it",
)

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# The post is right in most of what it says, above all in its last section.
#
# * The front that raises `web.HTTPFound` answers 302 and is done [C04]. Its ten bytes of body are no page:
#   the content came from elsewhere [C29d]. The client sent a request again, to the other address [C29c], and
#   the origin did the work [C30].
# * The proxying front made the second request itself, with a `ClientSession`, and handed the origin's answer
#   to the client [C16a] [C32]. The origin was reached though the client never spoke to it [C27].
# * That is the difference: who deals with the request, and how the client gets its answer [C101].
#
# Two of its other sentences do not go with that.
#
# * These are not two ways to redirect. One redirects, and the other does not [C03].
# * `web.HTTPFound` does not wait for the actual answer: the front asked nobody, so it waited for nobody
#   [C06].
#
# And there is a trap that no post sets: to take the request that the client sends again for the same one. The
# `POST` became a `GET` and lost its body [L01e].
#
# The next cell computes these verdicts. Each entry says what the table would show *if the sentence were
# true*. An id with C is a claim of the posts, one with L the lesson's own.

# %%
ASKS, HEARS = "who asks the origin", "first status the client hears"
check(
    found,
    {
        "C03": {"requests the client makes": {"redirect": 2, "proxy": 2}},
        "C04": {HEARS: {"redirect": 302}},
        "C06": {"requests the front makes": {"redirect": 1}},
        "C16a": {HEARS: {"proxy": 200}, "URL the client ends at": {"proxy": "http://front.test/page"}},
        "C27": {ASKS: {"proxy": ["front.test"]}},
        "C29c": {ASKS: {"redirect": ["client"]}},
        "C29d": {"URL the client ends at": {"redirect": "http://origin.test/page"}},
        "C30": {"what the origin hears": {"redirect": ["GET, 0 bytes"]}},
        "C32": {"requests the client makes": {"proxy": 1}, ASKS: {"proxy": ["front.test"]}},
        "C101": {
            ASKS: {"redirect": ["client"], "proxy": ["front.test"]},
            HEARS: {"redirect": 302, "proxy": 200},
        },
        "L01e": {"what the origin hears": {"redirect": ["POST, 5 bytes"]}},
    },
)

# %% [markdown]
# **A place to stop.** The title's question has its answer. What follows: a dead origin, other clients, and
# what each side costs a visitor who is far away.

# %% [markdown]
# ## And if the origin is dead?
#
# The same experiment again, but the origin has stopped. Which front notices?

# %%
prediction_dead = {
    # one of: 200, 302, 404, 502
    "first status the client hears": {"redirect": ..., "proxy": ...},
    # one of: "client", "front.test", "nobody"
    "who is refused": {"redirect": ..., "proxy": ...},
}


# %%
dead = await compare(
    {"redirect": partial(post, redirecting, dead=True), "proxy": partial(post, proxying, dead=True)},
    ask={
        "first status the client hears": lambda t: t.answers(whom="client")[0].status,
        "last status the client hears": lambda t: t.answers(whom="client")[-1].status,
        "who is refused": lambda t: [it.who for it in t.said if it.event == "refused"],
    },
)
dead

# %%
score(prediction_dead, dead)

# %% [markdown]
# And beside it the redirecting front alone, before an origin that is alive and one that is dead:

# %%
either = await compare(
    {"alive": partial(post, redirecting), "dead": partial(post, redirecting, dead=True)},
    ask={
        "first status the client hears": lambda t: t.answers(whom="client")[0].status,
        "Location it is given": lambda t: t.answers(whom="client")[0].field("Location"),
        "what the origin hears": heard_by_origin,
    },
)
either

# %%
dead["redirect"].lanes()

# %%
dead["proxy"].lanes()

# %% [markdown]
# The redirecting front sent the same 302 to the same address as when all was well [L01a]. It cannot know
# better, because it never looks. The proxy looked, was refused, and said so with status 502, Bad Gateway
# [L01b].

# %%
check(
    dead,
    {"L01b": {"last status the client hears": {"proxy": 502}, "who is refused": {"proxy": ["front.test"]}}},
)

# %%
check(
    either,
    {
        "L01a": {
            "first status the client hears": {"alive": 302, "dead": 302},
            "Location it is given": dict.fromkeys(["alive", "dead"], "http://origin.test/page"),
            "what the origin hears": {"alive": ["GET, 0 bytes"], "dead": []},
        },
    },
)

# %% [markdown]
# ## Other clients
#
# To follow a redirect is the client's choice. Here are four Python clients, each as it is by default. Each
# asks the redirecting front, with `GET`. `http.client` has no choice: it *cannot* follow.

# %%
prediction_others = {
    # one of: 1, 2
    "requests the client makes": {"aiohttp": ..., "requests": ..., "httpx": ..., "http.client": ...},
}


# %%
async def by_default(name):
    async with Town() as town:
        await town.open("origin.test", origin)
        await town.open("front.test", redirecting("http://origin.test", None))
        await clients.ask(name, town, "http://front.test/page")
    return town.trace


names = ("aiohttp", "requests", "httpx", "http.client")
others = await compare(
    {name: partial(by_default, name) for name in names},
    ask={
        "requests the client makes": lambda t: len(
            t.requests(whom="front.test") + t.requests(whom="origin.test")
        ),
        "does the origin hear of it": lambda t: bool(t.requests(whom="origin.test")),
    },
)
others

# %%
score(prediction_others, others)

# %%
check(
    others,
    {"L01c": {"requests the client makes": {"aiohttp": 2, "requests": 2, "httpx": 2, "http.client": 2}}},
)

# %% [markdown]
# curl does not follow either, unless you say `-L`. If curl is on your computer, the next cell asks it.

# %% tags=["needs-curl"]
curl = await compare(
    {"curl": partial(by_default, "curl"), "aiohttp": partial(by_default, "aiohttp")},
    ask={"requests the client makes": lambda t: len(t.requests())},
)
curl

# %% [markdown]
# ## The price, over a distance
#
# On loopback everybody is next door. A visitor may be 40 ms from your servers, or 200: so long takes a
# *round trip*, there and back. `apart` takes the recording and a table of round trips, and computes when
# each message would have been said. It is a model: whoever speaks has first heard what he waits for, a new
# connection costs a round trip, and work costs nothing. So it gives the same numbers on every computer.


# %%
def away(ms):  # the visitor is far away; front and origin stand side by side
    return {
        ("client", "front.test"): ms,
        ("client", "origin.test"): ms,
        ("front.test", "origin.test"): 1,
    }


far = await compare(
    sides,
    ask={
        "ms until the client has the page, 40 ms away": lambda t: t.apart(away(40)).ends("client"),
        "the same, 200 ms away": lambda t: t.apart(away(200)).ends("client"),
        "connections the client opens": lambda t: t.connections(who="client"),
    },
)
far

# %%
draw.distance_view(
    {it: far[it].apart(away(40)) for it in far.sides},
    finding="Far away, a redirect takes twice as long as a proxy",
)

# %% [markdown]
# A redirect costs not one round trip more but two: the second request goes to another host, and that
# connection must be opened, too [L01d]. The proxy opens its own connection to the origin, next door. With a
# visitor next door and an origin far away there would be nothing to choose between them. Put other numbers
# into `away`.

# %%
check(
    far,
    {"L01d": {"ms until the client has the page, 40 ms away": {"redirect": 4 * 40, "proxy": 2 * 40 + 2 * 1}}},
)

# %% [markdown]
# ## The price, as weather
#
# *Weather* is what depends on your computer and on the moment, such as times. No verdict rests on it. Here
# are forty runs of each side, in turn, as your computer's weather has it today. It proves nothing: on
# loopback a round trip costs almost nothing.

# %%
times = await weather({name: sides[name] for name in ("redirect", "proxy")}, rounds=40)
draw.weather_view(times, finding="Time of one whole experiment: weather, not a verdict")

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The reply is *not tried yet*, *not yet* with what went wrong, or *yes*. The
# [solutions](solutions/01_who_makes_the_second_request.ipynb) are in a notebook of their own.
#
# ### ★ keep-the-method (5 minutes)
#
# Redirect to `http://origin.test`, same path and query, so that the client's `POST` arrives there as a `POST`
# with its body.


# %% exercise="keep-the-method"
async def keep(request):
    ...  # TODO: raise a redirect that keeps method and body
    # solution
    raise web.HTTPTemporaryRedirect("http://origin.test" + request.path_qs)
    # end


# %%
await attempt("keep-the-method", keep)

# %% [markdown]
# <details><summary>Hint</summary>
# Some redirect statuses forbid the client to change the method: RFC 9110, sections 15.4.8 and 15.4.9. aiohttp
# has an exception for each.
# </details>
#
# ### ★★ pass-it-on (8 minutes)
#
# Be the proxy. `inner` is an open `ClientSession` of the front. Method, path, query and body must reach
# `http://origin.test`, and the origin's status and body must reach the client.


# %% exercise="pass-it-on"
async def pass_on(request, inner):
    ...  # TODO: ask the origin with `inner`, and return its status and body
    # solution
    url, body = "http://origin.test" + request.path_qs, await request.read()
    async with inner.request(request.method, url, data=body) as answer:
        return web.Response(status=answer.status, body=await answer.read())
    # end


# %%
await attempt("pass-it-on", pass_on)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>inner.request(method, url, data=...)</code> sends any method. Read the answer inside the
# <code>async with</code>.
# </details>
#
# ### ★★★ no-dead-end (12 minutes)
#
# Redirect as in the first exercise while the origin is alive: it must hear the order once, from the client.
# When it is dead, answer 503 instead of sending the client into the void.


# %% exercise="no-dead-end"
async def careful(request, inner):
    ...  # TODO: ask first whether the origin is there
    # solution
    try:
        async with inner.head("http://origin.test/"):
            pass
    except ClientConnectionError:
        raise web.HTTPServiceUnavailable() from None
    raise web.HTTPTemporaryRedirect("http://origin.test" + request.path_qs)
    # end


# %%
await attempt("no-dead-end", careful)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>inner.head(url)</code> raises <code>ClientConnectionError</code> when nobody answers. A redirect is an
# exception as well: do not raise it where your own <code>except</code> catches it.
# </details>
#
# ## In practice
#
# * **Redirect** when the client can and should know the other address: a page that moved, a login, a download
#   from another host.
# * **Proxy** when the client cannot reach the other server, or must not know of it. Then everything passes
#   through you, and you answer for it.
# * A redirect tells the client a name. Whether that name means the same to the client as to you is the
#   question of lesson 02.
# * `raise web.HTTPFound(...)`, do not return it: returning an `HTTPException` is deprecated (aiohttp issue
#   2415). And do not raise it inside `try: ... except Exception:`, which swallows it, as the third exercise
#   shows.
# * The proxy of this lesson loses request fields, answer fields and every body too big for memory. Lessons 04
#   and 05 mend it.
#
# Next: [02 · Whose localhost is it?](02_whose_localhost_is_it.ipynb)
#
# ## Where this comes from
#
# * RFC 9110, [section 15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4) on redirection, and [section
#   15.6.3](https://www.rfc-editor.org/rfc/rfc9110#section-15.6.3) on 502.
# * aiohttp 3.14: [web exceptions](https://docs.aiohttp.org/en/stable/web_quickstart.html#exceptions), [client
#   quickstart](https://docs.aiohttp.org/en/stable/client_quickstart.html).
# * aiohttp issues [2415](https://github.com/aio-libs/aiohttp/issues/2415) and
#   [10165](https://github.com/aio-libs/aiohttp/issues/10165): raise or return?
# * The first of the four posts this course began from, post 000.

# %%
await guard.clean()
