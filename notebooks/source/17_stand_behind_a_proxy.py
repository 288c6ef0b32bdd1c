# %% [markdown]
# # 17 · What does your app believe behind a proxy?
#
# **You will** put one app behind a proxy that speaks TLS for it, then under a prefix, then behind two. You
# will see what breaks, for whom, and what the app must be told.
#
# **You need** lessons 01 and 05.
#
# **Minutes:** 47 to read and run (15 to the place to stop), 26 for the exercises.

# %%
import logging
from functools import partial
from ipaddress import ip_address

from aiohttp import ClientError, ClientSession, DummyCookieJar, web

from labs import Guard, Town, attempt, check, clients, compare, draw, noted, score
from labs.gateway import Options, gateway

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# Visitors come to `https://shop.test`. Your app does not speak TLS: a *proxy* does that for it, and then asks
# `http://localhost:8080`, on a machine that no visitor can reach. Such an app hears of the visitor only what
# the proxy says. Here is an app that needs to know where it stands. It refuses an order whose field `Origin`
# names another site, it moves a page, and it gives out a cookie.


# %%
def shop(middlewares=()):
    async def login(request):
        answer = web.Response(text=f"{request.scheme}://{request.host}")
        answer.set_cookie("token", "t1", secure=request.secure)
        return answer

    async def order(request):
        ours = request.headers.get("Origin") == f"{request.scheme}://{request.host}"
        return web.Response(text="ordered") if ours else web.Response(status=403, text="forbidden")

    async def old(request):
        raise web.HTTPFound(f"{request.scheme}://{request.host}/cart")

    async def cart(request):
        return web.Response(text="your cart")

    app = web.Application(middlewares=middlewares)
    app.add_routes([web.get("/login", login), web.post("/order", order)])
    app.add_routes([web.get("/old", old), web.get("/cart", cart)])
    return app


# %% [markdown]
# This proxy does what many do. It hands on a few fields, and leaves the answer as it is. It may *keep* the
# visitor's `Host`, or send the name by which it asks. And it says on whose behalf it asks, in three fields:
# `X-Forwarded-For` (who), `-Host` and `-Proto` (what for). On loopback all have one address. So `sees` stands
# for the address of whoever asks the proxy. It is appended to what is there, as most proxies do.

# %%
VISITOR = "203.0.113.7"
ONWARD = ("Cookie", "Origin", "X_Forwarded_For")
BACK = ("Location", "Set-Cookie")


def front(connect, prefix="", keep_host=True, sees=VISITOR, repair=lambda name, value: value):
    async def relay(request):
        if not request.path.startswith(f"{prefix}/"):
            return web.Response(status=404, text="not the shop")
        fields = {"X-Forwarded-Host": request.host, "X-Forwarded-Proto": request.scheme}
        fields["X-Forwarded-For"] = ", ".join([*request.headers.getall("X-Forwarded-For", ()), sees])
        onward = ("Host", *ONWARD) if keep_host else ONWARD
        fields |= {name: request.headers[name] for name in onward if name in request.headers}
        url = f"http://localhost:8080{request.path_qs[len(prefix) :]}"
        async with ClientSession(connector=connect(), cookie_jar=DummyCookieJar()) as inner:
            answer = await inner.request(request.method, url, headers=fields, allow_redirects=False)
            back = [(name, repair(name, it)) for name, it in answer.headers.items() if name in BACK]
            return web.Response(status=answer.status, headers=back, text=await answer.text())

    return relay


# %% [markdown]
# aiohttp looks at none of the three fields. To *tell* the app means a middleware: `request.clone` makes a
# request that says another scheme, host and remote address. Of each field it takes the last value: that is
# what your own proxy has written.


# %%
def listed(request, name):
    return [it.strip() for it in ",".join(request.headers.getall(name, ())).split(",") if it.strip()]


SAID = {"scheme": "X-Forwarded-Proto", "host": "X-Forwarded-Host", "remote": "X-Forwarded-For"}


@web.middleware
async def believe(request, handler):
    said = {what: listed(request, name)[-1:] for what, name in SAID.items()}
    return await handler(request.clone(**{what: last for what, it in said.items() for last in it}))


async def seen(asked):
    try:
        async with asked as answer:
            return f"{answer.status} {await answer.text()}"
    except ClientError as error:
        return type(error).__name__


