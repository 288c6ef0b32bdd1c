"""Serve the origin to a terminal, on loopback: `python -m labs origin`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence

from aiohttp import web

from labs.host.proactor import mend
from labs.servers.httpbin.app import origin

__all__ = ["main", "serve"]

HOST = "127.0.0.1"
FINISH = 0.5  # seconds that an answer is given at the end


async def serve(port: int) -> None:
    """Listen, say where in one line, and stop cleanly at Ctrl-C or SIGTERM. Raise OSError."""
    mend()
    runner = web.AppRunner(origin(), access_log=None, shutdown_timeout=FINISH)
    with _told_to_stop() as stop:
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, port).start()
            print(f"The origin listens at http://{HOST}:{runner.addresses[0][1]}", flush=True)
            await stop.wait()
        finally:
            await runner.cleanup()


@contextlib.contextmanager
def _told_to_stop() -> Iterator[asyncio.Event]:
    # Not loop.add_signal_handler, which Windows lacks. That the loop is called wakes it.
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    before = {
        number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until stopped; return 0, or 2 after one sentence where that port cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m labs origin", description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: %(default)s)")
    port = parser.parse_args(argv).port
    if not 0 <= port < 1 << 16:
        parser.error(f"there is no port {port}: choose one from 0, which takes a free one, to 65535.")
    try:
        asyncio.run(serve(port))
    except OSError as error:
        why = (error.strerror or str(error)).rpartition(": ")[2]
        print(f"Port {port} cannot be had ({why}): choose another, or --port 0.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
