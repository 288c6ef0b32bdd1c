"""Chromium as a client: it asks from its address bar, and repeats exactly."""

from __future__ import annotations

import asyncio

import pytest

from labs.capture.trace import Trace
from labs.clients.registry import Reply, ask
from tests.clients.support import TO_PAGE, hear, needs, town_of_origins


def test_chromium_always_follows_and_its_address_bar_changes() -> None:
    heard, trace = hear("chromium", TO_PAGE, follow=False)
    assert (heard.status, heard.url, heard.hops, heard.error) == (200, "http://origin.test/page", 1, "")
    assert b"location.href" in heard.body
    assert [it.target for it in trace.requests(who="chromium", whom="origin.test")] == ["/page"]
    assert [it.target for it in trace.requests()] == [TO_PAGE.removeprefix("http://front.test"), "/page"]


@pytest.mark.browser
def test_chromium_hands_over_bytes_and_repeats_exactly() -> None:
    needs("chromium")

    async def experiment() -> tuple[Reply, Trace]:
        async with town_of_origins() as town:
            heard = await ask(
                "chromium", town, "http://front.test/redirect-to?url=http://origin.test/encoding/utf8"
            )
            return heard, town.trace

    (first, trace), (second, again) = asyncio.run(experiment()), asyncio.run(experiment())
    assert first == second and first.body.decode() == "<p>Grüße, κόσμε, 世界, 🦀</p>\n"
    for each in (trace, again):  # and no /favicon.ico now and then
        assert [it.target.partition("?")[0] for it in each.requests()] == ["/redirect-to", "/encoding/utf8"]