# %% [markdown]
# The first side asks the app itself, under TLS. The second has the proxy between, the third a proxy that
# keeps `Host`, the fourth an app that is told. **Each differs from the one before in one thing.** At port 80,
# without TLS, the site sends everybody to `https://`, as most sites do.
#
# ## Predict
#
# The visitor asks for `/login`, orders from the shop's own page, and asks for `/old`. What comes of it?

# %%
prediction = {
    # one of: "https://shop.test", "http://shop.test", "http://localhost:8080"
    "the app believes that it is": {"proxied": ..., "Host kept": ...},
    # one of: "200 ordered", "403 forbidden"
    "order from its own page": {"proxied": ..., "Host kept": ..., "told": ...},
    # one of: "200 your cart", "404 not the shop", "ClientConnectorError"
    "after the redirect the visitor has": {"proxied": ..., "Host kept": ..., "told": ...},
}


# %%
async def to_tls(request):
    raise web.HTTPMovedPermanently(f"https://shop.test{request.path_qs}")


async def visit(proxied=True, keep_host=True, middlewares=(), fields=None):
    async with Town() as town:
        await town.open("shop.test", to_tls, known_as="port 80")
        site = shop(middlewares)
        if proxied:
            await town.open("localhost:8080", site, on="inside", known_as="app")
            site = front(partial(town.connector, "shop.test", on="inside"), keep_host=keep_host)
        await town.open("shop.test", site, tls=True)
        connector = town.connector("client", on="home", ssl=town.ca.client_context())
        async with ClientSession(connector=connector, headers=fields) as client:
            notes = {"believes": await seen(client.get("https://shop.test/login"))}
            ours = {"Origin": "https://shop.test"}
            notes["order"] = await seen(client.post("https://shop.test/order", headers=ours))
            notes["old"] = await seen(client.get("https://shop.test/old"))
    return noted(town.trace, notes)


# %%
stands = {
    "direct": partial(visit, proxied=False),
    "proxied": partial(visit, keep_host=False),
    "Host kept": visit,
    "told": partial(visit, middlewares=[believe]),
}
found = await compare(
    stands,
    ask={
        "the app believes that it is": lambda t: t.notes["believes"].partition(" ")[2],
        "order from its own page": lambda t: t.notes["order"],
        "Location of /old": lambda t: t.answers(whom="client")[2].field("Location"),
        "after the redirect the visitor has": lambda t: t.notes["old"],
        "the cookie says Secure": lambda t: "Secure" in t.answers(whom="client")[0].field("Set-Cookie"),
        "connections the visitor opens": lambda t: t.connections(who="client"),
        "the cookie goes without TLS": lambda t: any(it.field("Cookie") for it in t.requests(whom="port 80")),
    },
)
found

# %%
score(prediction, found)

# %%
AWAY = {("client", "shop.test"): 40, ("client", "port 80"): 40}
draw.distance_view(
    {it: found[it].apart(AWAY) for it in ("Host kept", "told")},
    finding="A Location without TLS costs two more round trips, and sends the cookie in the clear",
)

# %% [markdown]
# ## What happened
#
# * `request.scheme` is what the app's own socket speaks, and `request.host` is what the proxy's request says.
#   The visitor's URL is in neither, whatever `X-Forwarded-Proto` says [L17a].
# * Who compares `Origin` with that refuses his own page [L17b]. To keep `Host` does not help where the scheme
#   is compared, too [L17c].
# * With the proxy's own name for the app in `Location`, the visitor's browser looks for the shop on the
#   visitor's computer, where nobody listens [L17d].
# * With `Host` kept, all *looks* well: the visitor has his cart. But the redirect led out of TLS, and port 80
#   led back in. On the way the cookie, which was not `Secure`, went without TLS [L17e].
#   The picture has the visitor 40 ms away, by the model of lesson 01. One request more, and one connection
#   more to make it on [L17g], are two round trips.
# * Told, the app answers as if it were asked directly [L17f].

