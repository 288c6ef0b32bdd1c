"""The counter of a load finds where an answer ends."""

import pytest

from labs.bench.load import Counter


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_the_counter_finds_the_end_in_pieces_of_any_size(step: int) -> None:
    chunks = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"
    )
    for data, body in ((chunks, 13), (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", 4)):
        counter = Counter()
        for at in range(0, len(data), step):
            assert not counter.over
            counter.feed(data[at : at + step])
        assert counter.over and counter.body == body and counter.raw == len(data)
