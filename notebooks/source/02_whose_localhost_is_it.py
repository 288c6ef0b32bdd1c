# %% [markdown]
# # 02 · Whose localhost is it?
#
# **You will** send three visitors, on two machines, to `http://localhost:9000`, and read from the recording
# who was asked and who got the secret.
#
# **You need** lesson 01.
#
# **Minutes:** 31 to read and run (13 to the place to stop), 25 for the exercises.

# %%
import socket
from contextlib import suppress
from functools import partial

from aiohttp import ClientConnectionError, ClientConnectorError, ClientSession, TCPConnector, web
from aiohttp.abc import AbstractResolver

from labs import Guard, Town, attempt, check, clients, compare, draw, noted, score

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# A company runs a *front* that everybody can reach, `http://front.test`. On the same machine runs a
# *backend* that makes reports. It listens at `localhost:9000`, so only programs on that machine can reach
# it. A *visitor* wants a report and has a *token*, a secret that opens it, in the query of the URL:
# `http://front.test/report?token=T`.
#
# A blog post redirects to a port of `localhost`, and warns: from outside, the actual server cannot be
# reached. Let this front do the same, with `http://localhost:9000`. What is reached instead?
#
# `localhost` is the name by which every machine calls itself. Here two machines, `server` and `laptop`, are
# played on your one computer. The town imitates what RFC 6761 says: it keeps a table of such names for each
# machine, and only public names, such as `front.test`, mean the same to both. The rest is real: the servers,
# the clients, the refusals.


# %%
async def backend(request):
    return web.Response(text="your report\n")


async def stranger(request):
    return web.Response(text="welcome\n")  # a 200 like any other


def redirecting(target, connect):
    async def front(request):
        raise web.HTTPFound(target + request.path_qs)

    return front


# %% [markdown]
# ## Predict
#
# Three visitors ask the same front, and get the same redirect. They differ in one thing: **what listens at
# port 9000 of the machine they sit on.**
#
# * `same machine`: the visitor sits at the server itself. Its port 9000 is the backend.
# * `outside`: the visitor has a machine of its own, `laptop`. Nothing listens there.
# * `outside, decoy`: the same, and another program listens there. We call it the *decoy*. It could be any
#   tool of a developer.
#
# 1. Whom does each visitor ask last: `front.test`, `backend`, `decoy`, or `localhost of laptop`, where nobody
#    answers?
# 2. Which status does it hear last: 200, 302, 404 or 502?
# 3. Who hears the token? Name all of them: `front.test`, `backend`, `decoy`.

# %%
prediction = {
    # one of: "front.test", "backend", "localhost of laptop", "decoy"
    "whom the visitor asks last": {"same machine": ..., "outside": ..., "outside, decoy": ...},
    # one of: 200, 302, 404, 502
    "last status the visitor hears": {"same machine": ..., "outside": ..., "outside, decoy": ...},
    # one of: "front.test", "front.test, backend", "front.test, decoy", "all three"
    "who hears the token": {"same machine": ..., "outside": ..., "outside, decoy": ...},
}

# %% [markdown]
# ## The experiment
#
# `on` says on which machine somebody is. Some of the arguments are for later.


# %%
async def visit(
    front,  # makes the handler of front.test
    target,  # the address that this handler redirects to, or asks
    sits="laptop",  # the machine that the visitor sits on
    at="localhost:9000",  # where the backend listens,
    on="server",  # and on which machine
    decoy=None,  # where the decoy listens, on the laptop
    fields=None,  # what the visitor adds to its request
):
    async with Town() as town:
        await town.open(at, backend, on=on, known_as="backend")
        if decoy:
            await town.open(decoy, stranger, on="laptop", known_as="decoy")
        await town.open("front.test", front(target, partial(town.connector, "front.test", on="server")))
        async with ClientSession(connector=town.connector("visitor", on=sits)) as client:
            with suppress(ClientConnectionError):
                async with client.get("http://front.test/report?token=T", headers=fields) as answer:
                    await answer.read()
    return town.trace


# %%
def asked_last(trace):
    return [it.whom for it in trace.said if it.who == "visitor"][-1]


def hears_token(trace):
    heard = [it.whom for it in trace.said if it.message and "token=T" in it.message.target]
    return list(dict.fromkeys(heard))


