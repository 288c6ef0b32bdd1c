"""An origin with the vocabulary of httpbin: in a town it is httpbin.org, and a terminal can ask it, too.

It takes nothing from labs.
"""

from labs.servers.httpbin.app import origin

__all__ = ["origin"]
