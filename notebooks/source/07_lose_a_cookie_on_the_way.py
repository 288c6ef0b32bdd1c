# %% [markdown]
# # 07 · Where does the cookie get lost?
#
# **You will** let a server set a cookie in every usual way, and read from the recording which later requests
# carry it, and which do not.
#
# **You need** lessons 01 to 03.
#
# **Minutes:** 33 to read and run (10 to the place to stop), 27 for the exercises.

# %%
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import ClientSession, CookieJar, DummyCookieJar, web
from yarl import URL

from labs import Grid, Guard, Town, attempt, check, clients, compare, draw, score

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# A *cookie* is a name and a value that a server gives to a client, in a field `Set-Cookie` of an answer. The
# client keeps it, and shows it to the server in a field `Cookie` of later requests. aiohttp's session keeps
# cookies in a *jar*, an object of class `CookieJar`.
#
# So there are three places where a cookie can be lost: on the way into the jar, in the jar, and on the way
# out. A blog post says that the session does all that by itself. Its example asks for a page that sets a
# cookie and redirects, and then asks once more.
#
# Below is such a page, the login of a shop. The first three sides differ in one thing: **by which name the
# client calls the shop**. The last side is the first once more, with another jar: it has `unsafe=True`.


# %%
async def shop(request):
    if request.path == "/login":
        answer = web.HTTPFound("/")
        answer.set_cookie("id", "1")
        raise answer
    return web.Response(text="welcome\n")


async def get(client, url, **options):
    async with client.get(url, **options) as answer:
        return await answer.text()


# %% [markdown]
# ## Predict
#
# The client asks for `/login`, follows the redirect to `/`, and then asks for `/orders`. Predict the first
# three sides.
#
# 1. How many requests is that?
# 2. What stands in the `Cookie` field of the request that the redirect leads to?
# 3. And in that of the last request?

# %%
prediction = {
    # one of: 1, 2, 3
    "requests the client makes": {"shop.test": ...},
    # one of: "id=1", None
    "Cookie of the redirected request": {"127.0.0.1": ..., "localhost": ..., "shop.test": ...},
    # one of: "id=1", None
    "Cookie of the last request": {"127.0.0.1": ..., "localhost": ..., "shop.test": ...},
}

# %% [markdown]
# ## The experiment
#
# `unsafe` is a setting of the jar. `on="client"` says whose localhost it is: the client's own. `known_as` is
# the shop's name in the lanes, the same on every side.


# %%
async def log_in(host, unsafe=False):
    async with Town() as town:
        await town.open(host, shop, on=None if host == "shop.test" else "client", known_as="shop")
        jar = CookieJar(unsafe=unsafe)
        async with ClientSession(connector=town.connector("client"), cookie_jar=jar) as client:
            for path in ("/login", "/orders"):
                await get(client, f"http://{host}{path}")
    return town.trace


# %%
def cookie_to(target, trace):
    return [it.field("Cookie") for it in trace.requests() if it.target == target][-1]


found = await compare(
    {
        "127.0.0.1": partial(log_in, "127.0.0.1"),
        "localhost": partial(log_in, "localhost"),
        "shop.test": partial(log_in, "shop.test"),
        "127.0.0.1, unsafe": partial(log_in, "127.0.0.1", unsafe=True),
    },
    ask={
        "requests the client makes": lambda t: len(t.requests()),
        "answers that set a cookie": lambda t: [it.status for it in t.answers() if it.field("Set-Cookie")],
        "does the page after the login": lambda t: bool(t.answers()[1].field("Set-Cookie")),
        "Cookie of the redirected request": partial(cookie_to, "/"),
        "Cookie of the last request": partial(cookie_to, "/orders"),
    },
)
found

# %% [markdown]
# ## What was said