def who_is_refused(trace):
    return [it.who for it in trace.said if it.event == "refused"]


def asks_backend(trace):
    return [it.who for it in trace.said if it.whom == "backend" and it.message]


# %%
posted = partial(visit, redirecting, "http://localhost:9000")
found = await compare(
    {
        "same machine": partial(posted, sits="server"),
        "outside": partial(posted),
        "outside, decoy": partial(posted, decoy="localhost:9000"),
    },
    ask={
        "first status the visitor hears": lambda t: t.answers(whom="visitor")[0].status,
        "Location it is given": lambda t: t.answers(whom="visitor")[0].field("Location"),
        "whom the visitor asks last": asked_last,
        "last status the visitor hears": lambda t: t.answers(whom="visitor")[-1].status,
        "who is refused": who_is_refused,
        "who asks the backend": asks_backend,
        "who hears the token": hears_token,
    },
)
found

# %% [markdown]
# ## What was said

# %%
found["same machine"].lanes("Location")

# %%
found["outside"].lanes("Location")

# %%
found["outside, decoy"].lanes("Location")

# %%
draw.lifelines(
    {it: found[it] for it in ("outside", "outside, decoy")},
    finding="A redirect to localhost fails, or it succeeds at the wrong machine and leaves the token there",
    show=["Location"],
)

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * The front said the same to all three: 302, and an address with `localhost` in it [C07]. It cannot say
#   more, and does not learn what comes of it.
# * Each visitor looked that name up on its own machine [C10a]: the town imitates what RFC 6761 says. So it
#   worked for the one who sat at the server [C09], and a developer who tries it on one machine is always that
#   one.
# * From outside, the backend was never asked: the post says rightly, and more than once, that the actual
#   server cannot be reached so [C10c] [C11].
# * The trap is to hear in this that such a visitor meets an error. With the decoy it did connect, to its own
#   machine, and heard 200. A 200 does not say who answered [L02c].
# * The redirect carried path and query along, so the decoy got the token [L02b]. Refused is the mild case.

# %%
check(
    found,
    {
        "C07": {
            "first status the visitor hears": {"outside": 302},
            "Location it is given": {"outside": "http://localhost:9000/report?token=T"},
        },
        "C09": {"who asks the backend": {"same machine": ["visitor"], "outside": [], "outside, decoy": []}},
        "C10a": {"whom the visitor asks last": {"outside": "localhost of laptop"}},
        "C10c": {"who asks the backend": {"outside": [], "outside, decoy": []}},
        "C11": {"who asks the backend": {"outside": [], "outside, decoy": []}},
        "L02b": {"who hears the token": {"outside, decoy": ["front.test", "decoy"]}},
        "L02c": {
            "last status the visitor hears": {"outside, decoy": 200},
            "who asks the backend": {"outside, decoy": ["visitor"]},
        },
    },
)

# %% [markdown]
# **A place to stop.** You know whose localhost it is. What follows is what to say instead, and which public
# name to take.

# %% [markdown]
# ## What to say instead
#
# Three other fronts, each tried by the visitor from outside, decoy and all.
#
# * **public**: redirect to the server's public name, `http://front.test:9000`.
# * **relative**: redirect to a path without a name, `/inner/report`. The front itself serves what is under
#   `/inner`, with a proxy.
# * **proxy**: no redirect. The front asks `localhost:9000` itself.
#
# Where does the backend listen? *Closed* means at the server's localhost, as before, and so it is for
# **relative** and **proxy**. **public** stands here closed and *open*, which means at the public name.
# **proxy** stands here once more with the backend *far*, at the localhost of a third machine.


# %%
def proxying(target, connect):
    async def front(request):
        async with ClientSession(connector=connect()) as inner:
            try:
                async with inner.get(target + request.path_qs) as answer:
                    return web.Response(status=answer.status, body=await answer.read())
            except ClientConnectionError:
                raise web.HTTPBadGateway() from None

    return front


# %%
def staying(target, connect, base=lambda request: ""):
    pass_on = proxying(target, connect)

    async def front(request):
        if request.path.startswith("/inner/"):
            return await pass_on(request)
        raise web.HTTPFound(base(request) + "/inner" + request.path_qs)

    return front


