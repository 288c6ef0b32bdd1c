"""From a thread to the servers of a town: by name, and hung up on when the experiment is given up."""

import asyncio
import socket
import threading

import pytest

from labs.clients.request import ClientRequest, Reply
from labs.clients.threads import ThreadDialer, in_thread
from labs.town.town import Town
from tests.support import hello

GET = b"GET / HTTP/1.1\r\nHost: origin.test\r\nConnection: close\r\n\r\n"


def question(town: Town) -> ClientRequest:
    return ClientRequest("thread", town, "http://origin.test/", "GET", (), None, None, "thread")


def reply(error: str = "", body: bytes = b"") -> Reply:
    return Reply("thread", None, "http://origin.test/", body, 0, error)


async def test_a_thread_connects_by_name_and_is_recorded() -> None:
    def work(question: ClientRequest, dial: ThreadDialer) -> Reply:
        with dial("origin.test", 80) as sock:
            sock.sendall(GET)
            return reply(body=b"".join(iter(lambda: sock.recv(1 << 16), b"")))

    async with Town() as town:
        await town.open("origin.test", hello)
        assert (await in_thread(work, question(town))).body.endswith(b"\r\n\r\nhello")
        assert town.trace.connections(whom="origin.test") == 1


async def test_a_name_that_nobody_has_is_a_failed_lookup() -> None:
    def work(question: ClientRequest, dial: ThreadDialer) -> Reply:
        with pytest.raises(socket.gaierror, match=r"Nobody in this town is called nobody\.test"):
            dial("nobody.test", 80)
        return reply("gaierror")

    async with Town() as town:
        assert (await in_thread(work, question(town))).error == "gaierror"


async def test_who_is_given_up_is_hung_up_on_and_connects_no_more() -> None:
    waits, told = threading.Event(), list[object]()

    def work(question: ClientRequest, dial: ThreadDialer) -> Reply:
        with dial("origin.test", 80) as sock:
            waits.set()
            told.append(sock.recv(1))  # nothing is asked, so nothing comes but the end
        with pytest.raises(OSError, match="The experiment was given up"):
            dial("origin.test", 80)
        told.append("refused")
        return reply()

    async with Town() as town:
        await town.open("origin.test", hello)
        asking = asyncio.create_task(in_thread(work, question(town)))
        await asyncio.to_thread(waits.wait)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert told == [b"", "refused"], "the thread is over when the task is"
