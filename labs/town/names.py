"""Names on loopback: who is called what, on which machine, and where that really is.

A public name means the same for everybody. localhost and 127.0.0.1 mean another computer for everybody: each
machine has its own.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import abc
from aiohttp.helpers import is_ip_address
from yarl import URL

from labs.capture.recording import Event, Recording
from labs.town.compat import TCPConnector
from labs.town.handshake import Handshakes

__all__ = ["LOCAL", "LOOPBACK", "Address", "Names", "TownError", "connector", "is_local", "split"]

LOOPBACK = "127.0.0.1"
LOCAL = ("localhost", LOOPBACK, "::1")
Address = tuple[str, int]
Key = tuple[str, str, int]  # machine ("" for a public name), host, port
_NAME = re.compile(r"(?:(\[[0-9A-Fa-f:]+\])|([^\s/:@?#\[\]]+))(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
LONGEST = 253  # characters of a name: RFC 1035 section 2.3.4


class TownError(Exception):
    """Say in one sentence what was asked of the town that it cannot do."""


def is_local(host: str) -> bool:
    """Tell whether a host name means the machine that uses it (RFC 6761 section 6.3)."""
    return host in ("localhost", "::1") or host.endswith(".localhost") or host.startswith("127.")


def split(name: str, default: int, *, sought: bool = False) -> tuple[str, int]:
    """Split "origin.test:8080" into host and port, the host as clients ask for it.

    That is lower case, without a final dot, and in ASCII: "한국.test" is xn--3e0b707e.test (RFC 5890). Raise
    TownError for what is not a name, or one that no client can ask for, unless it is `sought`: nobody has it.
    """
    match = _NAME.fullmatch(name) if isinstance(name, str) else None
    if match is None or int(match[3] or 1) not in range(1, 1 << 16):
        raise TownError(f'{name!r} is not a name of this town: write "origin.test" or "origin.test:8080".')
    written = match[1] or match[2].lower().removesuffix(".")
    host = _host(written)
    if not (host or sought):
        raise TownError(
            f"{name!r} is not a name that a client can ask for: between its dots stand 1 to 63 letters, "
            "digits and hyphens, 253 in all (RFC 1123 section 2.1)."
        )
    return host or written, int(match[3] or default)


def _host(written: str) -> str:
    try:
        url = URL(f"http://{written}/")  # as aiohttp does it
        host = url.raw_host or ""
        if ":" in host:
            return str(ipaddress.ip_address(host))
        fits = bool(url.host) and len(host) <= LONGEST and all(map(_LABEL.fullmatch, host.split(".")))
    except ValueError:
        return ""
    return host if fits else ""


def readable(host: str) -> str:
    """Return a host as it is read: xn--3e0b707e.test is "한국.test"."""
    try:
        return (URL(f"http://{host}/").host if "xn--" in host else None) or host
    except ValueError:
        return host


class Names:
    """Keep the tables of names: public ones under machine "", local ones under each machine's name."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._open: dict[Key, Address] = {}
        self._doors: dict[Key, Callable[[str], Address]] = {}
        self._called: dict[tuple[str, str], str] = {}
        self._speakers: dict[int, str] = {}  # local port of a client's socket -> who speaks
        self.handshakes = Handshakes(recording)
        self._nobody: socket.socket | None = None
        self._closed = False

    def key(self, name: str, on: str | None, tls: bool) -> Key:
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

    def add(
        self,
        key: Key,
        called: str,
        address: Address,
        door: Callable[[str], Address] | None = None,
    ) -> None:
        """Enter a server that listens. `door` gives an address of its own to a guest."""
        self._open[key] = address
        self._doors[key] = door or (lambda guest: address)
        self._called[key[:2]] = called

    def remove(self, key: Key) -> None:
        """Strike a server that stopped; its name stays known, and refuses."""
        self._open.pop(key, None)
        self._doors.pop(key, None)

    def public(self) -> dict[str, Address]:
        """Return every public "host:port" that listens."""
        return {
            f"{readable(host)}:{port}": address for (on, host, port), address in self._open.items() if not on
        }

    def table(
        self, machine: str, door: Callable[[Key], str]
    ) -> tuple[list[tuple[str, int, Address]], list[str]]:
        """Return what a machine can reach: (host, port, address) of what listens, and all known public hosts.

        For clients that need the whole table before they start. A local server stands under every local name.
        `door` says whose address it is to be.
        """
        listening = [
            (name, port, self._address(key, door(key)))
            for key in self._open
            for on, host, port in [key]
            if on in ("", machine)
            for name in ((*LOCAL, host) if on else (host,))
        ]
        return listening, [host for on, host in self._called if not on]

    def _address(self, key: Key, door: str) -> Address:
        return self._doors[key](door) if door else self._open[key]

    def find(
        self, who: str, machine: str, host: str, port: int, door: Callable[[Key], str] = lambda key: ""
    ) -> Address:
        """Return where a name leads for `who` on `machine`. Raise TownError for a name that nobody has.

        A known name at which nobody listens leads to an address that refuses for real; both are noted in the
        recording. `door` says which guest is to have an address of its own, "" for none.
        """
        if self._closed:
            raise TownError("This town is closed: use its names inside its block.")
        host = host.lower().removesuffix(".")
        table = machine if is_local(host) else ""
        if table:
            host = self._alias(table, host, port)
        if (key := (table, host, port)) in self._open:
            return self._address(key, door(key))
        if not table and ("", host) not in self._called:
            name = readable(host)
            self._recording.note(self._recording.call(who, name, host=host, port=port), Event.UNKNOWN_NAME)
            raise TownError(
                f"Nobody in this town is called {name}: open it first with town.open({name!r}, app)."
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

    def speaker(self, peer: Address, guest: str = "") -> str:
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
    """Return a TCPConnector that speaks for `owner` from `machine`; `options` go to TCPConnector.

    Raise TownError for one that would lead out of the town, or nowhere.
    """
    family = options.get("family", socket.AF_INET)
    wrong = [*({"resolver", "socket_factory", "local_addr"} & options.keys())]
    if wrong or family not in (socket.AF_INET, socket.AF_UNSPEC):
        raise TownError(
            f"A connector of the town takes no {', '.join(sorted(wrong)) or 'family but AF_INET'}: its names "
            f"lead to {LOOPBACK}, from a port that is known to be its owner's. Leave the option out."
        )
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
            "family": socket.AF_INET,
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
