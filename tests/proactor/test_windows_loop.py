"""The imitated loop of Windows: what it does as there, and how a program is put on it."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labs.host.proactor import mend
from tests.proactor import windows_loop
from tests.proactor.windows_loop import ProactorEventLoop

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the imitation is for other systems")
HERE = Path(windows_loop.__file__).parent


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run each test on the imitated loop."""
    return "asyncio", {"loop_factory": ProactorEventLoop}


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read())
    await writer.drain()
    writer.close()


def accepting() -> list[asyncio.Task[Any]]:
    """List the tasks that accept."""
    return [it for it in asyncio.all_tasks() if "accept_coro" in repr(it.get_coro())]


async def test_bytes_go_both_ways_and_tasks_accept() -> None:
    mend()
    sent = os.urandom(1 << 22)  # more than a socket takes at once
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert len(accepting()) == 1
        writer.write(sent)
        writer.write_eof()
        assert await reader.read() == sent
        writer.close()
        await writer.wait_closed()
    await asyncio.sleep(0)
    assert accepting() == []


async def test_a_read_that_is_cancelled_takes_nothing() -> None:
    mend()
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await reader.readexactly(5)
        writer.write(b"whole")
        writer.write_eof()
        assert await reader.readexactly(5) == b"whole"
        writer.close()
        await writer.wait_closed()


async def test_who_writes_to_nobody_hears_no_broken_pipe() -> None:
    mend()
    async with await asyncio.start_server(lambda _, it: it.close(), "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await reader.read() == b""
        with pytest.raises((ConnectionResetError, ConnectionAbortedError)):
            while True:
                writer.write(b"anybody?")
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()


async def refused() -> ConnectionRefusedError:
    """Connect to where nobody listens: bound, so that nobody else can come to listen there meanwhile."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError) as caught:
            await asyncio.open_connection(*nobody.getsockname())
    return caught.value


async def test_a_refusal_speaks_as_on_windows() -> None:
    assert "The remote computer refused the network connection" in str(await refused())


async def test_a_refusal_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows_loop, "_chosen", frozenset({"refusals"}))
    loop, waits = asyncio.get_running_loop(), []

    def at_once(delay: float, *what: Any) -> None:
        waits.append(delay)
        loop.call_soon(*what)

    monkeypatch.setattr(loop, "call_later", at_once)
    await refused()
    assert waits == [windows_loop.REFUSED]


async def test_what_windows_lacks_is_not_there() -> None:
    loop = asyncio.get_running_loop()
    for lacking in (loop.add_reader, loop.add_writer, loop.add_signal_handler):
        with pytest.raises(NotImplementedError):
            lacking(2, print)
    with pytest.raises(NotImplementedError):
        await loop.create_unix_server(asyncio.Protocol, "x")


async def test_a_program_is_run() -> None:
    pipe = subprocess.PIPE
    code = "import sys; sys.stdout.write(sys.stdin.read().upper()); sys.exit(3)"
    made = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdin=pipe, stdout=pipe)
    out, _ = await made.communicate(b"whole" * 50_000)
    assert out == b"WHOLE" * 50_000
    assert made.returncode == 3


def on(chosen: str, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program with the imitation chosen as `chosen`."""
    there = {"LAB_WINDOWS_LOOP": chosen, "PYTHONPATH": str(HERE)}
    line = [sys.executable, "-c", program]
    return subprocess.run(line, capture_output=True, text=True, env=os.environ | there, check=False)


WHICH = "import asyncio as a\nasync def main(): print(type(a.get_running_loop()).__name__)\na.run(main())\n"


@pytest.mark.parametrize(("chosen", "there"), [("", False), ("0", False), ("1", True), ("refusals", True)])
def test_a_variable_puts_a_program_and_its_children_on_it(chosen: str, there: bool) -> None:
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {WHICH!r}], check=True)"
    for program in (WHICH, child):
        assert (on(chosen, program).stdout == "ProactorEventLoop\n") == there


def test_a_habit_that_it_does_not_have_is_refused() -> None:
    done = on("tics", "print('ran')")
    assert done.returncode and not done.stdout and "tics is no habit of Windows' loop" in done.stderr


def test_ticks_are_64_a_second() -> None:
    program = """
import asyncio, time
TICK = 1 / 64
async def main():
    loop = asyncio.get_running_loop()
    for delay in (0, 0.001, 0.02):
        await asyncio.sleep(delay)
        print(loop.time() % TICK, loop._clock_resolution, time.get_clock_info("monotonic").resolution)
asyncio.run(main())
"""
    assert on("ticks", program).stdout == "0.0 0.015625 0.015625\n" * 3


def test_a_blocking_client_is_refused_as_slowly() -> None:
    program = """
import socket, time
slept = []
time.sleep = slept.append
with socket.create_server(("127.0.0.1", 0)) as server:
    address = server.getsockname()
for limit in (None, 60, 0.5):
    try:
        socket.create_connection(address, limit)
    except OSError as error:
        print(type(error).__name__, slept.pop())
"""
    told = "ConnectionRefusedError 2.0\nConnectionRefusedError 2.0\nTimeoutError 0.5\n"
    assert on("refusals", program).stdout == told