# %%
found["shop.test"].lanes("Set-Cookie", "Cookie")

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# * By its name the shop got its cookie back: the session stored it and used it, by itself [C52a]. The
#   program's second get, which is the third request, carried it [C53].
# * The trap is the address. At `127.0.0.1` it was lost, though the answer had set it [L07x]. The default jar
#   accepts no cookie from an IP address. With `unsafe=True` it does, and `localhost` is a name like any other
#   [L07a].
# * The cookie was set by the 302, and it was used already for the request that the redirect led to [L07b].
# * The page after the login, which is the answer that `client.get` hands to you, set nothing [L07c]. If you
#   look for the cookie there, you will say that it was lost, and it was not.

# %%
check(
    found,
    {
        "C52a": {"Cookie of the last request": {"shop.test": "id=1", "localhost": "id=1"}},
        "L07x": {"Cookie of the last request": {"127.0.0.1": "id=1"}},
        "C53": {"Cookie of the last request": {"shop.test": "id=1"}},
        "L07a": {
            "Cookie of the last request": {
                "127.0.0.1": None,
                "localhost": "id=1",
                "127.0.0.1, unsafe": "id=1",
            }
        },
        "L07b": {"Cookie of the redirected request": {"shop.test": "id=1", "127.0.0.1, unsafe": "id=1"}},
        "L07c": {"does the page after the login": {"shop.test": True, "127.0.0.1, unsafe": True}},
    },
)

# %% [markdown]
# **A place to stop.** You know where the cookie got lost. What follows: where a cookie is wanted, who gives
# it, two users of one session, and what is left when the program ends.

# %% [markdown]
# ## Where a cookie is wanted
#
# Now the shop says more than name and value. After them, `Set-Cookie` can have *attributes*, which say where
# and how long the cookie is meant to be shown. The client hears each of the lines below once, at
# `http://shop.test/account/login`. Then it visits seven addresses. The sides differ in one thing: **the
# line**.
#
# The answers stand below in a picture, a row for each line. A cookie that is carried to one address
# and not to another was kept, and held back there. One that is carried nowhere never got into the jar, or
# fell out of it.

# %%
LINES = (
    "id=1",
    "id=1; Path=/",
    "id=1; Path=/; Domain=shop.test",
    "id=1; Path=/; Domain=other.test",
    "id=1; Path=/; Secure",
    "id=1; Path=/; Max-Age=0",
)
VISITS = {
    "/": "http://shop.test/",
    "/account/orders": "http://shop.test/account/orders",
    "/accounting": "http://shop.test/accounting",
    "port 8080": "http://shop.test:8080/",
    "https": "https://shop.test/",
    "help.shop": "http://help.shop.test/",
    "other.test": "http://other.test/",
}


# %%
async def visit(line):
    async def site(request):
        login = request.path == "/account/login"
        return web.Response(text="welcome\n", headers={"Set-Cookie": line} if login else {})

    async with Town() as town:
        for name in ("shop.test", "shop.test:8080", "help.shop.test", "other.test"):
            await town.open(name, site, known_as=name)
        await town.open("shop.test", site, tls=True, known_as="https shop.test")
        connector = town.connector("client", ssl=town.ca.client_context())
        async with ClientSession(connector=connector) as client:
            for url in ("http://shop.test/account/login", *VISITS.values()):
                await get(client, url)
    return town.trace


# %%
def shown(number, trace):
    return trace.requests(who="client")[number].field("Cookie") == "id=1"


visits = await compare(
    {line: partial(visit, line) for line in LINES},
    ask={name: partial(shown, number) for number, name in enumerate(VISITS, 1)},
)

KEY = {"=": "carried there", "h": "held back there, carried elsewhere", "x": "carried nowhere"}
cells = {}
for line in LINES:
    carried = {name: visits.answers[name, line] for name in VISITS}
    for name in VISITS:
        cells["carried to", line, name] = "=" if carried[name] else "h" if any(carried.values()) else "x"

# %%
draw.heat_map(
    Grid(LINES, {"carried to": list(VISITS)}, cells, KEY),
    finding="Path, Domain and Secure decide where a cookie is carried; a wrong Domain, and it never is",
)

