"""What a reverse proxy owes, check by check, over raw sockets.

A check holds both ends: a raw client in front of the proxy, and a raw origin behind it. `checks()` is the
list, `try_proxy` puts it to a proxy of yours, `matrix` sets several side by side. It may start a proxy
and stop it; only its command knows the gateway and nginx. It takes from `town`.
"""

from labs.conformance.exchange import Exchange
from labs.conformance.registry import Check, checks
from labs.conformance.report import Report, by_topic, explain, matrix, suspicious
from labs.conformance.result import Result, Results
from labs.conformance.runner import try_proxy
from labs.conformance.sites import CONNECT, TARGET, Site, in_town, outside
from labs.conformance.stand import Stand
from labs.conformance.verdict import Failed, NotApplicable

__all__ = [
    "CONNECT",
    "TARGET",
    "Check",
    "Exchange",
    "Failed",
    "NotApplicable",
    "Report",
    "Result",
    "Results",
    "Site",
    "Stand",
    "by_topic",
    "checks",
    "explain",
    "in_town",
    "matrix",
    "outside",
    "suspicious",
    "try_proxy",
]
