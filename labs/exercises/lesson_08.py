"""The exercises of lesson 08."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import ClientSession, CookieJar, DummyCookieJar, web
from yarl import URL

from labs.capture.trace import Trace
from labs.cookies import cases, judge, live, start
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.town.town import Town

LESSON = "08_read_the_cookie_rfc"
SHOW = ("Set-Cookie", "Cookie")


@exercise(
    "strictest-cookie",
    lesson=LESSON,
    stars=1,
    minutes=7,
    hint="`answer.set_cookie(name, '1', secure=..., httponly=...)`, and a name with the prefix `__Host-`.",
    wrong={
        "async def log_in(request):\n    return web.Response(text='welcome')": "no cookie",
        "async def log_in(request):\n"
        "    answer = web.Response()\n"
        "    answer.set_cookie('id', '1', secure=True, httponly=True)\n"
        "    return answer": "begin the name with `__Host-`",
        "async def log_in(request):\n"
        "    answer = web.Response()\n"
        "    answer.set_cookie('__host-id', '1', secure=True, httponly=True)\n"
        "    return answer": "old clients know no other",
        "async def log_in(request):\n"
        "    answer = web.Response()\n"
        "    answer.set_cookie('__Host-id', '1', httponly=True)\n"
        "    return answer": "over http",
        "async def log_in(request):\n"
        "    answer = web.Response()\n"
        "    answer.set_cookie('__Host-id', '1', secure=True, httponly=True, domain='shop.test')\n"
        "    return answer": "www.shop.test",
        "async def log_in(request):\n"
        "    answer = web.Response()\n"
        "    answer.set_cookie('__Host-id', '1', secure=True, httponly=True, path='/login')\n"
        "    return answer": "/account",
        "async def log_in(request):\n"
        "    answer = web.Response()\n"
        "    answer.set_cookie('__Host-id', '1', secure=True)\n"
        "    return answer": "scripts",
        "async def log_in(request):\n"
        "    answer = web.Response()\n"
        "    answer.set_cookie('__Host-id', 'alice', secure=True, httponly=True)\n"
        "    return answer": "value",
        "async def log_in(request):\n"
        "    return web.Response(headers={'Set-Cookie': '__Host-id=1; Secure; HttpOnly'})": "written out",
        "async def log_in(request):\n"
        "    return web.Response(headers={'Set-Cookie': '__Host-id=1; Secure; HttpOnly; Path=/; Domain='})": (
            "write none"
        ),
    },
)
async def strictest_cookie(log_in: Any) -> Attempt:
    """Demand one `__Host-` cookie that aiohttp sends to every page of https://shop.test, and nowhere else."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="a page\n")

    async def site(request: web.Request) -> web.StreamResponse:
        answer: web.StreamResponse = await (log_in if request.path == "/login" else page)(request)
        return answer

    async with Town() as town:
        await town.open("shop.test", site, tls=True)
        await town.open("www.shop.test", page, tls=True, known_as="www.shop.test")
        await town.open("shop.test", page, known_as="http shop.test")
        connector = town.connector("client", ssl=town.ca.client_context())
        async with ClientSession(connector=connector) as client:
            for url in ("https://shop.test/login", "https://shop.test/account", "https://www.shop.test/"):
                await (await client.get(url)).read()
            await (await client.get("http://shop.test/")).read()
    trace = town.trace
    words = _strict(trace)
    return not_yet(words, trace, show=SHOW) if words else yes(trace)