# %% [markdown]
# * Without `Path`, the cookie belongs to the folder in which it was set: what was set at `/account/login` is
#   carried under `/account`, not at `/`, and not at `/accounting` either [L07d]. This loss is easily
#   overlooked; `set_cookie` of aiohttp's server writes `Path=/` for you, as the first lanes show.
# * The first row is held back at port 8080 and `https`, too, because these visits ask for `/`, not because of
#   port or scheme: see the second row.
# * Without `Domain`, it is carried to the very host that set it. With `Domain=shop.test`, `help.shop.test`
#   gets it, too [L07e]. If `Domain` names a stranger, the cookie is ignored [L07f].
# * `Secure` keeps it from `http` [L07g]. But that it came over `http` does not matter to aiohttp's jar
#   [L07h].
# * `Max-Age=0` says that its time is over: it is carried nowhere [L07j].
# * Another port is no border [L07i]: two programs on one host hear each other's cookies.

# %%
check(
    visits,
    {
        "L07d": {"/account/orders": {"id=1": True}, "/": {"id=1": False}, "/accounting": {"id=1": False}},
        "L07e": {"help.shop": {"id=1; Path=/": False, "id=1; Path=/; Domain=shop.test": True}},
        "L07f": {it: {"id=1; Path=/; Domain=other.test": False} for it in VISITS},
        "L07g": {"/": {"id=1; Path=/; Secure": False}, "port 8080": {"id=1; Path=/; Secure": False}},
        "L07h": {"https": {"id=1; Path=/": True, "id=1; Path=/; Secure": False}},
        "L07i": {it: {"id=1; Path=/": True} for it in ("/", "port 8080", "https")},
        "L07j": {it: {"id=1; Path=/; Max-Age=0": False} for it in VISITS},
    },
)

# %% [markdown]
# ## Who gives the cookie
#
# The cookie need not come from an answer. You can give it yourself, in several ways. Its value here is
# `a=b`, because many tokens have a `=` in them. The client asks the shop twice, then somebody else. The sides
# differ in one thing: **to what the cookie was given.** The two jars get it for `http://shop.test/`, and the
# second of them has `quote_cookie=False`.


# %%
async def reader(request):
    return web.Response(text=request.cookies.get("id", "none"))


ID, SHOP = {"id": "a=b"}, URL("http://shop.test/")


async def give(of_session, of_request):
    async with Town() as town:
        await town.open("shop.test", reader)
        await town.open("other.test", reader)
        async with ClientSession(connector=town.connector("client"), **of_session) as client:
            await get(client, SHOP, **of_request)
            await get(client, SHOP)
            await get(client, "http://other.test/")
    return town.trace


# %%
quoting, plain = CookieJar(), CookieJar(quote_cookie=False)
for jar in (quoting, plain):
    jar.update_cookies(ID, SHOP)

given = await compare(
    {
        "cookies= of a request": partial(give, {}, {"cookies": ID}),
        "Cookie field": partial(give, {}, {"headers": {"Cookie": "id=a=b"}}),
        "cookies= of the session": partial(give, {"cookies": ID}, {}),
        "jar": partial(give, {"cookie_jar": quoting}, {}),
        "unquoted jar": partial(give, {"cookie_jar": plain}, {}),
    },
    ask={
        "first, to shop.test": lambda t: t.requests()[0].field("Cookie"),
        "second, to shop.test": lambda t: t.requests()[1].field("Cookie"),
        "third, to other.test": lambda t: t.requests()[2].field("Cookie"),
        "what the shop reads first": lambda t: t.answers()[0].body.decode(),
    },
)
given

# %% [markdown]
# * What you give to a request is for that request, and is not kept [L07k].
# * What you give to the session by `cookies=` belongs to no host: everybody gets it [L07m]. Give it to the
#   jar together with the URL it is meant for, and only that host gets it [L07n].
# * A value with `=` in it was put in quotes, unless the jar was told not to [L07p]. aiohttp's server takes
#   them off again [L07q]; a server that does not may call the token wrong.

