"""Where a body ends, however its bytes come: by its length, by its chunks, or with the connection."""

import pytest

from labs.gateway.framing import LINE_LIMIT, ByChunks, ByClose, ByLength, Framing, framing
from labs.gateway.head import CHUNKED, UNTIL_CLOSE
from labs.gateway.leg import Fields, Malformed

CHUNKS = b'3;a="b"\r\nabc\r\nA \r\n0123456789\r\n0\r\nX-Sum: 13\r\nx-sum:\t14 \r\n\r\n'
TRAILERS: Fields = [(b"X-Sum", b"13"), (b"x-sum", b"14")]


def fed(reader: Framing, data: bytes, step: int) -> bytes:
    """Feed a reader in pieces of one size; return what it gave for the body."""
    return b"".join(piece for at in range(0, len(data), step) for piece in reader.feed(data[at : at + step]))


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_chunks_are_read_in_pieces_of_any_size(step: int) -> None:
    reader = ByChunks(1000)
    assert fed(reader, CHUNKS[:-1], step) == b"abc0123456789" and not reader.over
    assert reader.feed(CHUNKS[-1:]) == []
    assert (reader.over, reader.rest, reader.trailers) == (True, b"", TRAILERS)


def test_what_follows_the_last_chunk_is_the_rest() -> None:
    reader = ByChunks(1000)
    assert b"".join(reader.feed(CHUNKS + b"HTTP/1.1 200 OK\r\n")) == b"abc0123456789"
    assert (reader.over, reader.rest, reader.trailers) == (True, b"HTTP/1.1 200 OK\r\n", TRAILERS)


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"zz\r\n", "bad size of a chunk"),
        (b"\r\n", "bad size of a chunk"),
        (b"-1\r\n", "bad size of a chunk"),
        (b"0x3\r\nabc\r\n", "bad size of a chunk"),
        (b"3\nabc\r\n", "bad size of a chunk"),
        (b"3 4\r\nabc\r\n", "bad size of a chunk"),
        (b"3;a\0\r\nabc\r\n", "bad size of a chunk"),
        (b"1000000000000000\r\n", "bad size of a chunk"),
        (b"3\r\nabcd\r\n", "a chunk is longer than its size"),
        (b"3\r\nabc\n0\r\n\r\n", "a chunk is longer than its size"),
        (b"3;" + b"x" * LINE_LIMIT, "the line of a chunk has no end"),
        (b"0\r\nX y: 1\r\n\r\n", "not a trailer section"),
        (b"0\r\nX: " + b"y" * 100, "the trailers are too long"),
    ],
)
def test_what_is_no_chunk_is_malformed(data: bytes, words: str, step: int) -> None:
    with pytest.raises(Malformed, match=words):
        fed(ByChunks(50), data, step)


@pytest.mark.parametrize("step", [1, 2, 1000])
def test_a_length_is_counted_and_what_comes_after_is_the_rest(step: int) -> None:
    reader = ByLength(5)
    assert fed(reader, b"hell", step) == b"hell" and not reader.over
    assert reader.feed(b"o, and more") == [b"o"]
    assert (reader.over, reader.rest) == (True, b", and more")


def test_a_body_of_no_bytes_is_over_at_once_and_one_until_the_end_never() -> None:
    assert ByLength(0).over
    reader = ByClose()
    assert fed(reader, b"anything\r\n\r\n", 3) == b"anything\r\n\r\n" and not reader.over


@pytest.mark.parametrize(("kind", "reader"), [(CHUNKED, ByChunks), (UNTIL_CLOSE, ByClose), (0, ByLength)])
def test_a_head_says_who_reads_the_body(kind: int, reader: type) -> None:
    assert type(framing(kind, 100)) is reader


def test_zeros_before_a_size_mean_nothing_however_many_there_are() -> None:
    reader = ByChunks(1000)
    assert b"".join(reader.feed(b"0" * 40 + b"2\r\nok\r\n" + b"0" * 40 + b"\r\n\r\n")) == b"ok"
    assert reader.over
