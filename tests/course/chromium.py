"""Use a page of headless Chromium: open it, evaluate in it, take its picture."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from labs.clients import browser


class Page:
    """Hold one tab."""

    def __init__(self, tools: browser.Tools) -> None:
        self._tools = tools

    async def evaluate(self, script: str) -> Any:
        """Run the body of an async function in the page; return its value. Raise RuntimeError if it threw."""
        expression = f"(async () => {{ {script} }})()"
        options = {"awaitPromise": True, "returnByValue": True}
        done = await self._tools.call("Runtime.evaluate", expression=expression, **options)
        if not done or "exceptionDetails" in done:
            thrown = done.get("exceptionDetails", {})
            raise RuntimeError(
                thrown.get("exception", {}).get("description") or thrown.get("text", "no page")
            )
        return done["result"].get("value")

    async def goto(self, url: str, ready: str) -> None:
        """Open a URL, and wait until the expression `ready` is true there."""
        await self._tools.call("Page.navigate", url=url)
        while True:
            try:
                if await self.evaluate(f"return Boolean({ready})"):
                    return
            except RuntimeError:  # the page that was asked has just gone
                pass
            await asyncio.sleep(0.1)

    async def picture(self, path: Path, width: int, height: int) -> None:
        """Save what a window of that size shows."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self._tools.call("Emulation.setDeviceMetricsOverride", **size)
        await self.evaluate("await new Promise(done => setTimeout(done, 1500))")
        shot = await self._tools.call("Page.captureScreenshot", format="png")
        await asyncio.to_thread(_save, path, base64.b64decode(shot["data"]))


def _save(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@asynccontextmanager
async def page() -> AsyncIterator[Page]:
    """Start a headless Chromium with an empty profile, and hand out a page. Both are gone after the block."""
    async with (
        browser.running(list(browser.FLAGS)) as address,
        ClientSession() as session,
        session.ws_connect(address, max_msg_size=0) as socket,
    ):
        tools = browser.Tools(socket)
        await tools.open_page()
        await tools.call("Page.enable")
        yield Page(tools)
        await tools.close()
