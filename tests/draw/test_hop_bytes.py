"""Bytes by hop: counted by what they are, and said without their number."""

from __future__ import annotations

from labs.draw.views import bytes_view
from tests.draw.support import FINDING, POST, SIDES, SURPLUS, Words, trace


def test_bytes_are_counted_by_hop_and_piece(written: Words) -> None:
    side = trace(("client", "front", POST, 0), ("front", "client", SURPLUS, 0))
    figure = bytes_view({"side": side, "other": trace()}, finding=FINDING)
    words = [it for it, _ in written]
    assert f"{len(POST.raw)} bytes: {len(POST.raw) - 5} head, 5 body" in words
    assert f"{len(SURPLUS.raw) + 23} bytes: {len(SURPLUS.raw) - 5} head, 5 body, 23 surplus" in words
    assert "Nothing crossed." in words
    assert figure.alt == (
        f"{FINDING} Bytes that crossed. side: client to front, head and body; "
        "front to client, head and body and surplus. other: nothing crossed."
    )


def test_bytes_to_one_party_only(written: Words) -> None:
    figure = bytes_view(SIDES, finding=FINDING, whom="origin")
    assert [words for words, _ in written if "→" in words] == ["client → origin", "front → origin"]
    assert "redirect: client to origin, head. proxy: front to origin, head and body." in figure.alt
