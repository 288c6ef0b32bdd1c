# %% [markdown]
# # 08 · Does aiohttp's cookie jar do what the RFC says?
#
# **You will** lead aiohttp and other clients along some seventy short walks that were written from the cookie
# RFC, and judge each by one recorded request field.
#
# **You need** lesson 07.
#
# **Minutes:** 25 to read and run, 35 for the exercises.

# %%
from functools import partial

from aiohttp import ClientSession, CookieJar, web

from labs import Grid, Guard, Town, attempt, check, clients, compare, draw, score
from labs.cookies import KEY, cases, judge, judge_all, live, start

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# A *cookie jar* is the client's memory. It reads `Set-Cookie` in answers, and writes `Cookie` into later
# requests. What it must remember, and for whom, is not a matter of taste: RFC 6265, section 5, says it step
# by step.
#
# There are two texts. RFC 6265 is of 2011. Its successor is called `rfc6265bis`, *bis* being Latin for
# *twice*, and describes what browsers have done since. It is a draft, number 22; here it is *6265bis*
# for short, or the newer text. The two differ in a few places.
#
# First one walk by hand. `shop.test` sets two cookies, one with `Domain` and one without, and sends the
# client on to `www.shop.test`. The sides differ in one thing: **whose jar it is.** aiohttp has its own. The
# jar of `urllib`, `requests` and `httpx` is Python's `http.cookiejar`. urllib uses it only if asked to:
# `cookies=True` asks.


# %%
async def shop(request):
    answer = web.Response(status=302, headers={"Location": "http://www.shop.test/"})
    answer.headers.add("Set-Cookie", "mine=1")
    answer.headers.add("Set-Cookie", "ours=2; Domain=shop.test")
    return answer


async def www(request):
    return web.Response(text="welcome\n")


async def one_walk(client):
    async with Town() as town:
        await town.open("shop.test", shop)
        await town.open("www.shop.test", www)
        await clients.ask(client, town, "http://shop.test/", cookies=True)
    return town.trace


# %%
def cookie_at(host, trace):
    return trace.requests(whom=host)[-1].field("Cookie")


walked = await compare(
    {"aiohttp": partial(one_walk, "aiohttp"), "urllib": partial(one_walk, "urllib")},
    ask={"Cookie field at www.shop.test": partial(cookie_at, "www.shop.test")},
)
walked

# %%
walked["urllib"].lanes("Set-Cookie", "Cookie")

# %%
AT_WWW = "Cookie field at www.shop.test"
check(
    walked,
    {
        "L08a": {AT_WWW: {"aiohttp": "ours=2"}},
        "L08b": {AT_WWW: {"aiohttp": "ours=2", "urllib": "ours=2"}},
    },
)

# %% [markdown]
# A cookie without `Domain` is *host-only*: it goes back to the host that set it, and to no other. aiohttp
# kept to that [L08a]. `http.cookiejar` did not [L08b]: it is older than the RFC, and follows the rules of
# Netscape, whose browser had cookies first.
#
# ## Seventy walks
#
# `labs/cookies/cases.toml` has such walks as data, each under a name, its *case*: the URLs in order, the
# `Set-Cookie` fields of each answer, and the `Cookie` field that the last URL must hear. Each names the
# clause that demands it. Where the newer text demands something else, a last line says so. Here are four:

# %%
WATCHED = {it: cases()[it] for it in ("comma", "expired-1970", "one-name-two-paths", "prefix-host")}
print(*WATCHED.values(), sep="\n")

# %% [markdown]
# ## Predict
#
# Every walk begins with an empty jar and one request; redirects lead the client on. What does the `Cookie`
# field of the last request say? Write it as in `"a=2; a=1"`, and `"no cookie"` for none.

# %%
prediction = {
    # one of: "a=1, b=2", "a=1; b=2", "no cookie", r'a="1\054 b=2"'
    "comma": {"aiohttp": ..., "urllib": ...},
    # one of: "a=1", "a=2", "no cookie"
    "expired-1970": {"aiohttp": ..., "urllib": ...},
    # one of: "a=2", "a=2; a=1", "a=1; a=2"
    "one-name-two-paths": {"aiohttp": ..., "urllib": ...},
    # one of: "__Host-a=1", "a=1", "no cookie"
    "prefix-host": {"aiohttp": ..., "urllib": ...},
}

