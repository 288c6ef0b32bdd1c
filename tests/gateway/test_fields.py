"""Which fields go on: what is one hop's ends here, both ways."""

import pytest

from labs.capture import parser
from labs.gateway import Options
from tests.gateway.support import LEGS, Line, answer, asking, request, saying, standing, through


@pytest.mark.parametrize("leg", LEGS)
async def test_hop_by_hop_fields_end_here_both_ways(leg: str) -> None:
    hop = (
        "Connection: X-One, ,close",
        "connection: x-two,Cache-Control",
        "X-One: 1",
        "X-Two: 2",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Cache-Control: no-cache",
        "X-End: stays",
    )
    asked = asking(*hop, "TE: gzip", "Proxy-Authorization: Basic x", "Authorization: Basic y")
    said = saying(*hop, "Content-Length: 2", "Proxy-Authenticate: Basic", body=b"ok")
    got, heard = await through(Options(leg=leg), asked, said)
    assert heard
    for message in (got, heard):
        for name in ("X-One", "X-Two", "Keep-Alive", "Proxy-Connection", "TE", "Proxy-Authorization"):
            assert message.field(name) is None, name
        assert message.all("Cache-Control") == ("no-cache",)
        assert message.field("X-End") == "stays"
    assert heard.field("Connection") is None
    assert heard.field("Authorization") == "Basic y"
    assert got.all("Connection") == ("close",)


async def test_interim_answers_and_trailers_go_on() -> None:
    hint = saying("Link: </x>; rel=preload", line="HTTP/1.1 103 Early Hints")
    last = b"2\r\nok\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n"

    async def origin(line: Line) -> None:
        heard.append(request(await line.message()))
        line.say(hint + saying("Trailer: X-Sum", "Transfer-Encoding: chunked", body=last))

    heard: list[parser.Message] = []
    async with standing(origin) as stand:
        line = await stand.client()
        line.say(asking("TE: trailers;q=0.5, trailers"))
        assert await line.head() == hint
        got = answer(await line.message())
    assert heard[0].all("TE") == ("trailers",) and heard[0].all("Connection") == ("TE",)
    assert (got.body, got.trailers, got.field("Trailer")) == (b"ok", (("X-Sum", "1"),), "X-Sum")
