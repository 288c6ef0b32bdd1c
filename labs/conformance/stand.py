"""One proxy under test, with a scripted raw origin behind it and raw clients in front of it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from labs.capture import dump
from labs.capture.parser import Message
from labs.capture.said import Said
from labs.conformance.deadline import deadline
from labs.conformance.exchange import Exchange
from labs.conformance.line import Line
from labs.conformance.verdict import PATIENCE, Failed, NotApplicable
from labs.show.page import Page

__all__ = ["FRONT", "ORIGIN", "Stand"]

FRONT, ORIGIN = "front.test", "origin.test"
HOST_LINE = f"Host: {FRONT}\r\n".encode()
UNSCRIPTED = b"HTTP/1.1 500 Unscripted\r\nContent-Length: 0\r\n\r\n"
UNKNOWN = {
    "patience": "nothing is known of this proxy's time limit, or it is longer than a check",
    "idle": "nothing is known of this proxy's limit for a pause inside a body, apart from its patience",
    "body": "nothing is known of a limit for bodies",
    "prefix": "this proxy does not stand under a prefix",
}


class Stand:
    """Stand between a raw client and a raw origin, with one proxy in the middle.

    `host` and `origin_host` are the public names of the proxy and of the origin; `settings` says what the
    proxy was set up with, where known: "patience" (seconds from a request to the head of its answer), "idle"
    (seconds between two pieces of a body), "body" (bytes of a request), "prefix" (the path it stands under).
    """

    def __init__(
        self,
        name: str,
        address: Callable[[], tuple[str, int]],
        *,
        host: str = FRONT,
        origin_host: str = ORIGIN,
        settings: Mapping[str, Any] | None = None,
        leave: Callable[[], Awaitable[None]] | None = None,
        stop: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.name, self.host, self.origin_host = name, host, origin_host
        self.settings = dict(settings or {})
        self.awaited = "an answer"
        self.clients: list[Line] = []
        self.origins: list[Line] = []
        self._address, self._leave, self._stop = address, leave, stop
        self._answers: Callable[[Message], bytes] | None = lambda asked: UNSCRIPTED
        self._ending = ""
        self._answered: dict[Line, int] = {}
        self._since: dict[Line, tuple[int, int]] = {}  # messages and bytes of the exchanges before this one
        self._gone: list[Line] = []
        self._moves = 0  # events at both ends
        self._news = asyncio.Event()

    def must_know(self, names: Iterable[str]) -> None:
        """Raise NotApplicable for a setting that is not known of this proxy."""
        for name in names:
            if name not in self.settings:
                raise NotApplicable(UNKNOWN[name])

    def accept(self) -> Line:
        """Return the origin's end of a new connection; the factory of the origin's server."""
        line = Line("origin", lambda event: self._origin_changed(line, event))
        return line

    def _origin_changed(self, line: Line, event: str) -> None:
        if event == "connected":
            self.origins.append(line)
            self._answered[line] = 0
        self._changed(event)
        while event == "data" and self._answers is not None and self._answered[line] < len(line.whole):
            self._answered[line] += 1
            line.write(self._answers(line.whole[self._answered[line] - 1]))
            if self._ending == "close":
                line.close()
            elif self._ending == "reset":
                line.break_off()

    def _changed(self, event: str) -> None:
        if event.startswith("waits for "):
            self.awaited = event.removeprefix("waits for ")
        else:
            self._moves += 1
            self._news.set()

    def script(self, *answers: bytes, ending: str = "") -> None:
        """Let the origin answer each request that it has heard whole, in this order.

        `ending` is what it does after each: "" (keeps the connection), "close" or "reset".
        """
        left = iter(answers)
        self.answer(lambda asked: next(left, UNSCRIPTED), ending)

    def answer(self, make: Callable[[Message], bytes], ending: str = "") -> None:
        """Let the origin answer each request that it has heard whole with what `make` returns for it."""
        self._answers, self._ending = make, ending

    def manual(self) -> None:
        """Let the origin say nothing on its own: the check holds its lines."""
        self._answers = None

    async def client(self, *, buffer: int = 0) -> Line:
        """Connect a new raw client to the proxy; `buffer` is the bytes that its system may hold unread."""
        line = Line("client", self._changed)
        if self.host != FRONT:
            write = line.write
            named = f"Host: {self.host}\r\n".encode()
            line.write = lambda data: write(data.replace(HOST_LINE, named))  # type: ignore[method-assign]
        host, port = self._address()
        self.awaited = "a connection to the proxy"
        loop = asyncio.get_running_loop()
        sock = socket.socket()
        try:
            sock.setblocking(False)
            if buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            await loop.sock_connect(sock, (host, port))
            await loop.create_connection(lambda: line, sock=sock)
        except BaseException:
            sock.close()
            raise
        self.clients.append(line)
        return line

    async def origin(self, count: int = 1) -> Line:
        """Wait for the proxy's connection number `count` to the origin."""
        while len(self.origins) < count:
            if self.clients and all(it.whole or it.closed for it in self.clients):
                got = [it.start for line in self.clients for it in line.whole[:1]] or [
                    "the end of the connection"
                ]
                raise Failed(f"the origin was never asked; the client got: {got[0]}")
            self.awaited = f"connection {count} to the origin"
            self._news.clear()
            await self._news.wait()
        return self.origins[count - 1]

    async def asked(self, count: int = 1) -> tuple[Line, Message]:
        """Wait until the origin has heard `count` whole requests; return the last, and its line."""
        while (
            len(
                heard := [(line, it) for line in self.origins for it in self._fresh(line) if it in line.whole]
            )
            < count
        ):
            done = [it for it in self.clients if it.whole or it.closed]
            if done and len(done) == len(self.clients) == 1 and count == 1:
                got = next((it.start for it in done[0].messages), "the end of the connection")
                raise Failed(f"the request never reached the origin; the client got: {got}")
            self.awaited = f"request {count} at the origin"
            self._news.clear()
            await self._news.wait()
        return heard[count - 1]

    async def asked_for(self, target: str) -> Line:
        """Wait until the origin has heard the head of a request for this target; return its line."""
        head = re.compile(rb" %b HTTP/1\.[01]\r\n(?:.+\r\n)*\r\n" % re.escape(target.encode()))
        while True:
            for line in self.origins:
                if head.search(line.got):  # a connection that is kept has many: to parse them all takes time
                    return line
            self.awaited = f"the head of a request for {target} at the origin"
            self._news.clear()
            await self._news.wait()

    async def refuses(self) -> None:
        """Wait until the proxy accepts nobody any more."""
        self.awaited = "the proxy to refuse new connections"
        with contextlib.suppress(ConnectionError):
            while True:
                line = await self.client()
                self.clients.remove(line)
                self._gone.append(line)
                line.close()

    async def exchange(
        self, request: bytes, answer: bytes | Sequence[bytes], *, ending: str = "", count: int = 1
    ) -> Exchange:
        """Send a request, let the origin say the answer, and wait for `count` final answers or the end."""
        self.script(*([answer] if isinstance(answer, bytes) else answer), ending=ending)
        line = await self.client()
        line.write(request)
        await line.over(count)
        return self.heard(line)

    def heard(self, client: Line) -> Exchange:
        """Return what the origin and this client heard so far."""
        return Exchange(
            tuple(it for line in self.origins for it in self._fresh(line)),
            client.messages,
            b"".join(bytes(it.got[self._since.get(it, (0, 0))[1] :]) for it in self.origins),
            bytes(client.got),
            client.closed,
        )

    def _fresh(self, line: Line) -> tuple[Message, ...]:
        return line.messages[self._since.get(line, (0, 0))[0] :]

    def anew(self) -> Stand:
        """Forget what was heard so far, for a check of several exchanges; connections stay as they are."""
        self._since = {it: (len(it.messages), len(it.got)) for it in self.origins}
        self._gone += self.clients
        self.clients = []
        return self

    async def together(self, *parts: Coroutine[Any, Any, None]) -> None:
        """Run the two ends of a check at the same time; what one raises ends the other."""
        tasks = [asyncio.ensure_future(it) for it in parts]
        try:
            await asyncio.gather(*tasks)
        finally:
            for it in tasks:
                it.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def beside(self, always: Coroutine[Any, Any, None], part: Coroutine[Any, Any, None]) -> None:
        """Run `part` to its end while `always` goes on, which ends with it."""
        task = asyncio.ensure_future(always)
        try:
            await part
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def patient(self, seconds: float) -> contextlib.AbstractAsyncContextManager[None]:
        """Raise TimeoutError where nothing happens at either end for so long."""
        return deadline(seconds, lambda: self._moves)

    @contextlib.asynccontextmanager
    async def soon(self) -> AsyncIterator[None]:
        """Fail what takes longer than the shortest patience, in a check that has more of it."""
        try:
            async with self.patient(PATIENCE):
                yield
        except TimeoutError:
            raise Failed(f"nothing came in {PATIENCE:g} s, and this was waited for: {self.awaited}") from None

    async def origin_gone(self) -> None:
        """Let nobody listen where the origin was."""
        if self._leave is None:
            raise NotApplicable("the lab cannot stop the origin of this proxy")
        await self._leave()

    async def stop(self) -> None:
        """Stop the proxy in an orderly way. Raise NotApplicable where the lab did not start it."""
        if self._stop is None:
            raise NotApplicable("the lab did not start this proxy, and does not stop it")
        await self._stop()

    def bytes(self, body: int = 256) -> Page:
        """Show what crossed at both ends of the proxy: what it heard and said, by connection."""
        said: list[Said] = []
        number = 0
        for who, whom, lines in (("client", "proxy", self.clients), ("proxy", "origin", self.origins)):
            for line in lines:
                origin = line.side == "origin"
                mine = _sent(line)
                if origin and not self._fresh(line) and self._since.get(line):
                    continue  # of an exchange before this one
                asks, answers = (self._fresh(line), mine) if origin else (mine, line.messages)
                told: list[tuple[str, str, Message | None, str]] = [(who, whom, it, "") for it in asks]
                told += [(whom, who, it, "") for it in answers]
                if line.closed:
                    told.append((who if origin else whom, whom if origin else who, None, "closed"))
                said += [Said(a, b, it, event, number, 0, 0.0) for a, b, it, event in told]
                number += 1
        return dump.dump(said, body)

    async def end(self) -> None:
        """End every connection that the lab holds."""
        lines = (*self.clients, *self._gone, *self.origins)
        for line in lines:
            line.transport.abort()
        while not all(it.lost for it in lines):  # noqa: ASYNC110  it comes with the loop's next turn
            await asyncio.sleep(0)


def _sent(line: Line) -> tuple[Message, ...]:
    raw = bytes(line.said)
    return (Message("tunnel", "", body=raw, raw=raw),) if raw else ()
