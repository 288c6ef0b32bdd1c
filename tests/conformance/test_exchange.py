"""What both ends heard: what is missing is one sentence about the proxy, and never an index error."""

import pytest

from labs.capture.message import Message
from labs.conformance.exchange import Exchange
from labs.conformance.verdict import Failed

ASKED = Message("request", "GET /page HTTP/1.1")
EARLY, OK = Message("answer", "HTTP/1.1 103 Early Hints"), Message("answer", "HTTP/1.1 200 OK")


def exchange(*client: Message, asked: tuple[Message, ...] = (ASKED,), raw: bytes = b"GET /page") -> Exchange:
    return Exchange(asked, client, raw, b"", False)


def test_the_final_answer_is_not_an_interim_one() -> None:
    heard = exchange(EARLY, OK, Message("tunnel", ""))
    assert (heard.asked, heard.answers) == (ASKED, (OK,))
    assert heard.answer is heard.whole is OK and heard.reached() is heard


@pytest.mark.parametrize(
    ("client", "got"), [((), "nothing"), ((Message("answer", "HTTP/1.1 502 Bad Gateway"),), "HTTP/1.1 502")]
)
def test_a_request_that_never_arrived_is_told_with_what_the_client_got(
    client: tuple[Message, ...], got: str
) -> None:
    heard = exchange(*client, asked=(), raw=b"")
    assert heard.upstream is None
    with pytest.raises(Failed, match=f"the request never reached the origin; the client got: {got}"):
        heard.asked  # noqa: B018


def test_bytes_that_are_no_request_have_arrived() -> None:
    heard = exchange(asked=(), raw=b"rubbish")
    assert heard.reached() is heard
    with pytest.raises(Failed, match="the origin heard bytes that are no request"):
        heard.asked  # noqa: B018


@pytest.mark.parametrize(
    ("client", "words"),
    [
        ((), "the client's connection ended without an answer"),
        ((EARLY,), "the client's connection ended without an answer"),
        ((Message("answer", "HTTP/1.1 200 OK", problem="bad chunk"),), "that it cannot read: bad chunk"),
        ((Message("answer", "HTTP/1.1 200 OK", complete=False), OK), "an answer that was cut short"),
    ],
)
def test_an_answer_that_is_not_whole_has_failed(client: tuple[Message, ...], words: str) -> None:
    with pytest.raises(Failed, match=words):
        exchange(*client).whole  # noqa: B018