def _strict(trace: Trace) -> str:
    fields = trace.answers(who="shop.test")[0].all("Set-Cookie")
    if len(fields) != 1:
        return "Your answer sets no cookie." if not fields else f"Your answer sets {len(fields)} cookies."
    pair, *rest = (it.strip() for it in fields[0].split(";"))
    name, _, value = pair.partition("=")
    has = {it.partition("=")[0].strip().lower() for it in rest}
    if trace.requests(whom="http shop.test")[0].field("Cookie"):
        return "The cookie went over http as well, for everybody on the way to read."
    if trace.requests(whom="www.shop.test")[-1].field("Cookie"):
        return "It has a Domain, so www.shop.test gets the cookie, and may set it, too."
    if "domain" in has:
        return "It has a Domain: write none, and only the host that sets the cookie gets it."
    page = next(it for it in trace.requests(whom="shop.test") if it.target == "/account")
    if not page.field("Cookie"):
        return "The cookie did not come to https://shop.test/account: see its Path, and how long it lives."
    if "httponly" not in has:
        return "Right on the wire, and scripts of the page can still read it: see the attribute HttpOnly."
    if value != "1":
        return f"Its value should be 1, and is {value}."
    if name.lower().startswith("__host-") and not name.startswith("__Host-"):
        return "Right by the newer text: write the prefix as `__Host-`, for old clients know no other."
    if not name.startswith("__Host-"):
        return "Right, and a browser cannot tell: begin the name with `__Host-`, and it holds you to it."
    if "path" not in has:
        return "Right on the wire, and a browser refuses it: `__Host-` needs `Path=/` written out."
    return ""


# Who sets, the Domain it writes, who is visited next, and whether the cookie goes there.
MATCHES = (
    ("shop.test", "shop.test", "shop.test", True),
    ("shop.test", "shop.test", "www.shop.test", True),
    ("shop.test", "shop.test", "my.help.shop.test", True),
    ("www.shop.test", "shop.test", "shop.test", True),
    ("3d.shop.test", "shop.test", "3d.shop.test", True),
    ("shop.test", "shop.test", "badshop.test", False),
    ("www.shop.test", "shop.test", "www.shopxtest", False),
    ("shop.test", "other.test", "other.test", False),
    ("shop.test", "www.shop.test", "www.shop.test", False),
    ("10.0.0.1", "10.0.0.1", "10.0.0.1", True),
    ("10.0.0.1", "0.0.1", "20.0.0.1", False),
)


@exercise(
    "domain-match",
    lesson=LESSON,
    stars=2,
    minutes=10,
    hint="Equal, or the host ends in a dot and the domain; and an address matches nothing but itself.",
    wants="value",
    wrong={
        "def domain_match(host, domain):\n    return host.endswith(domain)": "badshop.test",
        "def domain_match(host, domain):\n    return host == domain": "www.shop.test",
        "def domain_match(host, domain):\n"
        "    return host == domain or host.endswith('.' + domain)": "20.0.0.1",
        "def domain_match(host, domain):\n"
        "    return host.endswith('.' + domain) or domain.endswith('.' + host)": "shop.test",
        "def domain_match(host, domain):\n    return True": "badshop.test",
        "import re\n\n"
        "def domain_match(host, domain):\n"
        "    return host == domain or bool(re.search(r'\\.' + domain + '$', host))": "www.shopxtest",
        "def domain_match(host, domain):\n"
        "    return host == domain or host.partition('.')[2] == domain": "my.help.shop.test",
        "def domain_match(host, domain):\n"
        "    return host == domain or host.endswith('.' + domain) and not host[0].isdigit()": "3d.shop.test",
        "def domain_match(host, domain):\n    host == domain": "True or False",
        "async def domain_match(host, domain):\n    return host == domain": "plain `def`",
    },
)
async def domain_match(match: Any) -> Attempt:
    """Demand that a client with this test sends each cookie where RFC 6265 section 5.1.3 wants it."""
    for setter, domain, visited, wanted in MATCHES:
        asked = [match(setter, domain)]
        if hasattr(asked[0], "close"):
            asked[0].close()
            return not_yet("An `async def` cannot be asked on the way: write a plain `def`.")
        asked.append(match(visited, domain))
        if not all(isinstance(it, bool) for it in asked):
            return not_yet(f"It should return True or False, and returned {asked[0]}.")
        trace = await _visit(setter, domain, visited, all(asked))
        if all(asked) != wanted:
            got = "got" if all(asked) else "did not get"
            return not_yet(f"{visited} {got} the cookie that {setter} set for {domain}.", trace, show=SHOW)
    return yes()


