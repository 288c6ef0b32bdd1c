"""Upgrades: after 101 the connection belongs to both ends, and a proxy relays bytes."""

from labs.conformance.line import Line
from labs.conformance.messages import HELLO, ask, say
from labs.conformance.registry import check
from labs.conformance.stand import Stand
from labs.conformance.verdict import demand

BYTES = "Pass Upgrade and Connection on, and after 101 relay bytes both ways until one side ends."
WANTED = (
    "Connection: keep-alive, Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: own, other",
    "Sec-WebSocket-Extensions: own-deflate",
)
GRANTED = say(
    "101 Switching Protocols",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "Sec-WebSocket-Protocol: own",
    "Sec-WebSocket-Extensions: own-deflate",
)
H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
PING = b"\x89\x84\x01\x02\x03\x04\x60\x60\x60\x60"
ODD = b"\xc1\x03\x00\xff\x00"  # a frame with a bit that only the extension of both ends knows
CLOSE = b"\x88\x05\x0f\xa1bye"  # 4001


async def _upgraded(stand: Stand, after: bytes = b"") -> tuple[Line, Line]:
    stand.manual()
    line = await stand.client()
    line.write(ask("GET /ws", *WANTED))
    origin = await stand.origin()
    await origin.until("the handshake at the origin", lambda: origin.messages and origin.messages[0].complete)
    asked = origin.messages[0]
    demand((asked.field("Upgrade") or "").lower() == "websocket", "Upgrade never reached the origin")
    demand(
        "upgrade" in ", ".join(asked.all("Connection")).lower(),
        "Connection: Upgrade never reached the origin",
    )
    origin.write(GRANTED + after)
    await line.hears(b"\r\n\r\n", "101 at the client")
    first = line.messages[0]
    demand(first.status == 101, f"the client got {first.start}, not 101")
    return line, origin


@check(
    "UPGRADE-1",
    "RFC 6455 section 4.2",
    "a WebSocket's handshake passes with key, protocol and extensions",
    BYTES,
)
async def _(stand: Stand) -> None:
    line, origin = await _upgraded(stand)
    for message, fields in (
        (origin.messages[0], WANTED[2:]),
        (line.messages[0], GRANTED.decode().split("\r\n")[2:6]),
    ):
        for field in fields:
            name, _, value = field.partition(": ")
            demand(message.field(name) == value, f"{name} arrived as {message.field(name)}")
    demand("upgrade" in (line.messages[0].field("Connection") or "").lower(), "Connection: Upgrade was lost")


@check("UPGRADE-2", "RFC 9110 section 7.8", "after 101, bytes pass both ways as they are", BYTES)
async def _(stand: Stand) -> None:
    line, origin = await _upgraded(stand)
    origin.write(ODD)
    await line.hears(ODD, "the origin's frame at the client")
    line.write(PING)
    await origin.hears(PING, "the client's ping at the origin")
    big = b"\x82\x7f" + (1 << 18).to_bytes(8, "big") + bytes(range(256)) * 1024
    origin.write(big)
    await line.hears(big, "a frame of 256 KiB at the client")


@check("UPGRADE-3", "RFC 9110 section 7.8", "bytes that come with the 101 are not lost", BYTES)
async def _(stand: Stand) -> None:
    line, _ = await _upgraded(stand, ODD)
    await line.hears(ODD, "the frame that came in one piece with the 101")


@check(
    "UPGRADE-4",
    "RFC 6455 section 7",
    "the close frame passes with its code, and the end of one side is the other's",
    BYTES,
)
async def _(stand: Stand) -> None:
    line, origin = await _upgraded(stand)
    origin.write(CLOSE)
    await line.hears(CLOSE, "the close frame with its code at the client")
    line.write(b"\x88\x80abcd")
    await origin.hears(b"\x88\x80abcd", "the client's close frame at the origin")
    origin.close()
    await line.ends("the end of the client's connection, after the origin ended its own")


