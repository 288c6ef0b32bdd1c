"""Servers by name on loopback, and the tap that records every byte.

The only package that listens for a lesson. It may reach into aiohttp's runner, resolver and connector;
nobody in it can reach the internet. It takes from `capture`.
"""

from labs.town.gates import Gate, GateStuck
from labs.town.names import TownError
from labs.town.town import Town

__all__ = ["Gate", "GateStuck", "Town", "TownError"]