# %%
BELIEVES, ORDER = "the app believes that it is", "order from its own page"
AFTER, CLEAR = "after the redirect the visitor has", "the cookie goes without TLS"
check(
    found,
    {
        "L17a": {BELIEVES: {"proxied": "https://shop.test", "Host kept": "https://shop.test"}},
        "L17b": {ORDER: {"direct": "200 ordered", "proxied": "200 ordered"}},
        "L17c": {ORDER: {"Host kept": "200 ordered"}},
        "L17d": {AFTER: {"direct": "200 your cart", "proxied": "200 your cart"}},
        "L17e": {AFTER: {"Host kept": "200 your cart"}, CLEAR: {"Host kept": True, "told": False}},
        "L17g": {"connections the visitor opens": {"Host kept": 2, "told": 1}},
        "L17f": {
            BELIEVES: {"told": "https://shop.test"},
            ORDER: {"told": "200 ordered"},
            "the cookie says Secure": {"direct": True, "proxied": False, "told": True},
        },
    },
)

# %% [markdown]
# **A place to stop.** You know what the app must be told about TLS. What follows: a prefix, a cookie under
# it, and who may say all that.
#
# ## Under a prefix
#
# Now the shop stands at `/shop/`, and the rest of the site is not its. The proxy takes the prefix off: for
# `/shop/old` it asks the app for `/old`. Who puts it back into a `Location`? Three proxies are tried: one
# that leaves the answer alone; one that puts `/shop` before every path; and the lab's *gateway*, which does
# so where the prefix is not there yet. The sides differ in **how the app writes the same redirect**: as a
# whole URL of what it believes, as a path, as a path with the prefix that it knows, or relative to
# `/shop/old`.


# %%
def blind(name, value):
    return f"/shop{value}" if name == "Location" and value.startswith("/") else value


def moved(write):
    async def old(request):
        raise web.HTTPFound(write(request))

    async def cart(request):
        return web.Response(text="your cart")

    app = web.Application(middlewares=[believe])
    app.add_routes([web.get("/old", old), web.get("/cart", cart)])
    return app


# %%
def by_gateway(connect):
    options = Options(leg="session", prefix="/shop", preserve_host=True)
    return gateway("http://localhost:8080", options, connector=connect)


async def follow(write):
    notes = {}
    async with Town() as town:
        await town.open("localhost:8080", moved(write), on="inside", known_as="app")
        connect = partial(town.connector, "proxy", on="inside")
        fronts = {"plain": front(connect, "/shop"), "blind": front(connect, "/shop", repair=blind)}
        fronts |= {"gateway": by_gateway(connect)}
        async with ClientSession(connector=town.connector("client", on="home")) as client:
            for name, site in fronts.items():
                await town.open(f"{name}.test", site)
                async with client.get(f"http://{name}.test/shop/old") as answer:
                    notes[name] = f"{answer.url.path}: {answer.status}"
    return noted(town.trace, notes)


# %%
prediction_prefix = {
    # one of: "/shop/cart: 200", "/cart: 404", "/shop/shop/cart: 404"
    "plain": {"/cart": ..., "/shop/cart": ..., "cart": ...},
    # one of: "/shop/cart: 200", "/cart: 404", "/shop/shop/cart: 404"
    "blind": {"/cart": ..., "/shop/cart": ..., "cart": ...},
}

# %%
prefix = await compare(
    {
        "whole URL": partial(follow, lambda request: f"{request.scheme}://{request.host}/cart"),
        "/cart": partial(follow, lambda request: "/cart"),
        "/shop/cart": partial(follow, lambda request: "/shop/cart"),
        "cart": partial(follow, lambda request: "cart"),
    },
    ask={name: lambda t, name=name: t.notes[name] for name in ("plain", "blind", "gateway")},
)
prefix

# %%
score(prediction_prefix, prefix)

# %% [markdown]
# * Behind a proxy that leaves answers alone, a path without the prefix leads out of the shop [L17h]. A whole
#   URL with the right scheme and host does, too: it lacks the same.
# * Told its prefix, the app is right there, and wrong behind a proxy that puts the prefix before every path:
#   it stands there twice [L17i]. One of the two must do it, and only one.
# * `cart`, relative to `/shop/old`, is right behind all three [L17j]. It says no scheme, no host and no
#   prefix, so nobody has to know them.

# %%
RIGHT = "/shop/cart: 200"
check(
    prefix,
    {
        "L17h": {"plain": {"/cart": RIGHT, "whole URL": RIGHT}},
        "L17i": {"plain": {"/shop/cart": RIGHT}, "blind": {"/shop/cart": RIGHT}},
        "L17j": {
            "plain": {"/cart": "/cart: 404", "cart": RIGHT},
            "blind": {"/shop/cart": "/shop/shop/cart: 404", "cart": RIGHT},
            "gateway": {"cart": RIGHT},
        },
    },
)

