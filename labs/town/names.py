"""Names on loopback: who is called what, on which machine, and where that really is.

A public name means the same for everybody. localhost and 127.0.0.1 mean another computer for everybody: each
machine has its own.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import abc
from aiohttp.helpers import is_ip_address

from labs.capture.recording import Event, Recording
from labs.town.compat import TCPConnector
from labs.town.handshake import Handshakes

__all__ = ["LOCAL", "LOOPBACK", "Address", "Names", "TownError", "connector", "is_local", "split"]

LOOPBACK = "127.0.0.1"
LOCAL = ("localhost", LOOPBACK, "::1")
Address = tuple[str, int]
_NAME = re.compile(r"(?:\[([0-9A-Fa-f:]+)\]|([^\s/:@?#\[\]]+))(?::([0-9]{1,5}))?")


class TownError(Exception):
    """Say in one sentence what was asked of the town that it cannot do."""


def is_local(host: str) -> bool:
    """Tell whether a host name means the machine that uses it (RFC 6761 section 6.3)."""
    return host in ("localhost", "::1") or host.endswith(".localhost") or host.startswith("127.")


def split(name: str, default: int) -> tuple[str, int]:
    """Split "origin.test:8080" into host and port. Raise TownError for what is not a name."""
    match = _NAME.fullmatch(name) if isinstance(name, str) else None
    if match is None or int(match[3] or 1) not in range(1, 1 << 16):
        raise TownError(f'{name!r} is not a name of this town: write "origin.test" or "origin.test:8080".')
    return (match[1] or match[2]).lower(), int(match[3] or default)


class Names:
    """Keep the tables of names: public ones under machine "", local ones under each machine's name."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._open: dict[tuple[str, str, int], Address] = {}
        self._called: dict[tuple[str, str], str] = {}
        self._speakers: dict[int, str] = {}  # local port of a client's socket -> who speaks
        self.handshakes = Handshakes(recording)
        self._nobody: socket.socket | None = None
        self._closed = False

    def key(self, name: str, on: str | None, tls: bool) -> tuple[str, str, int]:
        """Return (machine, host, port) of a name. Raise TownError for a local name without a machine."""
        host, port = split(name, 443 if tls else 80)
        if not is_local(host):
            return "", host, port
        if on is None:
            raise TownError(
                f"{host} is another computer for everybody: say whose with on=, as in on='server'."
            )
        return on, self._alias(on, host, port), port

    def _alias(self, machine: str, host: str, port: int) -> str:
        # localhost, 127.0.0.1 and ::1 are one machine: whatever it was opened as is its name.
        return next((h for m, h, p in self._open if m == machine and p == port), host)

    def add(self, key: tuple[str, str, int], called: str, address: Address) -> None:
        """Enter a server that listens."""
        self._open[key] = address
        self._called[key[:2]] = called

    def remove(self, key: tuple[str, str, int]) -> None:
        """Strike a server that stopped; its name stays known, and refuses."""
        self._open.pop(key, None)

    def public(self) -> dict[str, Address]:
        """Return every public "host:port" that listens."""
        return {f"{host}:{port}": address for (on, host, port), address in self._open.items() if not on}

    def table(self, machine: str) -> tuple[list[tuple[str, int, Address]], list[str]]:
        """Return what a machine can reach: (host, port, address) of what listens, and all known public hosts.

        For clients that need the whole table before they start. A local server stands under every local name.
        """
        listening = [
            (name, port, address)
            for (on, host, port), address in self._open.items()
            if on in ("", machine)
            for name in ((*LOCAL, host) if on else (host,))
        ]
        return listening, [host for on, host in self._called if not on]

    def find(self, who: str, machine: str, host: str, port: int) -> Address:
        """Return where a name leads for `who` on `machine`. Raise TownError for a name that nobody has.

        A known name at which nobody listens leads to an address that refuses for real; both are noted in the
        recording.
        """
        if self._closed:
            raise TownError("This town is closed: use its names inside its block.")
        host = host.lower().rstrip(".")
        table = machine if is_local(host) else ""
        if table:
            host = self._alias(table, host, port)
        if (table, host, port) in self._open:
            return self._open[table, host, port]
        if not table and ("", host) not in self._called:
            self._recording.note(self._recording.call(who, host, host=host, port=port), Event.UNKNOWN_NAME)
            raise TownError(
                f"Nobody in this town is called {host}: open it first with town.open({host!r}, app)."
            )
        called = self._called.get((table, host), f"{host} of {table}" if table else host)
        call = self._recording.call(who, called, host=host, port=port, machine=table)
        self._recording.note(call, Event.REFUSED)
        return self._refusing()

    def _refusing(self) -> Address:
        if self._nobody is None:  # bound, so that nobody else gets the port, and not listening
            self._nobody = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._nobody.bind((LOOPBACK, 0))
        address: Address = self._nobody.getsockname()
        return address

    def socket_for(self, who: str) -> Callable[[tuple[Any, ...]], socket.socket]:
        """Return a factory of sockets that are known to be `who`'s, and reach nobody outside the town."""

        def make(info: tuple[Any, ...]) -> socket.socket:
            family, kind, proto, _, address = info
            inside = {*self._open.values(), *([self._refusing()] if self._nobody else [])}
            if address[:2] not in inside:
                raise OSError(
                    f"{address[0]}:{address[1]} is not in the town, and a lesson reaches nobody else."
                )
            sock = socket.socket(family, kind, proto)
            try:
                sock.setblocking(False)
                sock.bind(
                    (LOOPBACK, 0)
                )  # bound before it connects, so that the server's side knows who calls
                if address[:2] in self._open.values():
                    self._speakers[port := sock.getsockname()[1]] = who
                    self.handshakes.begin(port)
            except BaseException:
                sock.close()
                raise
            return sock

        return make

    def speaker(self, peer: Address, guest: str) -> str:
        """Return whose socket an address is, or the guest."""
        self.handshakes.met(peer[1])
        return self._speakers.pop(peer[1], guest)  # once: the system gives the port to somebody else later

    def close(self) -> None:
        """Give back the one address that refuses, and know nobody any more."""
        self._closed = True
        self._open.clear()
        if self._nobody is not None:
            self._nobody.close()
            self._nobody = None