# %%
outside = partial(visit, decoy="localhost:9000")
public = partial(outside, redirecting, "http://front.test:9000")
proxy = partial(outside, proxying, "http://localhost:9000")
better = {
    "public, closed": partial(public),
    "public, open": partial(public, at="front.test:9000"),
    "relative": partial(outside, staying, "http://localhost:9000"),
    "proxy": partial(proxy),
    "proxy, far": partial(proxy, on="third"),
}

# %%
mended = await compare(
    better,
    ask={
        "first status the visitor hears": lambda t: t.answers(whom="visitor")[0].status,
        "last status the visitor hears": lambda t: t.answers(whom="visitor")[-1].status,
        "last target the visitor asks for": lambda t: t.requests(who="visitor")[-1].target,
        "who is refused": who_is_refused,
        "requests the decoy hears": lambda t: len(t.requests(whom="decoy")),
        "who asks the backend": asks_backend,
        "who hears the token": hears_token,
    },
)
mended

# %%
mended["public, closed"].lanes("Location")

# %%
mended["relative"].lanes("Location")

# %%
mended["proxy, far"].lanes()

# %% [markdown]
# * The public name leads everybody to the right machine. That is enough where the backend is open [C26a],
#   and no help where it is closed [C26b].
# * A relative address has no name that could be misunderstood: the visitor puts it after the site it has
#   just asked [L02a].
# * The proxy looks `localhost` up on its own machine, so the visitor may be anywhere, as the post says
#   [C25a]. That the backend may be, too, would be a trap, and the post speaks of a local one: on a third
#   machine, this proxy's `localhost` is as wrong as the visitor's was [L02f]. Here, too, the town imitates
#   RFC 6761.
# * The decoy heard no request in any column.

# %%
check(
    mended,
    {
        "C25a": {
            "last status the visitor hears": {"proxy": 200},
            "who asks the backend": {"proxy": ["front.test"]},
        },
        "L02f": {"last status the visitor hears": {"proxy, far": 200}},
        "C26a": {"who asks the backend": {"public, open": ["visitor"]}},
        "C26b": {"who asks the backend": {"public, closed": []}},
        "L02a": {
            "last target the visitor asks for": {"relative": "/inner/report?token=T"},
            "who hears the token": {"relative": ["front.test", "backend"]},
        },
    },
)

# %% [markdown]
# ## Which public name?
#
# It is tempting to build the address from `request.host`: then the front needs no setting. But that value
# is what the client wrote into its `Host` field. A browser writes the site's name there. Another client may
# lie, so that a cache keeps the answer for others, or the site mails an address of the liar's choice. Here a
# client writes `evil.test`, and somebody listens under that name. The two fronts differ in one thing: **what
# stands before `/inner`.**

# %%
prediction_hosts = {
    # one of: "front.test", "front.test, backend", "front.test, decoy"
    "who hears the token": {"from Host": ..., "relative": ...},
}


# %%
forged = partial(visit, target="http://localhost:9000", decoy="evil.test", fields={"Host": "evil.test"})
hosts = await compare(
    {
        "from Host": partial(forged, partial(staying, base=lambda request: f"http://{request.host}")),
        "relative": partial(forged, staying),
    },
    ask={
        "Location": lambda t: t.answers(whom="visitor")[0].field("Location"),
        "whom the visitor asks last": asked_last,
        "who hears the token": hears_token,
    },
)
hosts

# %%
score(prediction_hosts, hosts)

# %%
hosts["from Host"].bytes(whom="front.test")

# %%
hosts["from Host"].lanes("Location")

# %% [markdown]
# The front repeated what it was told [L02d], and sent the client to a stranger. A redirect that leads
# wherever somebody else wants is called an *open redirect*. The relative address was not moved by it
# [L02e].

# %%
check(
    hosts,
    {
        "L02d": {"Location": {"from Host": "http://evil.test/inner/report?token=T"}},
        "L02e": {"whom the visitor asks last": {"relative": "front.test"}},
    },
)