# %% [markdown]
# ## The login loop
#
# `/account` sends whoever has no cookie to `/login`, and that gives one and sends back. Both redirects are
# relative, and so are right. The proxy leaves answers alone. The sides differ in **the cookie's attribute**.
# The last one has in `Domain` the name by which the proxy asks. In the end the visitor reads `/blog/`, which
# is another app on the same site.


# %%
async def enter(**attribute):
    async def app(request):
        if request.path == "/login":
            there = web.HTTPFound("account")
            there.set_cookie("token", "t1", **attribute)
            raise there
        if "token" not in request.cookies:
            raise web.HTTPFound("login")
        return web.Response(text="your account")

    async with Town() as town:
        await town.open("localhost:8080", app, on="inside", known_as="app")
        await town.open("shop.test", front(partial(town.connector, "shop.test", on="inside"), "/shop"))
        async with ClientSession(connector=town.connector("client", on="home")) as client:
            notes = {"account": await seen(client.get("http://shop.test/shop/account"))}
            await seen(client.get("http://shop.test/blog/"))
    return noted(town.trace, notes)


# %%
prediction_cookie = {
    # one of: "200 your account", "404 not the shop", "TooManyRedirects"
    "the visitor has": {"Path=/": ..., "Path=/account": ..., "Domain=localhost": ...},
    # one of: "token=t1", None
    "the blog is sent": {"Path=/": ..., "Path=/shop/": ...},
}

# %%
loop = await compare(
    {
        "Path=/": partial(enter, path="/"),
        "Path=/account": partial(enter, path="/account"),
        "Path=/shop/": partial(enter, path="/shop/"),
        "Domain=localhost": partial(enter, domain="localhost"),
    },
    ask={
        "the visitor has": lambda t: t.notes["account"],
        "times the app is asked": lambda t: len(t.requests(whom="app")),
        "the blog is sent": lambda t: t.requests(whom="shop.test")[-1].field("Cookie"),
    },
)
loop

# %%
score(prediction_cookie, loop)

# %% [markdown]
# * A `Path` without the prefix is a path of another app's. The client keeps the cookie, and never sends it to
#   yours: `/account` and `/login` send each other the visitor until the client gives up [L17k].
# * A `Domain` that the site does not have is refused by the client, with the same loop [L17l]. Leave it out.
# * `Path=/`, which is aiohttp's default, works, and shows the token to every other app of the site [L17m].
# * Told the prefix, the app has its cookie for itself.

# %%
HAS = "the visitor has"
check(
    loop,
    {
        "L17k": {HAS: {"Path=/account": "200 your account", "Path=/shop/": "200 your account"}},
        "L17l": {HAS: {"Domain=localhost": "TooManyRedirects", "Path=/": "200 your account"}},
        "L17m": {"the blog is sent": {"Path=/": "token=t1", "Path=/shop/": None}},
    },
)

# %% [markdown]
# ## Who asks?
#
# The proxy appends the address it sees to `X-Forwarded-For`. So a visitor can write there first. In the
# second and fourth row he *lies*: he sends `X-Forwarded-For: 192.0.2.66`. In the third and fourth there are
# two proxies, and in the fifth none: he has found a way to the app itself. The last lie is written with
# underscores. The sides differ in **which value the app takes**. *CGI* is the last of a WSGI or CGI app:
# there a field's name is written in capitals, with an underscore for each hyphen.

# %%
LIE, OUTER = "192.0.2.66", "198.51.100.1"
WHO = {VISITOR: "the visitor", OUTER: "the outer proxy", LIE: "the lie"}


def cgi(request):
    cgi_name = {name: name.upper().replace("-", "_") for name in request.headers}
    values = [it for name, it in request.headers.items() if cgi_name[name] == "X_FORWARDED_FOR"]
    return ", ".join(values).rpartition(", ")[2]


def take(place):
    def taken(request):
        values = listed(request, "X-Forwarded-For")
        return values[place] if len(values) >= abs(place) else request.remote

    return taken


