"""Byte for byte: 1 000 made requests arrive as sent, and 1 000 made answers come back as given."""

import random

import pytest

from labs.gateway import Options
from tests.gateway.support import LEGS, OK, Line, answer, request, standing, wired

COUNT = 1000
TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
TARGET = "abcXYZ019-._~!$&'()*+,;=:@/?%"
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "REPORT", "M-SEARCH")
CODES = (200, 201, 203, 206, 299, 301, 302, 304, 400, 401, 404, 418, 429, 500, 503, 599)
# What the gateway makes itself, and what an origin must not be asked for by chance.
OURS = ("host", "via", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "date")


def word(chance: random.Random, letters: str, least: int, most: int) -> str:
    return "".join(chance.choices(letters, k=chance.randint(least, most)))


def value(chance: random.Random, leg: str) -> str:
    letters = "".join(map(chr, range(0x21, 0x7F))) + " \t"
    if leg == "direct":  # aiohttp's client writes fields as UTF-8, so other bytes cannot leave as they came
        letters += "".join(map(chr, range(0x80, 0x100)))
    return word(chance, letters, 0, 40).strip(" \t")


def fields(chance: random.Random, leg: str) -> list[tuple[str, str]]:
    made = [("X-" + word(chance, TOKEN, 1, 20), value(chance, leg)) for _ in range(chance.randint(0, 8))]
    made += [chance.choice(made)] if made and chance.random() < 0.3 else []
    made += [("Set-Cookie", word(chance, TOKEN, 1, 9) + "=1")] * chance.randint(0, 2)
    if chance.random() < 0.3:
        made.append(("Content-Encoding", chance.choice(("gzip", "br", "zstd", "made-up"))))
    return made


def framed(chance: random.Random, lines: list[str], body: bytes) -> bytes:
    """Return a message with a body by length or by chunks of any size."""
    if chance.random() < 0.5:
        lines.append(f"Content-Length: {len(body)}")
    else:
        lines.append("Transfer-Encoding: chunked")
        chunks, at = [], 0
        while at < len(body):
            size = chance.choice((1, 2, 7, 100, 5000))
            chunks.append(b"%x;a=b\r\n%b\r\n" % (len(body[at : at + size]), body[at : at + size]))
            at += size
        body = b"".join(chunks) + b"0\r\n\r\n"
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


def theirs(found: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    skip = {*OURS, "content-length", "transfer-encoding"}
    return [(name, wired(it)) for name, it in found if name.lower() not in skip]


def body(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice((0, 1, 100, 100, 100, 20_000)))


@pytest.mark.parametrize("leg", LEGS)
async def test_made_requests_arrive_as_they_were_sent(leg: str) -> None:
    async def origin(line: Line) -> None:
        while True:
            heard.append(await line.message())
            line.say(OK)

    heard: list[bytes] = []
    chance = random.Random(1)
    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        for _ in range(COUNT):
            method = chance.choice(METHODS)
            target = "/" + word(chance, TARGET, 0, 60)
            if leg == "session":
                target = target.rstrip("?")  # yarl drops a question mark with nothing after it
            made, sent = fields(chance, leg), body(chance)
            lines = [f"{method} {target} HTTP/1.1", "Host: front.test", *(f"{n}: {v}" for n, v in made)]
            line.say(framed(chance, lines, sent))
            assert (await line.message()).endswith(b"ok")
            got = request(heard.pop())
            assert (got.method, got.target, got.body) == (method, target, sent)
            assert theirs(got.fields) == made


@pytest.mark.parametrize("leg", LEGS)
async def test_made_answers_come_back_as_they_were_given(leg: str) -> None:
    async def origin(line: Line) -> None:
        while True:
            await line.message()
            line.say(given[-1])

    given: list[bytes] = []
    chance = random.Random(2)
    async with standing(origin, Options(leg=leg)) as stand:
        line = await stand.client()
        for _ in range(COUNT):
            code, reason = chance.choice(CODES), word(chance, TOKEN + " ", 0, 20).strip()
            made, sent = fields(chance, leg), b"" if code == 304 else body(chance)
            lines = [f"HTTP/1.1 {code} {reason}", *(f"{n}: {v}" for n, v in made)]
            given.append(
                framed(chance, lines, sent)
                if code != 304
                else "\r\n".join((*lines, "", "")).encode("latin-1")
            )
            line.say(b"GET / HTTP/1.1\r\nHost: front.test\r\n\r\n")
            got = answer(await line.message())
            assert (got.status, got.reason, got.body) == (code, reason, sent)
            assert theirs(got.fields) == made
