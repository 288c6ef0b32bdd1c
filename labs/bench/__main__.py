"""python -m labs bench: what the lab costs, or with the word `proxies`, proxies side by side."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of the two benchmarks and return its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] == "proxies":
        from labs.bench import proxies

        return proxies.main(argv[1:])
    from labs.bench import town  # alone: what the lab costs is measured without matplotlib in the process

    return town.main(argv)


if __name__ == "__main__":
    sys.exit(main())