# %%
async def ask_for(read):
    async def app(request):
        return web.Response(text=WHO.get(read(request), "the peer"))

    notes = {}
    async with Town() as town:
        await town.open("localhost:8080", app, on="inside", known_as="app")
        behind = partial(front, partial(town.connector, "proxy", on="inside"))
        await town.open("one.test", behind())
        await town.open("localhost:8080", behind(sees=OUTER), on="edge", known_as="inner")
        await town.open("two.test", front(partial(town.connector, "outer", on="edge")))
        async with ClientSession(connector=town.connector("client", on="inside")) as client:
            for row, (url, name) in ROWS.items():
                lie = {name: LIE} if name else {}
                async with client.get(f"http://{url}/", headers=lie) as answer:
                    notes[row] = await answer.text()
    return noted(town.trace, notes)


# %%
ROWS = {
    "one proxy": ("one.test", ""),
    "one proxy, a lie": ("one.test", "X-Forwarded-For"),
    "two proxies": ("two.test", ""),
    "two proxies, a lie": ("two.test", "X-Forwarded-For"),
    "no proxy, a lie": ("localhost:8080", "X-Forwarded-For"),
    "one proxy, underscores": ("one.test", "X_Forwarded_For"),
}
prediction_who = {
    # one of: "the visitor", "the lie", "the outer proxy", "the peer"
    "one proxy, a lie": {"first": ..., "last": ..., "last but one": ...},
    # one of: "the visitor", "the lie", "the outer proxy", "the peer"
    "two proxies, a lie": {"first": ..., "last": ..., "last but one": ...},
    # one of: "the visitor", "the lie", "the outer proxy", "the peer"
    "one proxy, underscores": {"last": ..., "CGI": ...},
}

# %%
who = await compare(
    {
        "request.remote": partial(ask_for, lambda request: request.remote),
        "first": partial(ask_for, take(0)),
        "last": partial(ask_for, take(-1)),
        "last but one": partial(ask_for, take(-2)),
        "CGI": partial(ask_for, cgi),
    },
    ask={row: lambda t, row=row: t.notes[row] for row in ROWS},
)
who

# %%
score(prediction_who, who)

# %% [markdown]
# * `request.remote` is whoever opened the connection: the proxy [L17n]. It cannot be lied to.
# * The first value is the visitor's, as most advice has it, until a visitor writes it himself [L17o].
# * Count from the right, one place for each proxy of your own. The last is right behind one and wrong behind
#   two; the last but one is right behind two, and behind one it is what the visitor wrote [L17p].
# * Where the app can be asked directly, no way of counting helps [L17q]. Only the proxy may reach it.
# * aiohttp does not take `X_Forwarded_For` for `X-Forwarded-For` [L17r]. What is behind CGI or WSGI cannot
#   tell them apart, so a proxy should drop names with underscores. nginx does, and so does the gateway.

# %%
check(
    who,
    {
        "L17n": {"one proxy": {"request.remote": "the peer", "last": "the visitor"}},
        "L17o": {
            "one proxy, a lie": {"first": "the visitor"},
            "two proxies, a lie": {"first": "the visitor"},
        },
        "L17p": {
            "one proxy, a lie": {"last": "the visitor", "last but one": "the lie"},
            "two proxies, a lie": {"last": "the outer proxy", "last but one": "the visitor"},
        },
        "L17q": {"no proxy, a lie": {"last": "the peer", "request.remote": "the peer"}},
        "L17r": {"one proxy, underscores": {"last": "the lie"}},
    },
)

# %% [markdown]
# ## Two proxies
#
# The outer one speaks TLS with the visitor, the inner one stands before the app, and both are gateways. The
# inner one hears plain HTTP. A gateway *drops* what it is told in `X-Forwarded-*`, for anybody can write it,
# or *trusts* it and appends. The sides differ in **which of the two trusts**. The visitor says
# `X-Forwarded-Host: evil.test`. The app is told by `believe`, and moves `/old` to a whole URL.


# %%
def by_chain(name, trusts, connect):
    options = Options(leg="session", name=name, preserve_host=True, trust_forwarded=trusts)
    return gateway("http://localhost:8080", options, connector=connect)


async def chain(outer, inner):
    lie = {"X-Forwarded-Host": "evil.test"}
    async with Town() as town:
        await town.open("localhost:8080", shop([believe]), on="inside", known_as="app")
        middle = by_chain("inner", inner, partial(town.connector, "inner", on="inside"))
        await town.open("localhost:8080", middle, on="edge", known_as="inner")
        site = by_chain("outer", outer, partial(town.connector, "shop.test", on="edge"))
        await town.open("shop.test", site, tls=True)
        trust = town.ca.client_context()
        async with ClientSession(connector=town.connector("client", on="home", ssl=trust)) as client:
            notes = {"believes": await seen(client.get("https://shop.test/login", headers=lie))}
            await seen(client.get("https://shop.test/old", headers=lie, allow_redirects=False))
    return noted(town.trace, notes)


