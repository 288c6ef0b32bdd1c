"""Habits of Python's own libraries that no other client has."""

from __future__ import annotations

from tests.clients.support import TO_PAGE, hear


def test_http_client_never_follows() -> None:
    assert hear("http.client", TO_PAGE, follow=True)[0].status == 302


def test_urllib_raises_for_a_post_that_is_sent_on_with_307() -> None:
    url = "http://front.test/redirect-to?url=http://origin.test/post&status_code=307"
    heard, trace = hear("urllib", url, method="POST", body=b"order", follow=True)
    assert (heard.status, heard.error, len(trace.requests())) == (307, "HTTPError", 1)
