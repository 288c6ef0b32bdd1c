"""The origin's short answers: echoes, statuses, redirects, cookies, pages, conditions."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from http.cookies import CookieError, Morsel

from aiohttp import web

from labs.servers.httpbin.echo import echo_of, fields_of, headers_of, json_answer
from labs.servers.httpbin.limits import LIMITS, number, refuse

ETAG = "lab"
MODIFIED = "Thu, 01 Jan 2026 00:00:00 GMT"
FRAMING = frozenset({"connection", "content-length", "transfer-encoding", "upgrade"})
PAGE = """<!doctype html>
<html><head><meta charset="utf-8"><title>the page</title><link rel="icon" href="data:,"></head>
<body><h1>the page</h1><p id="address"></p>
<script>
document.title = location.href;
document.getElementById("address").textContent = location.href;
</script></body></html>
"""  # the empty icon keeps a browser from asking for /favicon.ico
HTML = """<!doctype html>
<html><head><title>html</title><link rel="icon" href="data:,"></head><body><h1>html</h1></body></html>
"""


async def anything(request: web.Request) -> web.Response:
    return json_answer(await echo_of(request))


async def headers(request: web.Request) -> web.Response:
    return json_answer({"headers": headers_of(request), "fields": fields_of(request)})


async def ip(request: web.Request) -> web.Response:
    return json_answer({"origin": request.remote})


async def user_agent(request: web.Request) -> web.Response:
    return json_answer({"user-agent": request.headers.get("User-Agent")})


async def status(request: web.Request) -> web.Response:
    code = number(request.match_info["code"], "The status", most=599, least=200)
    answer = web.Response(status=code)
    if code in (301, 302, 303, 307, 308):
        answer.headers["Location"] = "/get"
    elif code == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="origin"'
    return answer


async def relative_redirect(request: web.Request) -> web.Response:
    return _redirect(_next(request, "relative-redirect"))


async def absolute_redirect(request: web.Request) -> web.Response:
    return _redirect(f"{request.scheme}://{request.host}{_next(request, 'absolute-redirect')}")


def _next(request: web.Request, path: str) -> str:
    left = (
        number(request.match_info["n"], "The number of redirects", most=request.app[LIMITS].hops, least=1) - 1
    )
    return f"/{path}/{left}" if left else "/get"


def _redirect(location: str, code: int = 302) -> web.Response:
    # Not web.HTTPFound, which writes the URL anew: a lesson must be able to send every Location as it is.
    return web.Response(status=code, headers={"Location": _sendable("Location", location)})


def _sendable(name: str, value: str, also: str = "\t") -> str:
    if any((char < " " or char == "\x7f") and char not in also for char in name + value):
        raise refuse(f"The field {name[:40]!r} must hold no control character.")
    return value


async def redirect_to(request: web.Request) -> web.Response:
    url = request.query.get("url")
    if not url:
        raise refuse("Say where to: /redirect-to?url=http://origin.test/page.")
    return _redirect(url, number(request.query.get("status_code", "302"), "status_code", most=399, least=300))


async def cookies(request: web.Request) -> web.Response:
    return json_answer({"cookies": dict(request.cookies)})


async def set_cookies(request: web.Request) -> web.Response:
    return _with_cookies(request.query.items())


async def set_cookie(request: web.Request) -> web.Response:
    return _with_cookies([(request.match_info["name"], request.match_info["value"])])


def _with_cookies(pairs: Iterable[tuple[str, str]]) -> web.Response:
    answer = _redirect("/cookies")
    for name, value in pairs:
        with _named(name):
            answer.set_cookie(
                name, _sendable("Set-Cookie", value, also="")
            )  # no tab: newer Pythons refuse it
    return answer


async def delete_cookies(request: web.Request) -> web.Response:
    answer = _redirect("/cookies")
    for name in request.query:
        with _named(name):
            answer.del_cookie(name)
    return answer


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except CookieError:
        if name.lower() in Morsel():  # Python keeps them apart from names, and the RFC does not
            sentence = f"Python sends no cookie called {name[:40]!r}, as an attribute is: use another name."
        else:
            sentence = f"{name[:40]!r} is no name of a cookie: use letters, digits, - and _."
        raise refuse(sentence) from None


async def gzipped(request: web.Request) -> web.Response:
    return await _encoded(request, "gzip", lambda body: gzip.compress(body, mtime=0))


async def deflated(request: web.Request) -> web.Response:
    return await _encoded(request, "deflate", zlib.compress)


async def _encoded(request: web.Request, coding: str, squeeze: Callable[[bytes], bytes]) -> web.Response:
    # Encoded whether or not the client asked for it, as httpbin does: that is the experiment.
    body = squeeze(json.dumps({**await echo_of(request), "encoded": coding}).encode())
    return web.Response(body=body, content_type="application/json", headers={"Content-Encoding": coding})


async def page(request: web.Request) -> web.Response:
    return web.Response(text=PAGE, content_type="text/html")


async def html(request: web.Request) -> web.Response:
    return web.Response(text=HTML, content_type="text/html")


async def json_(request: web.Request) -> web.Response:
    return json_answer({"lesson": {"title": "redirect or proxy", "sides": ["redirect", "proxy"]}})


async def xml(request: web.Request) -> web.Response:
    text = '<?xml version="1.0" encoding="utf-8"?>\n<sides><side>redirect</side><side>proxy</side></sides>\n'
    return web.Response(text=text, content_type="application/xml")


async def robots(request: web.Request) -> web.Response:
    return web.Response(text="User-agent: *\nDisallow: /\n")


async def utf8(request: web.Request) -> web.Response:
    return web.Response(text="<p>Grüße, κόσμε, 世界, 🦀</p>\n", content_type="text/html")


async def basic_auth(request: web.Request) -> web.Response:
    user, password = request.match_info["user"], request.match_info["password"]
    expected = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic" or given.strip() != expected:
        return json_answer(
            {"authenticated": False}, status=401, headers=[("WWW-Authenticate", 'Basic realm="origin"')]
        )
    return json_answer({"authenticated": True, "user": user})


async def bearer(request: web.Request) -> web.Response:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return json_answer({"authenticated": False}, status=401, headers=[("WWW-Authenticate", "Bearer")])
    return json_answer({"authenticated": True, "token": token})


async def etag(request: web.Request) -> web.Response:
    """Compare If-Match strongly and If-None-Match weakly (RFC 9110, 13.1.1 and 13.1.2)."""
    tag = request.match_info["etag"]
    if not all(char == "!" or "#" <= char <= "~" for char in tag):
        raise refuse("An entity tag holds visible ASCII characters and no quotes (RFC 9110, 8.8.3).")
    wanted, known = request.if_match, request.if_none_match
    if wanted is not None and not any(it.value in ("*", tag) and not it.is_weak for it in wanted):
        answer = web.Response(status=412)
    elif known is not None and any(it.value in ("*", tag) for it in known):
        answer = web.Response(status=304)
    else:
        answer = json_answer(await echo_of(request))
    answer.etag = tag
    return answer


async def cache(request: web.Request) -> web.Response:
    if "If-None-Match" in request.headers or "If-Modified-Since" in request.headers:
        answer = web.Response(status=304)
    else:
        answer = json_answer(await echo_of(request))
    answer.headers["Last-Modified"] = MODIFIED
    answer.etag = ETAG
    return answer


async def response_headers(request: web.Request) -> web.Response:
    pairs = [(name, _sendable(name, value)) for name, value in request.query.items()]
    for name, _ in pairs:
        if (
            name.lower() in FRAMING
            or not name.isascii()
            or not name.replace("-", "").replace("_", "").isalnum()
        ):
            raise refuse(f"{name[:40]!r} cannot be set here: it frames the message, or is no field name.")
    answer = json_answer({"fields": pairs})
    for name in {name.lower() for name, _ in pairs} & {"content-type"}:
        answer.headers.popall(name)
    for name, value in pairs:
        answer.headers.add(name, value)
    return answer
