"""Credentials: those for the origin go on, those for a proxy end here."""

from labs.conformance.messages import HELLO, ask, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand


@check(
    "AUTH-1",
    "RFC 9110 section 11.6.2",
    "Authorization goes on as written",
    "Copy it; without it the login of the origin never works.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /", "Authorization: Basic YTpi"), HELLO)
    demand(heard.asked.all("Authorization") == ("Basic YTpi",), "Authorization was lost or changed")


@check(
    "AUTH-2",
    "RFC 9110 section 11.7.2",
    "Proxy-Authorization stays behind, and the rest goes on",
    "It is for the proxy that asked for it: add it to the fields that you drop.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /", "Proxy-Authorization: Basic c2VjcmV0", "X-End: 1"), HELLO)
    demand(heard.asked.field("Proxy-Authorization") is None, "Proxy-Authorization went on to the origin")
    demand(heard.asked.field("X-End") == "1", "an end-to-end field was lost")


@check(
    "AUTH-3",
    "RFC 9110 section 11.6.1",
    "401 and all its challenges are relayed",
    "Copy the fields as pairs: WWW-Authenticate may come several times.",
)
async def _(stand: Stand) -> None:
    challenges = ("Negotiate", 'Basic realm="a, b"')
    fields = [f"WWW-Authenticate: {it}" for it in challenges]
    heard = await stand.exchange(ask("GET /"), say("401 Unauthorized", *fields, body=b"who?"))
    demand(heard.whole.status == 401, f"401 arrived as {heard.answer.start}")
    got = heard.answer.all("WWW-Authenticate")
    demand(", ".join(got) == ", ".join(challenges), f"the challenges arrived as {got}")
