"""The request target, byte for byte."""

from labs.conformance.messages import HELLO, ask
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

CLAUSE = "RFC 9110 section 7.7"
RAW = "Take the raw target, and let nobody quote it: URL(base + request.raw_path, encoded=True)."


async def _same(stand: Stand, *targets: str) -> None:
    for target in targets:
        stand = stand.anew()
        heard = await stand.exchange(ask(f"GET {target}"), HELLO)
        demand(heard.asked.target == target, f"{target[:80]} arrived as {heard.asked.target[:80]}")


@check("TARGET-1", CLAUSE, "%2F, %27, %7E, %41 and %e2%82%ac in a path arrive as sent", RAW)
async def _(stand: Stand) -> None:
    await _same(stand, "/a%2Fb/it%27s/%7Euser", "/%41/%e2%82%ac/%20")


@check("TARGET-2", CLAUSE, "percent signs that quote nothing arrive as sent", RAW)
async def _(stand: Stand) -> None:
    await _same(stand, "/a%zzb", "/100%?q=5%")


@check("TARGET-3", CLAUSE, "an empty query, a lone & and ; arrive as sent", RAW)
async def _(stand: Stand) -> None:
    await _same(stand, "/a?", "/a;v=1/b;?c;d", "/?&&a=&=b&")


@check("TARGET-4", CLAUSE, "a target that begins with two slashes is a path, and arrives as sent", RAW)
async def _(stand: Stand) -> None:
    await _same(stand, "//evil.test/x", "/a//b///")


@check(
    "TARGET-5",
    "lab",
    "dot segments arrive as sent: what the route allowed is what the origin gets",
    "Do not normalise after the check: /public/../admin passed as /public/…, and must not arrive as /admin.",
)
async def _(stand: Stand) -> None:
    for target in ("/public/../admin", "/public/%2e%2e/admin", "/public/./x"):
        stand = stand.anew()
        heard = await stand.exchange(ask(f"GET {target}"), HELLO)
        refused = heard.upstream is None and 400 <= heard.answer.status < 500
        arrived = heard.upstream.target if heard.upstream else ""
        demand(refused or arrived == target, f"{target} arrived as {arrived}")


@check(
    "TARGET-6", "RFC 9112 section 3", "a query of 8 000 bytes arrives as sent", "Raise the limits to 8 000."
)
async def _(stand: Stand) -> None:
    await _same(stand, "/q?" + "a=b%2Fc&" * 1000)


@check("TARGET-7", CLAUSE, "a signed query arrives as sent", RAW)
async def _(stand: Stand) -> None:
    await _same(stand, "/q?sig=a%2Fb%3D&t=a+b%20c&u=%EA%B0%80&v='(x)!*,@:$~/?")


@check(
    "TARGET-8",
    "RFC 9112 section 3.2.2",
    "a target in absolute form is read as the path on its host",
    "http://host/path is a target, too: take host and path from it.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask(f"GET http://{stand.host}/a%2Fb?c"), HELLO)
    wanted = ("/a%2Fb?c", f"http://{stand.origin_host}/a%2Fb?c")
    demand(heard.asked.target in wanted, f"the origin was asked for {heard.asked.target}")


@check(
    "TARGET-9",
    "RFC 9112 section 3.2.4",
    "OPTIONS * arrives as OPTIONS *",
    "The asterisk is a target of its own: it is no path, and has no slash.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("OPTIONS *"), HELLO)
    demand(heard.asked.target == "*", f"the origin was asked for {heard.asked.target}")