# %%
IN_JAR, QUOTED = dict.fromkeys(["jar", "unquoted jar"]), 'id="a=b"'
ONCE = dict.fromkeys(["cookies= of a request", "Cookie field"])
check(
    given,
    {
        "L07k": {"second, to shop.test": ONCE},
        "L07m": {"third, to other.test": {"cookies= of the session": None}},
        "L07n": {"second, to shop.test": {"jar": QUOTED}, "third, to other.test": IN_JAR},
        "L07p": {"first, to shop.test": {"cookies= of a request": "id=a=b", "jar": "id=a=b"}},
        "L07q": {
            "first, to shop.test": {"jar": QUOTED, "Cookie field": "id=a=b"},
            "what the shop reads first": {"jar": "a=b", "Cookie field": "a=b"},
        },
    },
)

# %% [markdown]
# ## Two users
#
# A program may act for many users, as a proxy does. Alice logs in, then Bob, and then each of them asks for
# the orders. The shop gives each a cookie with the user's name in it, and goes by it. Each user has a
# session, and both sessions use one connector. The sides differ in one thing: **which jar the sessions
# get.** The first side is what one session for both would be. A `DummyCookieJar` is a jar that keeps nothing.


# %%
async def counter(request):
    answer = web.Response(text="orders of " + request.cookies.get("id", "nobody"))
    if user := request.query.get("user"):
        answer.set_cookie("id", user)
    return answer


async def two_users(jars):
    async with Town() as town:
        await town.open("shop.test", counter)
        async with (
            town.connector("program") as shared,  # a session that does not own it does not close it
            ClientSession(connector=shared, connector_owner=False, cookie_jar=jars[0]) as alice,
            ClientSession(connector=shared, connector_owner=False, cookie_jar=jars[1]) as bob,
        ):
            for client, user in ((alice, "alice"), (bob, "bob")):
                await get(client, "http://shop.test/login", params={"user": user})
            for client in (alice, bob):
                await get(client, "http://shop.test/orders")
    return town.trace


# %%
prediction_users = {
    # one of: "orders of alice", "orders of bob", "orders of nobody"
    "what Alice is shown": {"one jar": ..., "DummyCookieJar": ..., "a jar each": ...},
    # one of: "orders of alice", "orders of bob", "orders of nobody"
    "what Bob is shown": {"one jar": ..., "DummyCookieJar": ..., "a jar each": ...},
}


# %%
users = await compare(
    {
        "one jar": lambda: two_users([CookieJar()] * 2),
        "DummyCookieJar": lambda: two_users([DummyCookieJar()] * 2),
        "a jar each": lambda: two_users([CookieJar(), CookieJar()]),
    },
    ask={
        "what Alice is shown": lambda t: t.answers()[2].body.decode(),
        "what Bob is shown": lambda t: t.answers()[3].body.decode(),
        "connections": lambda t: t.connections(),
    },
)
users

# %%
score(prediction_users, users)

# %%
users["one jar"].lanes("Set-Cookie", "Cookie")

# %% [markdown]
# * A jar knows hosts, and no users. The second login took the place of the first: Alice was shown the orders
#   of Bob, with status 200 [L07r].
# * The `DummyCookieJar` mixes nobody up, because it loses every cookie [L07s]. That is right for a proxy,
#   which passes on the fields `Cookie` and `Set-Cookie` itself.
# * With a jar each, each user is shown the right orders. The connector can still be shared, and so can its
#   connection [L07t].

# %%
check(
    users,
    {
        "L07r": {"what Alice is shown": {"one jar": "orders of alice"}},
        "L07s": {
            "what Alice is shown": {"DummyCookieJar": "orders of nobody"},
            "what Bob is shown": {"DummyCookieJar": "orders of nobody"},
        },
        "L07t": {
            "what Alice is shown": {"a jar each": "orders of alice"},
            "what Bob is shown": {"a jar each": "orders of bob"},
            "connections": {"a jar each": 1},
        },
    },
)