# %% [markdown]
# ## Which address of localhost?
#
# And on one machine? There `localhost` has two addresses, `127.0.0.1` and, in IPv6, `::1`. A server that
# listens at one of them does not hear what comes to the other. The backend here listens at `127.0.0.1`. The
# sides differ in **the addresses that the visitor is told.** This is no game of the town: `Told` is a
# resolver of aiohttp's kind, and the connections are real ones.


# %%
class Told(AbstractResolver):
    def __init__(self, addresses):
        self.addresses = addresses

    async def resolve(self, host, port=0, family=0):
        kinds = [(it, socket.AF_INET6 if ":" in it else socket.AF_INET) for it in self.addresses]
        name = {"hostname": host, "port": port, "proto": 0, "flags": socket.AI_NUMERICHOST}
        return [name | {"host": it, "family": kind} for it, kind in kinds]

    async def close(self):
        pass


# %%
async def visit_at(*addresses):
    raised = None
    async with Town() as town:
        await town.open("localhost:9000", backend, on="server", known_as="backend")
        url = f"http://localhost:{town.address('localhost:9000', on='server')[1]}/report"
        with town.guest("visitor"):
            async with ClientSession(connector=TCPConnector(resolver=Told(addresses))) as client:
                try:
                    (await client.get(url)).release()
                except ClientConnectorError as error:
                    raised = type(error).__name__
    return noted(town.trace, raised=raised)


# %%
told = await compare(
    {
        "127.0.0.1": partial(visit_at, "127.0.0.1"),
        "::1": partial(visit_at, "::1"),
        "::1, 127.0.0.1": partial(visit_at, "::1", "127.0.0.1"),
    },
    ask={"who asks the backend": asks_backend, "what the visitor raises": lambda t: t.notes["raised"]},
)
told

# %% [markdown]
# Told `::1` alone, the visitor is refused, by its own machine and with the backend beside it [L02g]. Some
# clients take the first address that they are told, and no other. aiohttp tries them all [L02h].

# %%
check(
    told,
    {
        "L02g": {"who asks the backend": {"127.0.0.1": ["visitor"], "::1": []}},
        "L02h": {"who asks the backend": {"::1, 127.0.0.1": ["visitor"]}},
    },
)

# %% [markdown]
# And a server that listens at `::1` only? Your computer may have no IPv6, so here the town plays again: each
# of the two addresses is a place of its own, with a localhost of its own. The sides differ in **the address
# that the front redirects to.**


# %%
def sent_to(address):
    target = f"http://[{address}]:9000" if ":" in address else f"http://{address}:9000"
    return partial(visit, redirecting, target, sits=address, at="[::1]:9000", on="::1")


mirrored = await compare(
    {it: sent_to(it) for it in ("::1", "127.0.0.1")},
    ask={
        "Location it is given": lambda t: t.answers(whom="visitor")[0].field("Location"),
        "who asks the backend": asks_backend,
        "who is refused": who_is_refused,
    },
)
mirrored

# %% [markdown]
# The other way round it is the same: asked at `127.0.0.1`, a server at `::1` alone hears nothing [L02i].

# %%
check(mirrored, {"L02i": {"who asks the backend": {"::1": ["visitor"], "127.0.0.1": []}}})

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/02_whose_localhost_is_it.ipynb) are in a notebook
# of their own.
#
# ### ★ relative-location (5 minutes)
#
# Redirect to the same path and query under `/inner`, on whatever site the visitor has asked. The site has
# two names, `front.test` and `shop.test:8080`, and the visitor asks for `/2026/report?token=T`.


# %% exercise="relative-location"
async def stay(request):
    ...  # TODO: raise a redirect that names no host
    # solution
    raise web.HTTPFound("/inner" + request.path_qs)
    # end


# %%
await attempt("relative-location", stay)

# %% [markdown]
# <details><summary>Hint</summary>
# A reference that begins with one slash replaces the whole path. Without the slash it replaces only the
# last part: RFC 3986, section 5.2.
# </details>
#
# ### ★★ safe-next (8 minutes)
#
# After a login, `/login?next=/account` leads on to `/account`. Redirect to `next` if it is a path of this
# site, and to `/` if it leads to anybody else, or is empty or missing. The attempt tries eighteen values,
# and reads your `Location` as a browser does.


