"""Run the gateway as a program: `python -m labs.gateway http://127.0.0.1:8080`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from typing import NoReturn

from aiohttp import web

from labs.console import take_any_character
from labs.gateway.options import LEGS, Options
from labs.gateway.runner import Runner

FINISH = 10.0  # seconds that a running request is given at the end
NUMBERS = (
    "max_field",
    "max_body",
    "max_requests",
    "connect_timeout",
    "answer_timeout",
    "idle_timeout",
    "client_timeout",
)
NAMES = ("leg", "prefix", "public", "upgrades", "preserve_host", "trust_forwarded", *NUMBERS)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say in one sentence what makes no sense, without the usage before it."""
        self.exit(2, f"{message[:1].upper()}{message[1:]}.\n")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")
    return int(text)


def _protocols(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",")) if text else ()


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line. Exit with 2 and one sentence for what makes no sense."""
    parser = _Parser(prog="python -m labs.gateway", description="Relay HTTP and WebSocket to one origin.")
    parser.add_argument("origin", metavar="ORIGIN_URL", help="as http://127.0.0.1:8080")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8000, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--leg", choices=LEGS, default="direct", help="who speaks to the origin")
    parser.add_argument("--prefix", default="", help="relay only what is under it, as /shop")
    parser.add_argument(
        "--public", default="", help="the public origin for Location, as https://shop.example"
    )
    parser.add_argument(
        "--upgrades",
        type=_protocols,
        default=Options().upgrades,
        metavar="NAMES",
        help="what may be switched to, with commas between (default: websocket)",
    )
    parser.add_argument("--preserve-host", action="store_true", help="send the client's Host on")
    parser.add_argument(
        "--trust-forwarded", action="store_true", help="keep the client's X-Forwarded-* and X-Real-IP"
    )
    for name in NUMBERS:
        default = getattr(Options(), name)
        kind = float if name.endswith("timeout") else int
        parser.add_argument("--" + name.replace("_", "-"), type=kind, default=default, metavar="N")
    return parser.parse_args(argv)


async def serve(told: argparse.Namespace) -> None:
    """Listen, say where in one line, and stop cleanly at SIGTERM or Ctrl-C. Raise OSError, ValueError."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(name, stop.set)
        except NotImplementedError:  # Windows: the handler wakes the loop itself
            signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop.set))
    options = Options(**{name: getattr(told, name) for name in NAMES})
    runner = Runner(told.origin, options, shutdown_timeout=FINISH)
    await runner.setup()
    try:
        site = web.TCPSite(runner, told.host, told.port, backlog=1024)
        await site.start()
        host, port = runner.addresses[0][:2]
        where = f"[{host}]" if ":" in host else host
        print(f"The gateway to {told.origin} listens at http://{where}:{port}", flush=True)
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):  # Windows hears a signal only when the loop wakes
                await asyncio.wait_for(stop.wait(), 0.5 if sys.platform == "win32" else None)
    finally:
        await runner.cleanup()


def main(argv: list[str] | None = None) -> int:
    """Run until stopped; return the exit code: 0, or 2 after one sentence."""
    take_any_character()
    told = arguments(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        asyncio.run(serve(told))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"The gateway cannot listen at {told.host}:{told.port}: {str(error).rstrip('.')}.",
            file=sys.stderr,
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