# %% [markdown]
# ## When the program ends
#
# A jar lives in memory. `save` writes it to a file, `load` reads it. One session logs in, another one comes
# after it. The shop sets two cookies: `tab` with neither `Domain` nor `Max-Age`, and `week` with both. The
# sides differ in one thing: **whether the jar was saved and loaded between the sessions.**


# %%
async def remember(keep):
    async def site(request):
        answer = web.Response(text="welcome\n")
        if request.path == "/login":
            answer.headers.add("Set-Cookie", "tab=1; Path=/")
            answer.headers.add("Set-Cookie", "week=2; Path=/; Domain=shop.test; Max-Age=604800")
        return answer

    async with Town() as town:
        for name in ("shop.test", "help.shop.test"):
            await town.open(name, site, known_as=name)
        before, after = CookieJar(), CookieJar()
        async with ClientSession(connector=town.connector("client"), cookie_jar=before) as client:
            await get(client, "http://shop.test/login")
        keep(before, after)
        async with ClientSession(connector=town.connector("client"), cookie_jar=after) as client:
            await get(client, "http://shop.test/")
            await get(client, "http://help.shop.test/")
    return town.trace


# %%
def forget(before, after):
    pass


def save_and_load(before, after):
    with TemporaryDirectory() as folder:
        before.save(Path(folder) / "jar.json")
        after.load(Path(folder) / "jar.json")


kept = await compare(
    {"forgotten": partial(remember, forget), "saved and loaded": partial(remember, save_and_load)},
    ask={
        "Cookie to shop.test": lambda t: t.requests(whom="shop.test")[-1].field("Cookie"),
        "Cookie to help.shop.test": lambda t: t.requests(whom="help.shop.test")[-1].field("Cookie"),
    },
)
kept

# %% [markdown]
# * A new session with a new jar begins with nothing [L07u].
# * A loaded jar has all that was saved. A cookie without `Max-Age` or `Expires` is meant to end with the
#   session, says RFC 6265. aiohttp's jar saves that one, too [L07v].
# * `tab` went to `help.shop.test` in neither column: the file remembers that it is for one host only [L07w].
#   Before aiohttp 3.14.1 it did not.

# %%
check(
    kept,
    {
        "L07u": {"Cookie to shop.test": {"forgotten": None, "saved and loaded": "tab=1; week=2"}},
        "L07v": {"Cookie to shop.test": {"saved and loaded": "week=2"}},
        "L07w": {"Cookie to help.shop.test": {"saved and loaded": "week=2"}},
    },
)

# %% [markdown]
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/07_lose_a_cookie_on_the_way.ipynb) are in a
# notebook of their own.
#
# ### ★ find-it (5 minutes)
#
# `url` sets the cookie `id` somewhere on the way, and leads on by none, one or two redirects. Return the
# cookie's value as text.


# %% exercise="find-it"
async def find(client, url):
    ...  # TODO: get url, and return the value of the cookie id, whichever answer has set it
    # solution
    async with client.get(url) as answer:
        for it in (*answer.history, answer):
            if "id" in it.cookies:
                return it.cookies["id"].value
    # end


# %%
await attempt("find-it", find)

# %% [markdown]
# <details><summary>Hint</summary>
# <code>answer.history</code> is a tuple of the answers that led to this one. Each has <code>cookies</code>, a
# mapping of what that answer has set; its values have a <code>value</code>.
# </details>
#
# ### ★★ right-places (8 minutes)
#
# The client asks `http://shop.test/account/login`. Answer with a redirect to `/orders`, and set the cookie
# `id` to `1`, so that it is carried to every path of `shop.test` and of `help.shop.test`, over `http` and
# `https`, by every later request, and to nobody else.


# %% exercise="right-places"
async def let_in(request):
    ...  # TODO: raise a redirect with a cookie that gets to the right places
    # solution
    answer = web.HTTPSeeOther("/orders")
    answer.set_cookie("id", "1", domain="shop.test")
    raise answer
    # end


# %%
await attempt("right-places", let_in)