# %% exercise="safe-next"
async def after_login(request):
    ...  # TODO: redirect to request.query["next"], if it stays on this site
    # solution
    wanted = request.query.get("next", "")
    ours = (
        wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted and wanted.isprintable()
    )
    raise web.HTTPSeeOther(wanted if ours else "/")
    # end


# %%
await attempt("safe-next", after_login)

# %% [markdown]
# <details><summary>Hint</summary>
# Say what is allowed, not what is forbidden. <code>//evil.test</code> names a host, and more slashes are no
# better, whatever <code>urlsplit</code> makes of them. A browser takes a backslash for a slash, and drops
# tabs and line ends before it reads an address; aiohttp's <code>HTTPFound</code> drops them, too.
# </details>
#
# ### ★★★ public-name (12 minutes)
#
# Sometimes an address must be whole, because it goes into a mail. This front stands behind another server,
# which hears `https://front.test/app` and passes on plain HTTP to `inner.test:8080`. Redirect
# `/report?token=T` to `https://front.test/app/inner/report?token=T`. The public address is in `public`, and
# may change: the attempt tries another one as well. Whoever sends a `Host` other than `inner.test:8080` gets
# status 421, Misdirected Request.


# %% exercise="public-name"
async def named(request, public):
    ...  # TODO: 421 for another Host, else a redirect to public + "/inner" + path and query
    # solution
    if request.host != "inner.test:8080":
        raise web.HTTPMisdirectedRequest()
    raise web.HTTPFound(public + "/inner" + request.path_qs)
    # end


# %%
await attempt("public-name", named)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>public</code> is a <code>str</code>, such as "https://front.test/app". <code>request.path</code> is
# decoded and has no query; <code>request.path_qs</code> has both as they must stand in an address.
# </details>
#
# ## In practice
#
# * **Machine** means network: a container has a localhost of its own, and so has a phone that looks at your
#   laptop. `127.0.0.1` and `::1` are no better than the name.
# * For your own site, send a **relative** `Location`. It is also right behind a server that ends TLS, where
#   `request.url` says `http://` and your internal name, because aiohttp does not believe
#   `X-Forwarded-Proto` by itself.
# * For a whole address, take the public name **from your settings**. A browser sends the `Host` it should,
#   but a cache may keep what a forged request got, and a mail with a link to reset a password goes to
#   somebody else.
# * Keep secrets out of the query: it travels with a redirect, and into logs. Lesson 03 shows which fields
#   travel, too.
# * Behind a proxy, all visitors come to the backend from the server itself. A backend that trusts
#   `127.0.0.1` now trusts everybody.
# * Let the proxy's target be a setting, too. The day the backend moves, `localhost` is wrong.
#
# Next: [03 · What does the client send to the new address?](03_follow_the_redirect.ipynb)
#
# ## Where this comes from
#
# * Two addresses, and a client that takes the first: Node.js issue
#   [40702](https://github.com/nodejs/node/issues/40702).
# * RFC 6761, [section 6.3](https://www.rfc-editor.org/rfc/rfc6761#section-6.3): `localhost` always means
#   one's own machine.
# * RFC 9110, [section 10.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.2) on `Location`, and
#   [section 15.5.20](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.20) on 421.
# * RFC 3986, [section 5.2](https://www.rfc-editor.org/rfc/rfc3986#section-5.2): how a relative reference
#   becomes an address.
# * How browsers read an address: the [URL Standard](https://url.spec.whatwg.org/#url-parsing).
# * aiohttp 3.14:
#   [`request.host`](https://docs.aiohttp.org/en/stable/web_reference.html#aiohttp.web.BaseRequest.host),
#   [deploying behind a
#   proxy](https://docs.aiohttp.org/en/stable/web_advanced.html#deploying-behind-a-proxy).
# * aiohttp issues [2593](https://github.com/aio-libs/aiohttp/issues/2593) and
#   [2680](https://github.com/aio-libs/aiohttp/issues/2680) on `X-Forwarded-Proto`, and advisory
#   [GHSA-v6wp-4m6f-gcjg](https://github.com/aio-libs/aiohttp/security/advisories/GHSA-v6wp-4m6f-gcjg): an
#   open redirect in aiohttp itself, by a path that began with `//`.
# * The first of the four posts this course began from, post 000.

# %%
await guard.clean()
