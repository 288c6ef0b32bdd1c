"""The exercises of lesson 02."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

from aiohttp import ClientError, ClientSession, web
from aiohttp.typedefs import Handler
from yarl import URL

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.town.town import Town

LESSON = "02_whose_localhost_is_it"


async def _ask(answer: Handler, site: str, *asked: tuple[str, dict[str, str]], follow: bool = False) -> Trace:
    """Open `answer` as a site, put the (target, fields) of `asked` to it, and return what was said."""

    async def front(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/inner/"):
            return web.Response(text="your report\n")
        return await answer(request)

    async with Town() as town:
        await town.open(site, front)
        async with ClientSession(connector=town.connector("visitor")) as client:
            for target, fields in asked:
                url = URL(f"http://{site}{target}", encoded=True)
                try:
                    async with client.get(url, headers=fields, allow_redirects=follow) as reply:
                        await reply.read()
                except (ClientError, ValueError):
                    pass  # the trace tells what came
    return town.trace


def _location(trace: Trace, turn: int = 0) -> str | None:
    answers = trace.answers(whom="visitor")
    if len(answers) <= turn or not 300 <= answers[turn].status < 400:
        return None
    return answers[turn].field("Location")


@exercise(
    "relative-location",
    lesson=LESSON,
    stars=1,
    minutes=5,
    hint="A Location that begins with one slash keeps scheme, name and port of the site that was asked.",
    wrong={
        "async def front(request):\n"
        "    raise web.HTTPFound('http://front.test/inner' + request.path_qs)": "shop.test:8080",
        "async def front(request):\n    raise web.HTTPFound('inner' + request.path_qs)": "slash",
        "async def front(request):\n    raise web.HTTPFound('/inner' + request.path)": "query",
        "async def front(request):\n"
        "    raise web.HTTPFound(f'http://{request.host}/inner{request.path_qs}')": "Host",
        "async def front(request):\n    return web.Response(text='your report')": "no redirect",
        "async def front(request):\n    raise web.HTTPFound('/inner/2026/report?token=T')": "/list?n=2",
        "async def front(request):\n    raise web.HTTPFound('//inner' + request.path_qs)": "ended at",
    },
)
async def relative_location(front: Any) -> Attempt:
    """Demand a redirect to /inner plus path and query that names no host, on a site with two names."""
    target = "/2026/report?token=T"
    trace = await _ask(front, "front.test", (target, {}), follow=True)
    where = _location(trace)
    if where is None:
        return not_yet("Your front sent no redirect with a Location.", trace)
    last = trace.requests(who="visitor")[-1].target
    if last.startswith("/2026/inner"):
        return not_yet("The visitor stayed in /2026: your Location lacks its first slash.", trace)
    if last == "/inner/2026/report":
        return not_yet("The query was lost on the way: what does `request.path_qs` hold?", trace)
    if last != "/inner" + target:
        return not_yet(f"The visitor ended at {last}, and should end at /inner{target}.", trace)
    other = await _ask(front, "shop.test:8080", (target, {}), follow=True)
    if other.events() or other.requests()[-1].target != "/inner" + target:
        return not_yet("It fails for who asks shop.test:8080: your Location names another site.", other)
    more = await _ask(front, "front.test", ("/list?n=2", {}), follow=True)
    if (last := more.requests(who="visitor")[-1].target) != "/inner/list?n=2":
        words = f"Asked for /list?n=2, the visitor ended at {last}: take path and query from the request."
        return not_yet(words, more)
    if "//" in where.partition("?")[0]:
        return not_yet(
            "It works, with a name that the client wrote into its Host field: name no host.", other
        )
    return yes(other)


OURS = ("/account", "/account?tab=2&of=3", "/a%2Fb", "/")
THEIRS = (
    "http://evil.test/",
    "https://evil.test",
    "//other.test/account",
    "javascript:alert(1)",
    "/\t/evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "/\n/evil.test",
    "https:evil.test",
    "///evil.test",
    "////evil.test",
    "/////evil.test",
)
SITE = "http://front.test"


def landing(location: str, base: str = SITE + "/login") -> str:
    """Return where a browser goes for a Location, as far as http and https go (URL Standard, section 4.4)."""
    text = re.sub(r"[\t\r\n]", "", location.strip("".join(map(chr, range(33)))))
    named = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", text)
    scheme = named[1].lower() if named else "http"
    if scheme not in ("http", "https"):
        return text
    text = text[named.end() :] if named else text
    cut = re.search(r"[?#]", text)
    end = cut.start() if cut else len(text)
    path, rest = text[:end].replace("\\", "/"), text[end:]
    if path.startswith("//") or scheme == "https":  # with the scheme of the base alone, "http:x" is relative
        host, _, path = path.lstrip("/").partition("/")
        return f"{scheme}://{host}/{path}{rest}"
    return urljoin(base, path + rest)


@exercise(
    "safe-next",
    lesson=LESSON,
    stars=2,
    minutes=8,
    hint="Allow what begins with one slash, not two, and holds no backslash and no control character.",
    wrong={
        "async def front(request):\n    raise web.HTTPFound(request.query.get('next') or '/')": "'http://evil.test/'",
        "async def front(request):\n"
        "    wanted = request.query.get('next', '')\n"
        "    raise web.HTTPFound(wanted if wanted.startswith('/') else '/')": "two slashes",
        "async def front(request):\n"
        "    wanted = request.query.get('next') or '/'\n"
        "    raise web.HTTPFound('/' if '//' in wanted else wanted)": "javascript",
        "async def front(request):\n"
        "    wanted = request.query.get('next', '')\n"
        "    own = wanted.startswith('/') and not wanted.startswith('//')\n"
        "    raise web.HTTPFound(wanted if own else '/')": "tab",
        "async def front(request):\n"
        "    wanted = request.query.get('next', '')\n"
        "    own = wanted.startswith('/') and not wanted.startswith('//') and wanted.isprintable()\n"
        "    return web.Response(status=302, headers={'Location': wanted if own else '/'})": "backslash",
        "from urllib.parse import urlsplit\n\n"
        "async def front(request):\n"
        "    wanted = request.query.get('next', '')\n"
        "    parts = urlsplit(wanted)\n"
        "    own = not parts.scheme and not parts.netloc and wanted.isprintable() and '\\\\' not in wanted\n"
        "    raise web.HTTPFound(wanted if own and wanted.startswith('/') else '/')": "'////evil.test'",
        "async def front(request):\n    raise web.HTTPFound('/')": "'/account'",
        "async def front(request):\n"
        "    wanted = request.query.get('next', '')\n"
        "    own = wanted.startswith('/') and 'evil' not in wanted\n"
        "    raise web.HTTPFound(wanted if own else '/')": "two slashes",
        "async def front(request):\n"
        "    wanted = request.query['next']\n"
        "    own = wanted.startswith('/') and not wanted.startswith('//') and wanted.isprintable()\n"
        "    raise web.HTTPFound(wanted if own else '/')": "KeyError",
    },
)
async def safe_next(front: Any) -> Attempt:
    """Demand that a path of the site is followed, and that no value leads a browser to another site."""
    for wanted in (*OURS, *THEIRS, "", None):
        target = str(URL("/login") if wanted is None else URL("/login").with_query(next=wanted))
        trace = await _ask(front, "front.test", (target, {}))
        where = _location(trace)
        if not where:
            return not_yet(f"For next={wanted!r} there was no redirect with a Location.", trace)
        ended = landing(where)
        if wanted in OURS and ended != SITE + str(wanted):
            return not_yet(f"next={wanted!r} is a path of this site, and you redirect to {ended}.", trace)
        if not wanted and ended != SITE + "/":
            return not_yet(f"For next={wanted!r} redirect to /; yours leads to {ended}.", trace)
        if not ended.startswith(SITE + "/"):
            return not_yet(f"next={wanted!r} leads a browser to {ended}: {_why(str(wanted))}.", trace)
    return yes(trace, f"{len(OURS) + len(THEIRS) + 2} values tried.")


def _why(wanted: str) -> str:
    if "\t" in wanted or "\n" in wanted:
        return "tabs and line ends vanish before an address is read, so a tab between two slashes hides them"
    if "\\" in wanted:
        return "a browser reads a backslash as a slash"
    if wanted.startswith("//"):
        return "after two slashes, or more, comes a host"
    return "a scheme such as javascript: or http: leads away; allow paths only"


@exercise(
    "public-name",
    lesson=LESSON,
    stars=3,
    minutes=12,
    hint="Compare `request.host` with the one you expect; then join `public`, /inner and `request.path_qs`.",
    wrong={
        "async def front(request, public):\n"
        "    raise web.HTTPFound(f'http://{request.host}/inner{request.path_qs}')": "`public`",
        "async def front(request, public):\n"
        "    raise web.HTTPFound('https://front.test/app/inner' + request.path_qs)": "other.test",
        "async def front(request, public):\n"
        "    raise web.HTTPFound(public + '/inner' + request.path_qs)": "421",
        "from yarl import URL\n\n"
        "async def front(request, public):\n"
        "    if request.host != 'inner.test:8080':\n"
        "        raise web.HTTPMisdirectedRequest()\n"
        "    raise web.HTTPFound(URL(public).join(URL('/inner' + request.path_qs)))": "/app",
        "async def front(request, public):\n"
        "    if request.host != 'inner.test:8080':\n"
        "        raise web.HTTPMisdirectedRequest()\n"
        "    raise web.HTTPFound(public + '/inner' + request.path)": "query",
        "async def front(request, public):\n"
        "    if request.host not in ('inner.test:8080', 'front.test'):\n"
        "        raise web.HTTPMisdirectedRequest()\n"
        "    raise web.HTTPFound(public + '/inner' + request.path_qs)": "The Host front.test is not yours",
        "async def front(request, public):\n"
        "    if 'inner.test' not in request.host:\n"
        "        raise web.HTTPMisdirectedRequest()\n"
        "    raise web.HTTPFound(public + '/inner' + request.path_qs)": "inner.test:8080.evil.test",
        "async def front(request, public):\n"
        "    if request.host != 'inner.test:8080':\n"
        "        raise web.HTTPMisdirectedRequest()\n"
        "    raise web.HTTPFound(public + '/inner' + request.path + '?' + request.query_string)": "%2F",
    },
)
async def public_name(front: Any) -> Attempt:
    """Demand a Location made of the configured public address, and 421 for every other Host."""
    trace = Trace((), ())
    for public, which in (
        ("https://front.test/app", ""),
        ("https://other.test", "Another `public` is tried, too. "),
    ):
        for target in ("/report?token=T", "/a%2Fb/report?token=T%26U"):

            async def handler(request: web.Request, public: str = public) -> web.StreamResponse:
                answer: web.StreamResponse = await front(request, public)
                return answer

            trace = await _ask(handler, "inner.test:8080", (target, {}))
            where, wanted = _location(trace), f"{public}/inner{target}"
            if where != wanted:
                status = trace.answers(whom="visitor")[0].status
                return not_yet(which + _amiss(where, wanted, status), trace, show=("Host", "Location"))
    forged = ("evil.test", "inner.test:8080.evil.test", "inner.test.evil.test", "inner.test", "front.test")
    for name in forged:
        trace = await _ask(handler, "inner.test:8080", ("/report", {"Host": name}))
        for answer in trace.answers(whom="visitor"):
            if answer.status != 421:
                words = f"The Host {name} is not yours: answer 421, not {answer.status}."
                return not_yet(words, trace, show=("Host", "Location"))
    return yes(trace)


def _amiss(where: str | None, wanted: str, status: int) -> str:
    if where is None:
        return f"The right Host got {status} and no Location; it should get {wanted}."
    if "inner.test" in where:
        return f"Your Location has the internal name, {where}: take the public one from `public`."
    if "?" not in where:
        return f"The query is missing from {where}: it should be {wanted}."
    if "/app/" in wanted and "/app/" not in where:
        return f"The /app of the public address is missing from {where}: joining replaced the path."
    if "%2F" in wanted and "%2F" not in where:
        return f"The %2F of the path is lost in {where}: `request.path` is decoded."
    return f"Your Location is {where}, and should be {wanted}."