# %% [markdown]
# ## The experiment
#
# Each client takes all walks, and has a new jar for each. `judge_all` reads what the last request of a walk
# carried, and gives the walk one letter:

# %%
print(*(f"{letter}  {words}" for letter, words in KEY.items()), sep="\n")


# %%
async def all_walks(client):
    async with Town() as town:
        await live.open_sites(town)
        await live.walk(client, town)
    return town.trace


def heard(case, trace):
    return live.sent(trace)[case] or "no cookie"


def letters(trace):
    return judge_all(live.sent(trace))


def how_many(those, trace):
    return sum(letter in those for letter in letters(trace).values())


# %%
PYTHON = ("aiohttp", "urllib", "requests", "httpx")
found = await compare(
    {client: partial(all_walks, client) for client in PYTHON},
    ask={
        "walks": lambda t: len(letters(t)),
        "as RFC 6265 demands": partial(how_many, "=6"),
        "as 6265bis demands": partial(how_many, "=b"),
        "a cookie too many": partial(how_many, "+"),
        "a cookie too few": partial(how_many, "–"),
        "other value or order": partial(how_many, "x"),
        "no last request": partial(how_many, "!"),
    },
)
found


# %%
async def again(client):  # nothing is walked twice: other questions to the same recordings
    return found[client]


SHOWN = (*WATCHED, "long-path-first", "unknown-attribute", "public-suffix-2")
some = await compare(
    {client: partial(again, client) for client in PYTHON},
    ask={case: partial(heard, case) for case in SHOWN},
)
some

# %%
score(prediction, some)

# %% [markdown]
# ## What happened
#
# * aiohttp's documentation says that its jar adheres to RFC 6265. In most walks it did what one of the two
#   texts demands, and not in all [L08c].
# * It puts a value with a comma in quotes that nobody sent, and writes the comma as `\054`, its number in
#   octal [L08d].
# * Of two cookies with one name and two paths it sends one [L08e]. The RFC wants longer paths first; aiohttp
#   sends them last [L08n].
# * The first second of 1970 is the date that many servers write to remove a cookie. aiohttp 3.14 keeps the
#   cookie [L08f]: the number of that date is 0, and the jar takes 0 for "no date".
# * What is unknown in a `Set-Cookie` field is skipped [L08g]. Up to aiohttp 3.14.3 it became a second cookie.
# * `__Host-` is a promise of the newer text: a cookie with such a name was set by this very host. None of
#   the four clients keeps it [L08h]. By the older text they need not.
# * Nor does any of the four know that strangers live under `co.uk` [L08p]: `shop.co.uk` gave `other.co.uk` a
#   cookie. Browsers have a list of such *public suffixes*.

# %%
check(
    some,
    {
        "L08c": {it: {"aiohttp": WATCHED[it].demands or "no cookie"} for it in [*WATCHED][:3]},
        "L08d": {"comma": {"aiohttp": WATCHED["comma"].demands}},
        "L08e": {"one-name-two-paths": dict.fromkeys(PYTHON, "a=2; a=1")},
        "L08f": {"expired-1970": dict.fromkeys(PYTHON, "no cookie")},
        "L08g": {"unknown-attribute": {"aiohttp": "a=1"}},
        "L08h": {"prefix-host": dict.fromkeys(PYTHON, "no cookie")},
        "L08n": {"long-path-first": {"aiohttp": cases()["long-path-first"].demands}},
        "L08p": {"public-suffix-2": dict.fromkeys(PYTHON, "no cookie")},
    },
)

# %% [markdown]
# ## All of it
#
# The walks have six topics. Here is what became of each walk, first for the topic *host*. The columns of curl
# and Chromium come from a file: what curl 7.88 and Chromium 156 sent where this lesson was made. The other
# four are your own. To read a walk, print it: `print(cases()["two-dots"])`.