def connector(names: Names, owner: str, machine: str, **options: Any) -> aiohttp.TCPConnector:
    """Return a TCPConnector that speaks for `owner` from `machine`; `options` go to TCPConnector."""
    fixed = {"use_dns_cache": False, "family": socket.AF_INET, "socket_factory": names.socket_for(owner)}
    made = _Connector(resolver=_Resolver(names, owner, machine), **{**fixed, **options})
    made.names = names
    return made


class _Resolver(abc.AbstractResolver):
    def __init__(self, names: Names, owner: str, machine: str) -> None:
        self._names, self._owner, self._machine = names, owner, machine

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[abc.ResolveResult]:
        try:
            where, real = self._names.find(self._owner, self._machine, host, port)
        except TownError as error:
            raise OSError(None, str(error)) from None
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        found: abc.ResolveResult = {  # a dict, and no call: aiohttp before 3.10 has no such class
            "hostname": host,
            "host": where,
            "port": real,
            "family": family,
            "proto": 0,
            "flags": flags,
        }
        return [found]

    async def close(self) -> None:
        """Hold nothing, so close nothing."""


class _Connector(TCPConnector):
    names: Names

    async def connect(self, req: Any, *args: Any, **kwargs: Any) -> Any:
        with self.names.handshakes.telling(req.connection_key.is_ssl):
            return await super().connect(req, *args, **kwargs)

    async def _resolve_host(self, host: str, port: int, traces: Any = None) -> list[abc.ResolveResult]:
        # aiohttp does not ask a resolver about 127.0.0.1, ::1 and 10.0.0.1; in the town they are names like
        # others.
        if is_ip_address(host):
            return await self._resolver.resolve(host, port)
        return await super()._resolve_host(host, port, traces)
