"""What the tests of clients share: who is asked, and a town of origins."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from labs.capture.trace import Trace
from labs.clients.registry import CLIENTS, Reply, ask, missing, present
from labs.servers.httpbin.app import origin
from labs.town.town import Town

TO_PAGE = "http://front.test/redirect-to?url=http://origin.test/page"
SPEAKERS = [client for client in CLIENTS if client != "chromium"]
# Most of what chromium is asked takes it a second each, and is left to `make test-browser`.
EVERYBODY = [*SPEAKERS, pytest.param("chromium", marks=pytest.mark.browser)]
FOLLOWERS = EVERYBODY[:1] + EVERYBODY[2:]  # http.client never follows


def needs(client: str) -> None:
    if not present()[client]:
        pytest.skip(missing(client))


@contextlib.asynccontextmanager
async def town_of_origins() -> AsyncIterator[Town]:
    async with Town() as town:
        await town.open("front.test", origin())
        await town.open("origin.test", origin())
        await town.open("safe.test", origin(), tls=True)
        await town.open("dead.test", origin())
        await town.close("dead.test")
        yield town


def hear(client: str, url: str, **options: Any) -> tuple[Reply, Trace]:
    async def experiment() -> tuple[Reply, Trace]:
        async with town_of_origins() as town:
            return await ask(client, town, url, **options), town.trace

    needs(client)
    return asyncio.run(experiment())


def events(trace: Trace) -> list[tuple[str, str, str]]:
    return [(it.who, it.whom, it.event) for it in trace.said if it.event in ("refused", "unknown name")]
