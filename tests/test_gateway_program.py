"""The gateway as a program: one line when it listens, a clean stop, one sentence and 2 for what cannot be."""

import asyncio
import signal
import socket
import sys

import pytest

from tests.gateway_support import GET
from tests.support import run

PROGRAM = (sys.executable, "-m", "labs.gateway")


async def started(*arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*PROGRAM, *arguments, stdout=pipe, stderr=pipe)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a program can hear")
@pytest.mark.parametrize("leg", ["direct", "session"])
def test_it_says_where_it_listens_answers_502_without_an_origin_and_stops(leg):
    async def main():
        nobody = socket.socket()
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: it refuses
        origin = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        process = await started(origin, "--port", "0", "--leg", leg)
        line = (await process.stdout.readline()).decode()
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

    run(main)


@pytest.mark.parametrize("arguments", [("127.0.0.1:80",), ("http://a", "--prefix", "x"), ("taken",)])
def test_what_cannot_be_is_one_sentence_and_2(arguments):
    async def main():
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            told = ("http://127.0.0.1:1", "--port", port) if arguments == ("taken",) else arguments
            process = await started(*told)
            out, errors = await process.communicate()
        assert (process.returncode, out) == (2, b"")
        assert len(errors.decode().splitlines()) == 1

    run(main)
