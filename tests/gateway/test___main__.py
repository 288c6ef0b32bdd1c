"""The gateway as a program: one line when it listens, a clean stop, one sentence and 2 for what cannot be."""

import asyncio
import contextlib
import signal
import socket
import sys

import pytest

from tests.gateway.support import GET

PROGRAM = (sys.executable, "-m", "labs.gateway")


async def started(*arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*PROGRAM, *arguments, stdout=pipe, stderr=pipe)


async def first_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout
    return (await process.stdout.readline()).decode()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a program can hear")
@pytest.mark.parametrize("leg", ["direct", "session"])
async def test_it_says_where_it_listens_answers_502_without_an_origin_and_stops(leg: str) -> None:
    nobody = socket.socket()
    nobody.bind(("127.0.0.1", 0))  # bound and not listening: it refuses
    origin = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    process = await started(origin, "--port", "0", "--leg", leg)
    line = await first_line(process)
    assert line.startswith(f"The gateway to {origin} listens at http://127.0.0.1:")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(line.rpartition(":")[2]))
    writer.write(GET)
    assert (await reader.readline()).startswith(b"HTTP/1.1 502")
    process.send_signal(signal.SIGTERM)
    rest, errors = await process.communicate()
    assert (process.returncode, rest) == (0, b"")
    assert b"Traceback" not in errors
    writer.close()
    nobody.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a program can hear")
async def test_a_request_that_runs_at_the_end_is_finished_and_a_tunnel_is_not() -> None:
    asked, stopping = asyncio.Event(), asyncio.Event()

    async def origin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/tunnel" in head:
            writer.write(b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
            assert await reader.read() == b""
        else:
            asked.set()
            await stopping.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
        writer.close()

    server = await asyncio.start_server(origin, "127.0.0.1", 0)
    process = await started(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "--port", "0")
    port = int((await first_line(process)).rpartition(":")[2])
    tunnel, waiting = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    tunnel[1].write(b"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert b" 101 " in await tunnel[0].readuntil(b"\r\n\r\n")
    waiting[1].write(GET)
    await asked.wait()
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(ConnectionError):
        assert await tunnel[0].read() == b""
    stopping.set()
    assert (await waiting[0].read()).endswith(b"\r\n\r\nlate")
    await process.communicate()
    assert process.returncode == 0
    for _, writer in (tunnel, waiting):
        writer.close()
    server.close()


@pytest.mark.parametrize("arguments", [("127.0.0.1:80",), ("http://a", "--prefix", "x"), ("taken",)])
async def test_what_cannot_be_is_one_sentence_and_2(arguments: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = ("http://127.0.0.1:1", "--port", port) if arguments == ("taken",) else arguments
        process = await started(*told)
        out, errors = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert len(errors.decode().splitlines()) == 1