# %%
sent = {client: live.sent(found[client]) for client in PYTHON} | live.recorded()
TOPICS = {it.topic: [one.id for one in cases().values() if one.topic == it.topic] for it in cases().values()}
NAMES = {client: client.split()[0] for client in sent}  # without its version


def grid(topic):
    cells = {
        (topic, case, NAMES[client]): judge(cases()[case], fields[case])
        for client, fields in sent.items()
        for case in TOPICS[topic]
    }
    return Grid(TOPICS[topic], {topic: list(NAMES.values())}, cells, KEY)


grid("host")

# %%
draw.mosaic(
    {topic: grid(topic) for topic in TOPICS},
    finding="The browser keeps to the newer text in all walks but one; every other jar has holes",
)

# %% [markdown]
# * `requests` and `httpx` fail where `urllib` fails: they have the same jar. `httpx` cannot write a value
#   that is not ASCII, and raises.
# * Where the two texts differ, Chromium follows the newer one, and the four of Python mostly the older.
# * curl and browsers change with every version. The next cell asks those on your computer, if both are there.

# %% tags=["needs-curl", "needs-chromium"]
ASKED = ("secure-from-http", "overwrite-secure", "prefix-secure", "prefix-host", "host-only", "json")


async def these_walks(client):
    return await live.traced(client, [cases()[it] for it in ASKED])


await compare(
    {client: partial(these_walks, client) for client in ("aiohttp", "curl", "chromium")},
    ask={case: partial(heard, case) for case in ASKED},
)

# %% [markdown]
# ## A switch
#
# In lesson 07 an option kept aiohttp's jar from putting a value in quotes: `CookieJar(quote_cookie=False)`.
# How far does it go? The sides differ in **the jar**. They take the walks of one topic, *name and value*.

# %%
VALUES = [cases()[it] for it in TOPICS["name and value"]]


async def with_jar(**options):
    async with Town() as town:
        await live.open_sites(town, VALUES)
        for case in VALUES:
            jar, connector = CookieJar(**options), town.connector("client")
            async with (
                ClientSession(connector=connector, cookie_jar=jar) as client,
                client.get(start(case)) as answer,
            ):
                await answer.read()
    return town.trace


# %%
MENDED = ("equals-in-value", "space-in-value", "json")
switched = await compare(
    {
        "as it comes": partial(with_jar),
        "quote_cookie=False": partial(with_jar, quote_cookie=False),
    },
    ask={"walks": lambda t: len(letters(t)), "as RFC 6265 demands": partial(how_many, "=6")}
    | {case: partial(heard, case) for case in (*MENDED, "quotes", "quoted-semicolon")},
)
switched


# %%
def back(*names):
    return {case: {"quote_cookie=False": cases()[case].demands} for case in names}


check(switched, {"L08i": back("equals-in-value", "json"), "L08j": back("json", "quotes")})

# %% [markdown]
# Without quoting, more values come back as they came: one with an equals sign, one with a space, and JSON
# [L08i]. A value that *has* quotes loses them [L08j], and what stood between them stands bare, also a
# semicolon. Another option, `unsafe=True`, was in lesson 07: it mends the walk *address*.
#
# ## Exercises
#
# Each is tried on real traffic. The [solutions](solutions/08_read_the_cookie_rfc.ipynb) are in a notebook of
# their own.
#
# ### ★ strictest-cookie (7 minutes)
#
# Log a visitor of `https://shop.test/login` in: answer with a cookie of the value `1` that no other host can
# set or read, that never goes over `http`, goes to every path of the host, and that scripts do not see. Give
# it a name that makes browsers see to it.


# %% exercise="strictest-cookie"
async def log_in(request):
    ...  # TODO: answer with that cookie
    # solution
    answer = web.Response(text="welcome\n")
    answer.set_cookie("__Host-id", "1", secure=True, httponly=True)
    return answer
    # end


# %%
await attempt("strictest-cookie", log_in)

# %% [markdown]
# <details><summary>Hint</summary>
# The newer text has a prefix for it, and demands three things of a cookie that bears it.
# <code>set_cookie</code> writes <code>Path=/</code> unless you say otherwise.
# </details>
#
# ### ★★ domain-match (10 minutes)
#
# Write the test of RFC 6265, section 5.1.3: does `host` match the value of a `Domain` attribute? Both are in
# small letters, and without a dot in front. A client asks you twice: may this host set the cookie, and does
# that host get it?