async def _visit(setter: str, domain: str, visited: str, bring: bool) -> Trace:
    async def page(request: web.Request) -> web.Response:
        return web.Response(
            headers={"Set-Cookie": f"id=1; Domain={domain}"} if "set" in request.query else {}
        )

    async with Town() as town:
        for host in dict.fromkeys((setter, visited)):
            await town.open(host, page)
        async with ClientSession(connector=town.connector("client"), cookie_jar=DummyCookieJar()) as client:
            await (await client.get(f"http://{setter}/?set")).read()
            fields = {"Cookie": "id=1"} if bring else {}
            await (await client.get(f"http://{visited}/", headers=fields)).read()
    return town.trace


PROMISES = ("plain", "secure", "prefix-kept", "prefix-secure", "prefix-host", "secure-from-http")
# More fields that https://shop.test/in/secure sets: what the jar then sends there, and the rule.
FIELDS = (
    ("a=1", "a=1", "over https a cookie without Secure is as good as any"),
    ("__Secure-a=1; Secure; Domain=shop.test", "__Secure-a=1", "__Secure- demands Secure, and no more"),
    ("__Host-a=1; Secure", "", "a name that begins with __Host- needs Path=/ written out"),
    ("__Host-a=1; Secure; Path=/in", "", "a name that begins with __Host- needs Path=/, and no other"),
    ("__Host-a=1; Path=/", "", "a name that begins with __Host- needs the attribute Secure"),
    ("__Host-a=1; Secure; Path=/; domain=shop.test", "", "the case of an attribute does not matter"),
    ("__Host-a=1; secure; path=/", "__Host-a=1", "the case of an attribute does not matter"),
    ("__Host-a=1;Secure;Path=/", "__Host-a=1", "there need be no space after a semicolon"),
    ("a=__Host-b", "a=__Host-b", "what begins with __Host- is the value, and not the name"),
    ("__Secure-a=1; Path=/in/secure", "", "secure is a part of a path, and no attribute"),
)
# And one that it sets over http.
PLAIN = ("a=1; Path=/in/secure", "a=1", "secure is a part of a path, and no attribute")
_ONLY = (
    "def keep(field, url):\n"
    "    name, *rest = field.split(';')\n"
    "    has = [it.strip().lower() for it in rest]\n"
)
_KEEP = (
    "def keep(field, url):\n"
    "    pair, *rest = field.split(';')\n"
    "    has = dict((it.strip() + '=').split('=')[:2] for it in rest)\n"
    "    if 'Secure' in has and url.scheme == 'http':\n"
    "        return False\n"
)
_PARTS = (
    "def keep(field, url):\n"
    "    pair, _, rest = field.lower().partition(';')\n"
    "    name = pair.partition('=')[0].strip()\n"
    "    has = dict((it.strip() + '=').split('=')[:2] for it in rest.split(';'))\n"
    "    if 'secure' in rest and url.scheme == 'http':\n"
    "        return False\n"
    "    if name.startswith('__host-') and ('domain' in has or has.get('path') != '/'):\n"
    "        return False\n"
)
_SMALL = _KEEP.replace("field.split", "field.lower().split").replace("Secure", "secure")
_HOST = (
    _KEEP + "    if pair.startswith('__Secure-'):\n"
    "        return 'Secure' in has\n"
    "    if pair.startswith('__Host-'):\n"
)


