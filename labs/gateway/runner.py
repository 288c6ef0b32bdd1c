"""Run the gateway without an Application around it: one handler needs no router."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from labs.gateway.direct.pool import Dial
from labs.gateway.options import Options
from labs.gateway.refusal import Quiet, plain_request
from labs.gateway.relay import Relay
from labs.gateway.session.leg import ConnectorFactory
from labs.host.proactor import mend

__all__ = ["Runner", "handler_args", "server"]


def handler_args(options: Options) -> dict[str, Any]:
    """Return what aiohttp's side of a client's connection is told."""
    return {
        "auto_decompress": False,  # a content coding is the client's and the origin's affair
        "handler_cancellation": True,  # who leaves takes its request to the origin along
        "keepalive_timeout": options.client_timeout,
        "lingering_time": options.linger,
        "logger": Quiet(),
        "max_field_size": options.max_field,
        "max_line_size": options.max_field,
        "max_headers": options.max_fields,
        "read_bufsize": 1 << 15,  # of an upload that waits for the origin; aiohttp reads on up to twice of it
    }


def server(relay: Relay, options: Options) -> web.Server:
    """Return what makes one protocol a connection, each of whose requests goes to `relay`."""
    args = {**handler_args(options), "access_log": None}
    return web.Server(relay.handle, request_factory=plain_request, **args)


class Runner(web.ServerRunner):
    """Serve the gateway; `web.TCPSite(runner, ...)` says where. Made while the loop runs.

    Arguments are those of `gateway`. `cleanup` gives running requests `shutdown_timeout` seconds, ends
    tunnels at once, and closes what goes to the origin. Raise ValueError for an origin that is no such URL.
    """

    def __init__(
        self,
        origin: str,
        options: Options = Options(),  # noqa: B008  frozen
        *,
        connector: ConnectorFactory | None = None,
        dial: Dial | None = None,
        shutdown_timeout: float = 60.0,
    ) -> None:
        self._relay = Relay.over(origin, options, connector, dial)
        super().__init__(server(self._relay, options), shutdown_timeout=shutdown_timeout)

    async def setup(self) -> None:
        """Make ready to serve."""
        mend()
        await super().setup()

    async def shutdown(self) -> None:
        """End the tunnels: aiohttp calls this when no new connection can come."""
        await self._relay.end_tunnels()

    async def cleanup(self) -> None:
        """Stop, and close every connection to the origin."""
        await super().cleanup()
        await self._relay.stop()