# %% exercise="domain-match"
def domain_match(host, domain):
    ...  # TODO: return True or False
    # solution
    address = host.replace(".", "").isdigit()
    return host == domain or (host.endswith("." + domain) and not address)
    # end


# %%
await attempt("domain-match", domain_match)

# %% [markdown]
# <details><summary>Hint</summary>
# Equal is a match. Else the host must end in the domain, with a dot before it. And an address has no hosts
# below: <code>10.0.0.1</code> does not belong to <code>0.0.1</code>.
# </details>
#
# ### ★★★ keep-the-promise (18 minutes)
#
# Teach aiohttp's jar three rules of the newer text. A name that begins with `__Secure-` needs `Secure`. One
# that begins with `__Host-` needs `Secure` and `Path=/`, both written out, and has no `Domain`. And an answer
# over `http` may not set a `Secure` cookie. Attributes may be in capitals or in small letters. (So may the
# two prefixes, says the newer text; here nobody tries that.) `field` is one `Set-Cookie` field, `url` the
# `yarl.URL` it came from. The jar below asks you for each:
#
# ```python
# class Strict(CookieJar):
#     def update_cookies_from_headers(self, headers, response_url):
#         kept = [field for field in headers if keep(field, response_url)]
#         super().update_cookies_from_headers(kept, response_url)
# ```


# %% exercise="keep-the-promise"
def keep(field, url):
    ...  # TODO: return whether the jar may take it
    # solution
    pair, *rest = field.split(";")
    name = pair.partition("=")[0].strip().lower()
    has = {key.strip().lower(): value.strip() for key, _, value in (it.partition("=") for it in rest)}
    if "secure" in has and url.scheme != "https":
        return False
    if name.startswith("__host-") and ("domain" in has or has.get("path") != "/"):
        return False
    return "secure" in has or not name.startswith(("__secure-", "__host-"))
    # end


# %%
await attempt("keep-the-promise", keep)

# %% [markdown]
# <details><summary>Hint</summary>
# Take the field apart at its semicolons. What stands first is name and value, the rest are attributes. Ask
# for <code>Secure</code> among the attributes: it is a part of a prefix, too.
# </details>
#
# ## In practice
#
# * **As a server**, send what every jar understands: a value of letters, digits, `-` and `_`; one path and at
#   most one `Domain`; both `Max-Age=0` and `Expires` to remove a cookie, as aiohttp's `del_cookie` does.
# * Do not rely on the order of cookies, least of all where two have one name: RFC 6265, section 4.2.2.
# * **As a client**, set `quote_cookie=False` when a server does not find its own value again.
# * With `requests`, `httpx` and `urllib`, host-only is a matter of policy: `http.cookiejar` keeps it with
#   `DefaultCookiePolicy(strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain)`.
# * Without a list of public suffixes, one site can plant cookies for another. Give sites that do not trust
#   one another a session each.
# * To try another release of aiohttp, take the walks with `labs.cookies.alone.run()`, which needs no town.
#
# Next: [09 · Which timeout fires?](09_name_the_timeout.ipynb)
#
# ## Where this comes from
#
# * [RFC 6265](https://www.rfc-editor.org/rfc/rfc6265), section 5, and
#   [draft-ietf-httpbis-rfc6265bis-22](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis-22),
#   sections 5.6 to 5.8. The walks were written from these two, and each names its clause.
# * aiohttp 3.14: [CookieJar](https://docs.aiohttp.org/en/stable/client_reference.html#aiohttp.CookieJar).
# * aiohttp issues and pull requests [13692](https://github.com/aio-libs/aiohttp/pull/13692) on 1970,
#   [13800](https://github.com/aio-libs/aiohttp/issues/13800) on attributes that became cookies,
#   [7577](https://github.com/aio-libs/aiohttp/pull/7577) on one name and two paths.
# * Python: [http.cookiejar](https://docs.python.org/3/library/http.cookiejar.html), on policies.

# %%
await guard.clean()