@exercise(
    "keep-the-promise",
    lesson=LESSON,
    stars=3,
    minutes=18,
    hint="Split at semicolons; the first part is name and value, the others are attributes, in any case.",
    wants="value",
    wrong={
        "def keep(field, url):\n    'Secure' in field": "plain",
        "def keep(field, url):\n    return 'Secure' in field": "plain",
        "def keep(field, url):\n    return not field.startswith('__')": "prefix-kept",
        "def keep(field, url):\n    return 'Secure' in field or not field.startswith('__')": "prefix-secure",
        _ONLY + "    return 'secure' in has or not name.startswith('__')": "prefix-host",
        _ONLY + "    if field.startswith('__Host-') and 'Domain' in field:\n"
        "        return False\n"
        "    return 'secure' in has or not name.startswith('__')": "secure-from-http",
        _HOST + "        return 'Secure' in has and has.get('Path') == '/' and 'Domain' not in has\n"
        "    return True": "the case of an attribute",
        _HOST + "        return 'Secure' in has and 'Path' in has and 'Domain' not in has\n"
        "    return True": "Path=/, and no other",
        _HOST + "        return 'Secure' in has and 'Domain' not in has\n    return True": "written out",
        _SMALL + "    if pair.startswith('__'):\n"
        "        return 'secure' in has and has.get('path') == '/' and 'domain' not in has\n"
        "    return True": "and no more",
        _SMALL + "    if '__host-' in pair:\n"
        "        return 'secure' in has and has.get('path') == '/' and 'domain' not in has\n"
        "    return 'secure' in has or '__secure-' not in pair": "and not the name",
        _PARTS
        + "    return 'secure' in rest or not name.startswith(('__secure-', '__host-'))": "no attribute",
        _PARTS.replace("'secure' in rest and", "'secure' in has and")
        + "    return 'secure' in rest or not name.startswith(('__secure-', '__host-'))": "over https",
        _PARTS + "    return 'secure' in has or not name.startswith(('__secure-', '__host-'))": "over http ",
        "def keep(field, url):\n    return url.startswith('https')": "raised AttributeError",
        "async def keep(field, url):\n    return True": "plain `def`",
    },
)
async def keep_the_promise(keep: Any) -> Attempt:
    """Demand that aiohttp's jar, asking `keep` first, keeps the three rules of 6265bis, and no others."""
    if hasattr(asked := keep("a=1", URL("https://shop.test/")), "close"):
        asked.close()
        return not_yet("An `async def` cannot be asked by a jar: write a plain `def`.")

    class Strict(CookieJar):
        def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
            kept = [field for field in headers if keep(field, response_url)]
            super().update_cookies_from_headers(kept, response_url)

    for case in (cases()[name] for name in PROMISES):
        async with Town() as town:
            await live.open_sites(town, [case])
            connector = town.connector("client", ssl=town.ca.client_context())
            async with ClientSession(connector=connector, cookie_jar=Strict()) as client:
                await (await client.get(start(case))).read()
        sent = live.sent(town.trace)[case.id]
        if judge(case, sent) not in "=b":
            rule = case.bis_says or case.says
            words = f"In the walk {case.id} your jar sent {sent or 'no cookie'}: {rule}."
            return not_yet(words, town.trace, show=SHOW)
    for scheme, (field, wanted, rule) in [*(("https", it) for it in FIELDS), ("http", PLAIN)]:
        trace = await _set(field, Strict(), scheme)
        sent = trace.requests()[-1].field("Cookie") or ""
        if sent != wanted:
            words = f"Of `{field}` over {scheme} your jar sent {sent or 'no cookie'}: {rule}."
            return not_yet(words, trace, show=SHOW)
    return yes()


async def _set(field: str, jar: CookieJar, scheme: str) -> Trace:
    async def page(request: web.Request) -> web.Response:
        return web.Response(headers={"Set-Cookie": field} if "set" in request.query else {})

    async with Town() as town:
        await town.open("shop.test", page, tls=scheme == "https")
        connector = town.connector("client", ssl=town.ca.client_context())
        async with ClientSession(connector=connector, cookie_jar=jar) as client:
            for target in ("/in/secure?set", "/in/secure"):
                await (await client.get(f"{scheme}://shop.test{target}")).read()
    return town.trace
