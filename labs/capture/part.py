"""Bytes that the recording does not hold as a whole: what is known of them is told, and nothing else."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["NotKept", "Part", "cut", "kept"]


class NotKept(LookupError):
    """Say that the answer lies in bytes that crossed and were not kept."""


class Part:
    """Hold the beginning of bytes that crossed: `kept`, of `size` bytes. It is no bytes, nor equal to any.

    `size` is None where nobody can count them: the chunks of a body that were not kept. What the beginning
    and the size tell is told: the length, a slice within, a difference. All else raises NotKept.
    """

    def __init__(self, kept: bytes, size: int | None) -> None:
        self.kept, self.size = kept, size

    def __repr__(self) -> str:
        return f"<the first {len(self.kept)} of {'?' if self.size is None else self.size} bytes>"

    def __len__(self) -> int:
        return self._refuse() if self.size is None else self.size

    def __bool__(self) -> bool:
        return bool(self.kept) or len(self) > 0

    def __getitem__(self, place: slice) -> bytes | Part:
        if not isinstance(place, slice) or place.step not in (None, 1) or (place.start or 0) < 0:
            self._refuse()
        start, stop = place.start or 0, place.stop
        if stop is not None and 0 <= stop <= len(self.kept):
            return self.kept[place]
        if stop is None:
            return Part(self.kept[start:], None if self.size is None else max(self.size - start, 0))
        self._refuse()

    def __contains__(self, some: bytes) -> bool:
        return some in self.kept or self._refuse()

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Part | bytes):
            return NotImplemented
        beginning, size = (other.kept, other.size) if isinstance(other, Part) else (other, len(other))
        both = min(len(self.kept), len(beginning))
        if self.kept[:both] != beginning[:both]:
            return False
        if None not in (self.size, size) and self.size != size:
            return False
        if (size is not None and size < len(self.kept)) or (
            self.size is not None and self.size < len(beginning)
        ):
            return False
        self._refuse()

    def __hash__(self) -> int:
        self._refuse()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(bytes, name):
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        self._refuse()

    def __bytes__(self) -> bytes:
        self._refuse()

    def __iter__(self) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        of = "" if self.size is None else f" of {self.size}"
        raise NotKept(
            f"Of these bytes the recording keeps the first {len(self.kept)}{of}, and the answer lies in the "
            "others: open the town with a larger keep=, as in Town(keep=64 << 20)."
        )


def cut(stream: bytes, begin: int, end: int) -> Any:
    """Return the bytes of a place in a stream of which `stream` was kept: a Part where some are missing."""
    some = stream[begin:end]
    return some if len(some) == end - begin else Part(some, end - begin)


def kept(data: bytes | Part) -> bytes:
    """Return what was kept: all of it, or the beginning of a Part."""
    return data.kept if isinstance(data, Part) else data