# %%
prediction_two = {
    # one of: "https://shop.test", "http://shop.test", "https://evil.test"
    "the app believes that it is": {"none trusts": ..., "the inner trusts": ..., "both trust": ...},
}

# %%
two = await compare(
    {
        "none trusts": partial(chain, outer=False, inner=False),
        "the inner trusts": partial(chain, outer=False, inner=True),
        "both trust": partial(chain, outer=True, inner=True),
    },
    ask={
        "the app believes that it is": lambda t: t.notes["believes"].partition(" ")[2],
        "addresses in X-Forwarded-For": lambda t: len(
            t.requests(whom="app")[0].field("X-Forwarded-For").split(",")
        ),
        "Location of /old, from the app": lambda t: t.answers(who="app")[1].field("Location"),
        "Location that the visitor has": lambda t: t.answers(whom="client")[1].field("Location"),
    },
)
two

# %%
score(prediction_two, two)

# %% [markdown]
# * The inner proxy hears HTTP, and says so. Where it does not trust the outer one, the visitor's `https` is
#   lost [L17s]. The outer gateway mends the `Location`, which hides it: what the app believes, and with it
#   its `Origin` check and its cookie, stays wrong.
# * The inner one must trust the outer one, and the outer one nobody [L17t].
# * Where both trust, a visitor says which site the app is, and the app sends him to another [L17u]. He harms
#   only himself, until a cache in between keeps that answer and gives it to others.

# %%
BELIEVES = "the app believes that it is"
check(
    two,
    {
        "L17s": {BELIEVES: {"none trusts": "https://shop.test"}},
        "L17t": {BELIEVES: {"none trusts": "http://shop.test", "the inner trusts": "https://shop.test"}},
        "L17u": {"Location that the visitor has": {"both trust": "https://shop.test/cart"}},
    },
)

# %% [markdown]
# ## A package for it: aiohttp-remotes
#
# The package `aiohttp-remotes` has such middlewares. *Relaxed* believes whoever asks. *Strict* knows the
# addresses of its proxies, and how many there are. On loopback everybody asks from `127.0.0.1`, so the last
# side trusts only a proxy at `10.0.0.1`: that is how a stranger fares who has found a way to the app.


# %% tags=["needs-aiohttp_remotes"]
from aiohttp_remotes import XForwardedRelaxed, XForwardedStrict

logging.getLogger("aiohttp_remotes").disabled = True  # it logs whom it refuses
strict, lie = [XForwardedStrict([["127.0.0.1"]]).middleware], {"X-Forwarded-For": LIE}
await compare(
    {
        "Relaxed": partial(visit, middlewares=[XForwardedRelaxed().middleware]),
        "Strict": partial(visit, middlewares=strict),
        "Strict, with a lie": partial(visit, middlewares=strict, fields=lie),
        "Strict, a stranger": partial(visit, middlewares=[XForwardedStrict([["10.0.0.1"]]).middleware]),
    },
    ask={"login": lambda t: t.notes["believes"], "order": lambda t: t.notes["order"]},
)

# %% [markdown]
# Strict says 400 to a stranger. It says 400 as well to the visitor whose request has an `X-Forwarded-For` of
# its own already, because one address too many has come. So it needs a proxy that drops what visitors write.
#
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/17_stand_behind_a_proxy.ipynb) are in a notebook of
# their own.
#
# ### ★ any-prefix (5 minutes)
#
# Your app has moved `/old/page` to `/new/page`. Send the visitor there, temporarily. Nobody tells you where
# the app stands: it is asked directly, and under prefixes that a proxy takes off. The proxy leaves answers
# alone.


# %% exercise="any-prefix"
async def page(request):
    ...  # TODO: redirect /old/page to /new/page, wherever the app stands
    # solution
    raise web.HTTPFound("../new/page")
    # end


# %%
await attempt("any-prefix", page)

