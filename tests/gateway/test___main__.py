"""The gateway as a program: one line when it listens, a clean stop, one sentence and 2 for what cannot be."""

import asyncio
import contextlib
import signal
import socket
import sys

import pytest

from labs.gateway import Options
from labs.gateway.__main__ import NAMES, arguments, main
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


BAD = {
    "no origin": (),
    "no scheme": ("127.0.0.1:80",),
    "no such option": ("http://a", "--nope"),
    "no such leg": ("http://a", "--leg", "third"),
    "a bad prefix": ("http://a", "--prefix", "x"),
    "a bad public name": ("http://a", "--public", "shop.example"),
    "a port out of range": ("http://a", "--port", "99999"),
    "a negative port": ("http://a", "--port", "-1"),
    "a port that is no number": ("http://a", "--port", "http"),
    "a limit of nothing": ("http://a", "--max-field", "0"),
    "a limit that is no number": ("http://a", "--max-field", "x"),
    "a limit that nobody counts": ("http://a", "--max-field", "9" * 30),
    "no time": ("http://a", "--idle-timeout", "nan"),
    "a protocol that is none": ("http://a", "--upgrades", "web socket"),
    "a protocol without a name": ("http://a", "--upgrades", "websocket,,x"),
    "a port that is taken": ("http://a", "--port", "taken"),
    "an address of another machine": ("http://a", "--port", "0", "--host", "203.0.113.1"),
}


def sentence(text: str) -> bool:
    return len(text.splitlines()) == 1 and text.endswith(".\n") and not text.endswith("..\n")


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_is_one_sentence_and_2(
    what: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logging.basicConfig", lambda **told: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        try:
            code: object = main([port if it == "taken" else it for it in BAD[what]])
        except SystemExit as end:
            code = end.code
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert sentence(said.err), said.err


async def test_the_program_ends_with_one_sentence_and_2() -> None:
    process = await started("http://a", "--port", "99999")
    out, errors = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert sentence(errors.decode())


def test_every_limit_has_an_option_and_what_it_says_is_what_the_library_has() -> None:
    said = ["--upgrades", "websocket, foo/1", "--max-field", "50000", "--idle-timeout", "0.5"]
    told = arguments(["http://a", *said])
    assert (told.upgrades, told.max_field, told.idle_timeout) == (("websocket", "foo/1"), 50000, 0.5)
    assert arguments(["http://a", "--upgrades", ""]).upgrades == ()
    fields = vars(Options())
    assert {name: value for name, value in vars(arguments(["http://a"])).items() if name in fields} == {
        name: fields[name] for name in NAMES
    }


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a program can hear")
@pytest.mark.parametrize("leg", ["direct", "session"])
async def test_a_long_query_and_another_protocol_are_options_of_the_program(leg: str) -> None:
    heads: list[bytes] = []

    async def origin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        if b"Upgrade: foo/1" in heads[-1]:
            writer.write(b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: foo/1\r\n\r\n")
            writer.write(await reader.readexactly(2))
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(origin, "127.0.0.1", 0, limit=1 << 20)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    process = await started(url, "--port", "0", "--leg", leg, "--max-field", "50000", "--upgrades", "foo/1")
    assert process.stdout
    port = int((await process.stdout.readline()).decode().rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /?" + b"q" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    assert b"q" * 40_000 in heads[0]
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: foo/1\r\n\r\n")
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    writer.write(b"hi")
    assert await reader.read() == b"hi"
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    writer.close()
    server.close()
