"""A real browser's address bar: Chromium, headless, told where to go over its DevTools protocol.

Not `--dump-dom`, which keeps the status, the redirects and the name of an error to itself. Source:
chromedevtools.github.io/devtools-protocol, domains Target, Network and Page.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp

from labs.clients.programs import reach, start
from labs.clients.request import ClientRequest, Reply
from labs.host.installed import find

__all__ = ["FLAGS", "Tools", "chromium", "running", "tour"]

# Quiet, without a sandbox (root in a container has none, and only the town is seen), and without the wish to
# upgrade http to https, which would be a second request.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,OptimizationHints,MediaRouter",
    "--remote-debugging-port=0",
)


async def chromium(question: ClientRequest) -> Reply:
    """Type a URL into Chromium's address bar; return the address it ends at, once the page is loaded."""
    async with _opened(question) as tools:
        return await _navigate(tools, question)


async def tour(question: ClientRequest, urls: Sequence[str]) -> None:
    """Type URLs into the address bar of one Chromium, one after the other, and forget cookies in between."""
    async with _opened(question) as tools:
        for url in urls:
            await tools.call("Network.clearBrowserCookies")
            tools.events.clear()
            if "errorText" not in await tools.call("Page.navigate", url=url):
                await tools.until("Page.loadEventFired")


@contextlib.asynccontextmanager
async def _opened(question: ClientRequest) -> AsyncIterator[Tools]:
    with reach(question) as names:
        rules = [f"MAP {host}{':' * bool(port)}{port} {to}" for host, port, to in names]
        flags = [*FLAGS, "--host-resolver-rules=" + ", ".join([*rules, "MAP * ~NOTFOUND"])]
        if question.town.ca.pins:
            flags.append("--ignore-certificate-errors-spki-list=" + ",".join(question.town.ca.pins))
        async with (
            running(flags) as address,
            aiohttp.ClientSession() as session,
            session.ws_connect(address, max_msg_size=0) as socket,
        ):
            tools = Tools(socket)
            try:
                await tools.open_page()
                await tools.call("Page.enable")
                await tools.call("Network.enable")
                # Whether the icon is asked for before the browser closes is a race, and a recording must
                # repeat exactly.
                await tools.call("Network.setBlockedURLs", urls=["*/favicon.ico"])
                yield tools
            finally:
                await tools.close()


@contextlib.asynccontextmanager
async def running(flags: list[str]) -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="lab-browser-", ignore_cleanup_errors=True) as profile:
        program = [find("chromium") or "chromium", *flags, f"--user-data-dir={profile}", "about:blank"]
        process = start(program, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        loop, address = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

        def listen() -> None:
            assert process.stderr is not None
            with process.stderr:  # read to its end: all of the browser's processes hold it
                for line in process.stderr:
                    if found := re.search(rb"DevTools listening on (ws://\S+)", line):
                        loop.call_soon_threadsafe(address.set_result, found[1].decode("ascii"))
            process.wait()

        end = asyncio.ensure_future(asyncio.to_thread(listen))
        try:
            await asyncio.wait({address, end}, return_when=asyncio.FIRST_COMPLETED)
            if not address.done():
                raise RuntimeError(
                    f"Chromium ended with code {process.returncode} before it could be spoken to."
                )
            yield address.result()
            await asyncio.wait({end}, timeout=5)  # it was told to close; what it still writes is its own
        finally:
            process.kill()
            await asyncio.wait({end})


class Tools:
    """Speak the DevTools protocol, one call at a time, and keep the events that come in between."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._count, self._page = socket, 0, ""
        self.events: list[dict[str, Any]] = []

    async def open_page(self) -> None:
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._page = attached["sessionId"]

    async def close(self) -> None:
        """Tell the browser to end."""
        with contextlib.suppress(aiohttp.ClientError):
            await self._socket.send_json({"id": 0, "method": "Browser.close"})

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        self._count += 1
        page = {"sessionId": self._page} if self._page else {}
        await self._socket.send_json({"id": self._count, "method": method, "params": params, **page})
        while True:
            said: dict[str, Any] = await self._socket.receive_json()
            if said.get("id") == self._count:
                return said.get("result") or {}
            self.events.append(said)

    async def until(self, method: str) -> None:
        while not any(event.get("method") == method for event in self.events):
            self.events.append(await self._socket.receive_json())

    def told(self, method: str, request: str) -> list[dict[str, Any]]:
        """Return what was told about one request; Chromium keeps its id over redirects."""
        found = [it["params"] for it in self.events if it.get("method") == method]
        return [it for it in found if it.get("requestId") == request]


async def _navigate(tools: Tools, question: ClientRequest) -> Reply:
    went = await tools.call("Page.navigate", url=question.url)
    error, request = str(went.get("errorText", "")).removeprefix("net::"), str(went.get("loaderId", ""))
    sent = tools.told("Network.requestWillBeSent", request)
    answers = tools.told("Network.responseReceived", request)
    hops = sum("redirectResponse" in it for it in sent)
    if error in ("ERR_NAME_NOT_RESOLVED", "ERR_CONNECTION_REFUSED"):
        question.note_failure(sent[-1]["request"]["url"] if sent else question.url)
    if answers and error in ("ERR_HTTP_RESPONSE_CODE_FAILURE", "ERR_ABORTED"):
        # An empty 404 has Chromium's own page instead of a body, and a 204 leaves the bar where it was.
        return question.heard(answers[-1]["response"]["status"], answers[-1]["response"]["url"], b"", hops)
    if error:
        return question.failed(error)
    await tools.until("Page.loadEventFired")
    where = await tools.call("Runtime.evaluate", expression="location.href")
    content = await tools.call("Network.getResponseBody", requestId=request)
    text = str(content.get("body", ""))
    body = base64.b64decode(text) if content.get("base64Encoded") else text.encode("utf-8")
    status = tools.told("Network.responseReceived", request)[-1]["response"]["status"]
    return question.heard(status, where["result"]["value"], body, hops)
