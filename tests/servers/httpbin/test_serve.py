"""The origin as a program: one line when it listens, a clean stop, one sentence for a port it cannot have."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys

import aiohttp
import pytest

from labs.servers.httpbin import serve

AS_TYPED = ("-m", "labs", "origin")
AS_ON_WINDOWS = (
    "-c",
    "import asyncio, sys; from labs.servers.httpbin import serve; "
    "asyncio.SelectorEventLoop.add_signal_handler = asyncio.AbstractEventLoop.add_signal_handler; "
    "sys.exit(serve.main(sys.argv[1:]))",
)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send one program alone a Ctrl-C")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("program", [AS_TYPED, AS_ON_WINDOWS], ids=["as typed", "as on Windows"])
async def test_it_says_where_it_listens_answers_and_stops(
    program: tuple[str, ...], number: signal.Signals
) -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, "--port", "0", stdout=pipe, stderr=pipe
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert re.fullmatch(r"The origin listens at http://127\.0\.0\.1:\d+\n", line)
    async with aiohttp.ClientSession() as client:
        async with client.get(f"{line.split()[-1]}/status/418") as answer:
            assert answer.status == 418
        waiting = asyncio.ensure_future(client.get(f"{line.split()[-1]}/delay/10"))
        async with client.get(f"{line.split()[-1]}/get"):  # asked after it: now it waits
            process.send_signal(number)
        assert await process.communicate() == (b"", b"")
        with pytest.raises(aiohttp.ClientConnectionError):
            await waiting
    assert process.returncode == 0


@pytest.mark.parametrize("port", ["taken", "65536", "-1", "http"])
def test_a_port_that_cannot_be_had_is_one_sentence_and_2(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server((serve.HOST, 0)) as taken:
        asked = str(taken.getsockname()[1]) if port == "taken" else port
        try:
            code = serve.main([f"--port={asked}"])
        except SystemExit as stop:  # argparse
            code = int(str(stop.code))
    said = capsys.readouterr()
    last = said.err.strip().splitlines()[-1]
    assert (code, said.out) == (2, "")
    if port == "taken":
        assert re.fullmatch(r"Port \d+ cannot be had \(.+\): choose another, or --port 0\.", last)
    assert asked in last and "Traceback" not in said.err
