"""The proxy dojo: put your own proxy to the conformance list, and see which checks pass.

A proxy is a factory as in labs.fronts, (target, connect) -> handler or application; or a handler alone, which
finds the same two in `request.config_dict[TARGET]` and `request.config_dict[CONNECT]`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from labs.conformance.results import PASSED, Results, explain, run
from labs.conformance.sites import CONNECT, TARGET, Site, in_town
from labs.show.page import Page

__all__ = ["CONNECT", "TARGET", "Report", "try_proxy"]

SHOWN = 3  # failing checks whose bytes are shown: the next ones come when these pass


@dataclass(frozen=True)
class Report:
    """Hold what the list found of a proxy; its repr says it by topic, and shows the first failing checks."""

    results: Results

    @property
    def passed(self) -> tuple[str, ...]:
        """The ids of the checks that pass."""
        return self.results.ids(PASSED)

    @property
    def missing(self) -> tuple[str, ...]:
        """The ids of those that do not, in the order of the list; what is not applicable is in neither."""
        return tuple(it.id for it in self.results.results if it.verdict in ("failed", "broken"))

    def __repr__(self) -> str:
        passed, of = self.results.score
        lines = [f"{passed} of {of} checks pass", ""]
        topics = dict.fromkeys(it.topic for it in self.results.results)
        wide = max(map(len, topics), default=0)
        for topic in topics:
            mine = [it for it in self.results.results if it.topic == topic and it.verdict != "not applicable"]
            failed = [it.id for it in mine if it.verdict != PASSED]
            mark, rest = ("✗", "  not yet: " + " ".join(failed)) if failed else ("✓", "")
            name = topic.replace("_", "-").ljust(wide)
            lines.append(f"{mark} {name}  {len(mine) - len(failed):2} of {len(mine):2}{rest}")
        first = [it for it in self.results.results if it.id in self.missing[:SHOWN]]
        if first:
            lines += ["", str(explain(Results(tuple(first))))]
        if len(self.missing) > SHOWN:
            lines += ["", f"… and {len(self.missing) - SHOWN} more: put right what is shown, and run again."]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return Page(repr(self))._repr_html_()


async def try_proxy(proxy: Callable[..., Any], *, only: str | Iterable[str] | None = None) -> Report:
    """Put the checks to a proxy, each with a proxy and an origin of its own; `only` names topics or ids.

    Nothing the proxy does raises. Raise TypeError for what is no proxy, ValueError for an unknown name in
    `only`.
    """
    return Report(await run(in_town(_build(proxy)), only=only))


def _build(proxy: Callable[..., Any]) -> Callable[[Site], Any]:
    if isinstance(proxy, web.Application) or not callable(proxy):
        raise TypeError(
            "Each check needs a proxy of its own: give the function that makes it, (target, connect) -> "
            f"handler, or a handler; not {type(proxy).__name__}."
        )
    if inspect.iscoroutinefunction(proxy):
        return lambda site: proxy
    if len(inspect.signature(proxy).parameters) == 1:
        return proxy
    return lambda site: proxy(site.target, site.connect)
