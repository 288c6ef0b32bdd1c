"""The list of what a reverse proxy owes, put to any proxy over raw sockets.

`checks()` is the list, `run(in_town(build))` puts it to a proxy, `matrix` sets several side by side. A check
holds both ends: a raw client in front of the proxy, and a raw origin behind it.
"""

from labs.conformance.exchange import Heard
from labs.conformance.registry import Check, Failed, NotApplicable, check, checks, demand, select
from labs.conformance.report import by_topic
from labs.conformance.results import Result, Results, dump, explain, matrix, run, suspicious
from labs.conformance.sites import CONNECT, TARGET, Site, in_town, outside
from labs.conformance.stand import Stand

__all__ = [
    "CONNECT",
    "TARGET",
    "Check",
    "Failed",
    "Heard",
    "NotApplicable",
    "Result",
    "Results",
    "Site",
    "Stand",
    "by_topic",
    "check",
    "checks",
    "demand",
    "dump",
    "explain",
    "in_town",
    "matrix",
    "outside",
    "run",
    "select",
    "suspicious",
]
