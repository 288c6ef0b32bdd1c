"""One route for everything: any method, any target, and no 100 before the origin has said so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp.web_urldispatcher import MatchedSubAppResource
from yarl import URL

__all__ = ["add_catch_all"]


async def _no_answer(request: web.Request) -> None:
    # aiohttp would say 100 Continue at once; here the origin says it, or the leg when it takes the body.
    return None


class _Everything(MatchedSubAppResource):
    # Not add_route("*", "/{path:.*}"): the router looks for it path by path, and finds no path in the targets
    # of CONNECT and of `GET http://host`. What matches by domain is asked first, and this matches every one.

    def __init__(self, handler: Handler) -> None:
        web.AbstractResource.__init__(self)
        self._route = web.ResourceRoute("*", handler, self, expect_handler=_no_answer)

    @property
    def canonical(self) -> str:
        return "/"

    def url_for(self, *args: str, **kwargs: str) -> URL:
        return URL("/")

    async def resolve(self, request: web.Request) -> tuple[web.UrlMappingMatchInfo, set[str]]:
        return web.UrlMappingMatchInfo({}, self._route), set()

    def add_prefix(self, prefix: str) -> None:
        """Stay the same: under a prefix, Options.prefix says what is relayed."""

    def get_info(self) -> Any:
        return {"path": "/"}

    def raw_match(self, path: str) -> bool:
        return True

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return iter((self._route,))


def add_catch_all(app: web.Application, relay: Handler) -> None:
    """Let `relay` answer every request of `app`, also one whose target aiohttp's router cannot resolve."""
    app.router.register_resource(_Everything(relay))
