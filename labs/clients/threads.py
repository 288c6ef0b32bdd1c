"""Connections from a thread to the town's servers, which run on the loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from labs.clients.request import ClientRequest, Reply
from labs.town.names import TownError

__all__ = ["ThreadDialer", "in_thread"]


class ThreadDialer:
    """Connect from a thread to names of the town, and hang up when the experiment is given up."""

    def __init__(self, question: ClientRequest) -> None:
        self._question = question
        self._loop = asyncio.get_running_loop()
        self._sockets: list[socket.socket] = []
        self._over = False
        self.tls = question.town.ca.client_context()

    def __call__(self, host: str, port: int) -> socket.socket:
        if self._over:
            raise OSError("The experiment was given up.")
        try:
            address = asyncio.run_coroutine_threadsafe(self._look_up(host, port), self._loop).result()
        except TownError as error:
            raise socket.gaierror(socket.EAI_NONAME, str(error)) from None
        return self.keep(socket.create_connection(address))

    async def _look_up(self, host: str, port: int) -> tuple[str, int]:
        return self._question.address(host.strip("[]"), port)  # on the loop: the town is not made for threads

    def keep(self, sock: socket.socket) -> socket.socket:
        """Remember a socket, so that hanging up ends whoever waits on it."""
        self._sockets.append(sock)
        if self._over:
            self.hang_up()
        return sock

    def hang_up(self) -> None:
        """End every connection of the thread, now and from now on."""
        self._over = True
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                # Not SSLSocket's own shutdown, which is not made for threads.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


async def in_thread(work: Callable[[ClientRequest, ThreadDialer], Reply], question: ClientRequest) -> Reply:
    """Ask from a thread; when the experiment is given up, hang up and wait for its end."""
    dial = ThreadDialer(question)
    talk = asyncio.ensure_future(asyncio.to_thread(work, question, dial))
    try:
        return await asyncio.shield(talk)
    finally:
        if not talk.done():
            dial.hang_up()
            await asyncio.wait({talk})
