"""What is too much or senseless is refused in one sentence, with the limit."""

from __future__ import annotations

import pytest

from tests.servers.httpbin.support import ask


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("/bytes/101", "The number of bytes must be a whole number from 0 to 100, not '101'."),
        ("/bytes/-1", "The number of bytes must be a whole number from 0 to 100, not '-1'."),
        ("/bytes/%D9%A1", "The number of bytes must be a whole number from 0 to 100, not '١'."),
        ("/range/0", "The number of bytes must be a whole number from 1 to 100, not '0'."),
        ("/stream-bytes/101", "The number of bytes must be a whole number from 0 to 100, not '101'."),
        ("/stream-bytes/50?chunk_size=1", "chunk_size must be larger: at most 5 chunks are sent."),
        ("/stream/6", "The number of lines must be a whole number from 0 to 5, not '6'."),
        ("/sse?count=many", "count must be a whole number from 0 to 5, not 'many'."),
        ("/drip?numbytes=101", "numbytes must be a whole number from 0 to 100, not '101'."),
        ("/drip?pieces=6", "pieces must be a whole number from 1 to 5, not '6'."),
        ("/drip?delay=1.5&duration=1", "duration must be a number of seconds from 0 to 0.5, not '1'."),
        ("/drip?code=204", "A 204 has no body to drip: ask for another code."),
        ("/delay/2.5", "The delay must be a number of seconds from 0 to 2, not '2.5'."),
        ("/delay/nan", "The delay must be a number of seconds from 0 to 2, not 'nan'."),
        ("/redirect/4", "The number of redirects must be a whole number from 1 to 3, not '4'."),
        ("/absolute-redirect/0", "The number of redirects must be a whole number from 1 to 3, not '0'."),
        ("/redirect-to", "Say where to: /redirect-to?url=http://origin.test/page."),
        (
            "/redirect-to?url=/a&status_code=200",
            "status_code must be a whole number from 300 to 399, not '200'.",
        ),
        ("/redirect-to?url=/a%0d%0aX:1", "The field 'Location' must hold no control character."),
        ("/status/600", "The status must be a whole number from 200 to 599, not '600'."),
        ("/status/100", "The status must be a whole number from 200 to 599, not '100'."),
        ("/cookies/set?a%20b=1", "'a b' is no name of a cookie: use letters, digits, - and _."),
        ("/cookies/delete?a%20b", "'a b' is no name of a cookie: use letters, digits, - and _."),
        ("/cookies/set?a=x%09y", "The field 'Set-Cookie' must hold no control character."),
        (
            "/cookies/set?Path=1",
            "Python sends no cookie called 'Path', as an attribute is: use another name.",
        ),
        (
            "/cookies/delete?secure",
            "Python sends no cookie called 'secure', as an attribute is: use another name.",
        ),
        ("/etag/a%22b", "An entity tag holds visible ASCII characters and no quotes (RFC 9110, 8.8.3)."),
        (
            "/response-headers?Content-Length=1",
            "'Content-Length' cannot be set here: it frames the message, or is no field name.",
        ),
        ("/response-headers?X-Lab=%0a", "The field 'X-Lab' must hold no control character."),
    ],
)
def test_what_is_too_much_or_senseless_is_refused_in_one_sentence(target: str, sentence: str) -> None:
    got = ask(target, limits={"size": 100, "count": 5, "hops": 3, "seconds": 2.0})
    assert (got.status, got.body.decode()) == (400, sentence + "\n")


def test_a_body_that_is_too_long_is_refused_in_one_sentence() -> None:
    got = ask("/post", "POST", data=b"*" * 11, limits={"body": 10})
    assert (got.status, got.body) == (413, b"The body must be at most 10 bytes long.\n")
    assert ask("/post", "POST", data=b"*" * 10, limits={"body": 10}).json["length"] == 10