# %% [markdown]
# <details><summary>Hint</summary>
# Which row of the picture is the one? <code>set_cookie</code> takes <code>domain</code>, <code>path</code>,
# <code>max_age</code> and <code>secure</code> by these names.
# </details>
#
# ### ★★★ a-jar-each (14 minutes)
#
# Get `url` for `user`, and return the text of the answer. `jars` is a dict, empty at first and yours to fill;
# it is the same in every call. The connector is everybody's, and must stay open. Leave no session open. Users
# come and go in any order.


# %% exercise="a-jar-each"
async def ask_for(user, url, connector, jars):
    ...  # TODO: get url with the cookies of this user, and keep those it sets
    # solution
    if user not in jars:
        jars[user] = CookieJar()
    async with ClientSession(connector=connector, connector_owner=False, cookie_jar=jars[user]) as client:
        return await get(client, url)
    # end


# %%
await attempt("a-jar-each", ask_for)

# %% [markdown]
# <details><summary>Hint</summary>
# A session closes its connector when it is closed, unless it was made with
# <code>connector_owner=False</code>. The jar is not closed with it.
# </details>
#
# ## In practice
#
# * So where does it get lost? On the way into the jar, if the host is an IP address or `Domain` names a
#   stranger. In the jar, if its time is over, if another user's takes its place, or if the jar is gone. On
#   the way out, if `Path`, `Domain` or `Secure` hold it back.
# * Test at `localhost`, or with `CookieJar(unsafe=True)`. aiohttp's own `TestClient` makes its jar that way:
#   a test of yours can pass at `127.0.0.1`, and the program fail there.
# * Before you say that a cookie is lost, read the lanes: was it set, by which answer, with which `Path`,
#   `Domain` and `Secure`? Then read the address of the request that should carry it.
# * A `Secure` cookie cannot be tried over `http`, unless you tell the jar to trust the place:
#   `CookieJar(treat_as_secure_origin=URL("http://shop.test"))`.
# * One user, one jar. Where a program only passes on: `DummyCookieJar`.
# * Secrets in `cookies=` of a session go to every host it asks. Put them into the jar, with a URL.
# * A saved jar opens accounts: keep the file as you keep a password. Up to aiohttp 3.13 it was a pickle,
#   which can run code when it is loaded; now it is JSON.
# * `answer.cookies` is a mapping by name. Where one answer sets two cookies of one name, for two paths, read
#   `answer.headers.getall("Set-Cookie")`.
#
# Next: [08 · Does aiohttp's cookie jar do what the RFC says?](08_read_the_cookie_rfc.ipynb)
#
# ## Where this comes from
#
# * RFC 6265, [section 5.1.3](https://www.rfc-editor.org/rfc/rfc6265#section-5.1.3) on domains, [section
#   5.1.4](https://www.rfc-editor.org/rfc/rfc6265#section-5.1.4) on paths, [section
#   5.3](https://www.rfc-editor.org/rfc/rfc6265#section-5.3) on what is kept, [section
#   5.4](https://www.rfc-editor.org/rfc/rfc6265#section-5.4) on what is sent, and [section
#   8.5](https://www.rfc-editor.org/rfc/rfc6265#section-8.5) on ports.
# * aiohttp 3.14: [client reference](https://docs.aiohttp.org/en/stable/client_reference.html) on `CookieJar`
#   and `DummyCookieJar`, [advanced client
#   usage](https://docs.aiohttp.org/en/stable/client_advanced.html#cookie-safety) on cookie safety.
# * aiohttp issues [1183](https://github.com/aio-libs/aiohttp/issues/1183) on addresses of numbers,
#   [7478](https://github.com/aio-libs/aiohttp/issues/7478) on quotes,
#   [4486](https://github.com/aio-libs/aiohttp/issues/4486) on two cookies of one name, and
#   [12824](https://github.com/aio-libs/aiohttp/pull/12824) on a saved jar.
# * The third of the four posts this course began from, post 002.

# %%
await guard.clean()
