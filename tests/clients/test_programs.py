"""Programs and threads are ended when they are given up."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from labs.clients import browser, programs
from labs.clients.registry import Reply, ask
from labs.town.gates import Gate
from labs.town.town import Town
from tests.clients.support import EVERYBODY, needs


# A thread that is not ended is seen too: the test then hangs.
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("how", ["cancelled", "out of patience"])
@pytest.mark.parametrize("client", EVERYBODY)
def test_it_is_ended_when_it_is_given_up(
    client: str,
    how: str,
    scheme: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(real(*arguments, **options))
        return started[-1]

    async def experiment() -> Reply | None:
        gate = Gate("the handler")

        async def held(request: web.BaseRequest) -> web.StreamResponse:
            await gate
            return web.Response()

        async with Town() as town:
            await town.open("slow.test", held, tls=scheme == "https")
            patience = 30.0 if how == "cancelled" else 0.1
            asked = asyncio.ensure_future(ask(client, town, f"{scheme}://slow.test/page", patience=patience))
            if how == "cancelled":
                await gate.reached()
                asked.cancel()
            await asyncio.wait({asked})
            return None if asked.cancelled() else asked.result()

    needs(client)
    real = programs.start
    monkeypatch.setattr(programs, "start", start)
    monkeypatch.setattr(browser, "start", start)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    heard = asyncio.run(experiment())
    assert heard is None if how == "cancelled" else heard and heard.error == "TimeoutError"
    assert len(started) == (client in ("curl", "chromium"))
    assert all(process.returncode is not None for process in started), "killed and reaped"
    assert list(tmp_path.iterdir()) == [], "no profile, no certificate is left"
    assert caplog.records == [], "nobody waited until the gate was stuck"