@check("UPGRADE-5", "lab", "an end of one direction leaves the other open", BYTES)
async def _(stand: Stand) -> None:
    line, origin = await _upgraded(stand)
    origin.write(ODD)
    await line.hears(ODD, "the origin's frame at the client")
    line.finish()
    await origin.ends("the end of the client's direction at the origin")
    origin.write(CLOSE)
    await line.hears(CLOSE, "what the origin says after the client has ended its direction")


@check("UPGRADE-6", "lab", "a client that leaves ends the origin's connection", BYTES)
async def _(stand: Stand) -> None:
    line, origin = await _upgraded(stand)
    line.break_off()
    await origin.ends("the end of the origin's connection, after the client left")


@check(
    "UPGRADE-7",
    "RFC 6455 section 4.1",
    "an origin that refuses the upgrade is relayed as a plain answer",
    "Only 101 switches: anything else is an answer like any other.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /ws", *WANTED), say("403 Forbidden", "X-Why: no", body=b"not you"))
    demand((heard.asked.field("Upgrade") or "").lower() == "websocket", "Upgrade never reached the origin")
    demand(
        (heard.whole.status, heard.answer.body) == (403, b"not you"), f"the client got {heard.answer.start}"
    )


@check(
    "UPGRADE-8",
    "RFC 9110 section 7.8",
    "an upgrade that the proxy does not know (h2c) stays behind",
    "Let WebSocket through, and drop the Upgrade of every other protocol: it would open a tunnel past you.",
)
async def _(stand: Stand) -> None:
    heard = await stand.exchange(ask("GET /", *H2C), HELLO)
    refused = heard.upstream is None and heard.answer.status in (*range(400, 500), 501)
    demand(refused or heard.asked.field("Upgrade") is None, "Upgrade: h2c went on to the origin")
    demand(refused or heard.asked.field("HTTP2-Settings") is None, "HTTP2-Settings went on to the origin")


@check(
    "UPGRADE-9",
    "RFC 9110 section 7.8",
    "a 101 that nobody asked for is an error of the origin",
    "A 101 without an Upgrade in the request: 502, and close.",
)
async def _(stand: Stand) -> None:
    heard = (await stand.exchange(ask("GET /"), GRANTED)).reached()
    got = [it.start for it in heard.client]
    demand(heard.answers and heard.answer.status == 502, f"the client got {got or 'nothing'}, not 502")


@check(
    "UPGRADE-10",
    "RFC 9112 section 9.3.2",
    "a request behind an upgrade that was not made is answered, or the connection ends",
    "aiohttp's parser stops at Upgrade, and drops what stands behind it: answer, and close the connection.",
)
async def _(stand: Stand) -> None:
    for fields in (H2C, WANTED):
        stand = stand.anew()
        stand.answer(lambda asked: say("200 OK", body=asked.target.encode()))
        line = await stand.client()
        line.write(ask("GET /one", *fields) + ask("GET /two"))
        await line.over(1)
        line.write(ask("GET /last"))
        await line.over(2)
        got = [it.body.decode("latin-1") for it in line.whole]
        demand(got, "the client's connection ended without an answer")
        owed = ["/one", "/two", "/last"][: len(got)]
        demand(got == owed, f"requests for {', '.join(owed)} were answered as {', '.join(got)}")


@check(
    "UPGRADE-11",
    "RFC 9110 section 15.5.22",
    "426 keeps its Upgrade, with Connection: upgrade",
    "426 must say which protocol is required: pass Upgrade on here, and name it in Connection.",
)
async def _(stand: Stand) -> None:
    answer = say("426 Upgrade Required", "Upgrade: websocket", "Connection: Upgrade", body=b"")
    heard = (await stand.exchange(ask("GET /ws"), answer)).reached()
    demand(heard.whole.status == 426, f"426 arrived as {heard.answer.start}")
    demand(
        heard.answer.field("Upgrade") == "websocket", f"Upgrade arrived as {heard.answer.field('Upgrade')}"
    )
    named = [it.strip().lower() for it in ", ".join(heard.answer.all("Connection")).split(",")]
    demand(
        "upgrade" in named, f"Connection arrived as {', '.join(heard.answer.all('Connection')) or 'nothing'}"
    )