# %% [markdown]
# <details><summary>Hint</summary>
# A reference without a slash at its beginning starts from the folder of the page, here <code>/old/</code>.
# </details>
#
# ### ★★ our-own-page (9 minutes)
#
# Answer an order with 200, and with 403 if a page of another site has sent it. Visitors come to
# `https://shop.test`; a proxy asks your app in plain HTTP, by another name. You are told no more than that. A
# browser puts the page's site into `Origin`; curl and other programs send none, and may order, too.


# %% exercise="our-own-page"
async def order(request):
    ...  # TODO: 200 for our own pages and for programs; 403 for the pages of others
    # solution
    if request.headers.get("Origin", "https://shop.test") != "https://shop.test":
        raise web.HTTPForbidden()
    return web.Response(text="ordered")
    # end


# %%
await attempt("our-own-page", order)

# %% [markdown]
# <details><summary>Hint</summary>
# What you know by configuration nobody can write into a request. An origin is scheme, host and port, and two
# are the same if all of it is.
# </details>
#
# ### ★★★ who-asks (12 minutes)
#
# Two proxies of your own stand before the app, and each appends the address that it sees to
# `X-Forwarded-For`. Some append to the last field, and some add a field. Return the visitor's address as a
# string. If there are fewer addresses than your two proxies write, somebody came another way: return
# `request.remote`. The same if what you would return is no address.


# %% exercise="who-asks"
async def visitor(request):
    ...  # TODO: return the address of the visitor, as a string
    # solution
    values = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
    try:
        return str(ip_address(values[-2].strip()))
    except (IndexError, ValueError):
        return request.remote
    # end


# %%
await attempt("who-asks", visitor)

# %% [markdown]
# <details><summary>Hint</summary>
# Several fields of one name are one list, in their order. <code>ipaddress.ip_address</code> raises
# <code>ValueError</code> for what is none.
# </details>
#
# ## In practice
#
# * Write a `Location` relative to the page, where you can. Then nobody needs to know anything.
# * What the app must know, such as `https://shop.test/shop`, is best a setting. It cannot be written into a
#   request.
# * Let the proxy nearest to visitors write `X-Forwarded-*` anew, and each after it append. Count from the
#   right. Let nobody else reach the app.
# * `request.url`, `request.secure`, `request.host` and `request.remote` follow what `clone` was told. A
#   middleware does that for all handlers at once; put it first in the list.
# * Take the prefix off in one place, and put it back in one. If the proxy leaves it in the path, mount the
#   app with `add_subapp("/shop/", app)`; then `url_for` has it, too.
# * Say `secure=True` and no `domain=`, rather than guess them from a request.
# * `Forwarded` (RFC 7239) says all that in one field. Most proxies write `X-Forwarded-*`, which no standard
#   has.
#
# Next: [18 · What starts what inside aiohttp?](18_look_inside.ipynb)
#
# ## Where this comes from
#
# * RFC 7239, sections [5](https://www.rfc-editor.org/rfc/rfc7239#section-5) and
#   [8.1](https://www.rfc-editor.org/rfc/rfc7239#section-8.1), on `Forwarded` and on whom to trust; RFC 6265,
#   sections [5.1.4](https://www.rfc-editor.org/rfc/rfc6265#section-5.1.4) and
#   [5.3](https://www.rfc-editor.org/rfc/rfc6265#section-5.3), on `Path` and `Domain`; RFC 9110, [section
#   10.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.2), on a relative `Location`.
# * aiohttp 3.14: [deployment](https://docs.aiohttp.org/en/stable/deployment.html), and
#   [BaseRequest.clone](https://docs.aiohttp.org/en/stable/web_reference.html#aiohttp.web.BaseRequest.clone).
# * aiohttp issues [872](https://github.com/aio-libs/aiohttp/issues/872),
#   [2171](https://github.com/aio-libs/aiohttp/issues/2171),
#   [2593](https://github.com/aio-libs/aiohttp/issues/2593) and
#   [2680](https://github.com/aio-libs/aiohttp/issues/2680): why `X-Forwarded-*` is not looked at.
# * ComfyUI issue [4865](https://github.com/Comfy-Org/ComfyUI/issues/4865), an `Origin` check on aiohttp that
#   says 403 behind a proxy; jupyter-server-proxy issue
#   [574](https://github.com/jupyterhub/jupyter-server-proxy/issues/574), the prefix twice; cade issue
#   [76](https://github.com/tbrandenburg/cade/issues/76), the prefix missing.

# %%
await guard.clean()
