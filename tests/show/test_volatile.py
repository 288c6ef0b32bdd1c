"""What is made stable is declared, and nothing else is touched."""

import pytest

from labs.show.volatile import DECLARED, settle


@pytest.mark.parametrize(
    ("name", "value", "settled"),
    [
        ("Date", "Mon, 02 Jan 2023 03:04:05 GMT", "<date>"),
        ("LAST-MODIFIED", "Mon, 02 Jan 2023 03:04:05 GMT", "<date>"),
        ("Server", "Python/3.11 aiohttp/3.14.5", "Python/<version> aiohttp/<version>"),
        ("User-Agent", "curl/8.14.1", "curl/<version>"),
        ("Host", "127.0.0.1:54321", "127.0.0.1:<port>"),
        ("Location", "http://127.0.0.1:54321/a?b", "http://127.0.0.1:<port>/a?b"),
        ("Content-Type", "multipart/mixed; boundary=abc; a=b", "multipart/mixed; boundary=<boundary>; a=b"),
        ("Accept-Encoding", "gzip, deflate", "gzip, deflate, <others>"),
        ("Accept-Encoding", "gzip, deflate, br, zstd", "gzip, deflate, <others>"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZQ==", "<key>"),
    ],
)
def test_what_changes_from_run_to_run_is_made_stable(name: str, value: str, settled: str) -> None:
    assert settle(name, value) == settle(name.lower(), value) == settled


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Date", "yesterday"),
        ("X-Date", "Mon, 02 Jan 2023 03:04:05 GMT"),
        ("Location", "http://origin.test/page"),
        ("Location", "http://127.0.0.1:8080/page"),  # a name of the town, which a lesson chose
        ("Location", "http://localhost:54321/page"),
        ("Host", "origin.test:54321"),
        ("Via", "HTTP/1.0 front"),
        ("Via", "1.1 front"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Server", "nginx"),
        ("Accept-Encoding", "gzip"),
        ("Accept-Encoding", "gzip, deflate;q=0"),
        ("Accept-Encoding", "gzip, deflate, identity"),
        ("Content-Encoding", "gzip, deflate"),
        ("ETag", '"3.14.5"'),
        ("Sec-WebSocket-Version", "13"),
    ],
)
def test_what_does_not_change_is_left_alone(name: str, value: str) -> None:
    assert settle(name, value) == value


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("Location", "http://127.0.0.1:54321/one", "http://127.0.0.1:54321/two"),
        ("Location", "http://127.0.0.1:54321/", "https://127.0.0.1:54321/"),
        ("Location", "http://127.0.0.1:8080/", "http://127.0.0.1:9000/"),
        ("Server", "Python/3.11 aiohttp/3.14.5", "Python/3.11 gunicorn/3.14.5"),
        ("Date", "Mon, 02 Jan 2023 03:04:05 GMT", "Mon, 02 Jan 2023 03:04:05"),
        ("Via", "HTTP/1.0 front", "HTTP/1.1 front"),
        ("Content-Type", "multipart/mixed; boundary=a", "multipart/form-data; boundary=a"),
    ],
)
def test_a_planted_difference_survives(name: str, one: str, other: str) -> None:
    assert settle(name, one) != settle(name, other)


def test_every_kind_is_declared() -> None:
    for word in ("dates", "versions", "ports", "codings", "boundaries", "keys"):
        assert word in DECLARED
