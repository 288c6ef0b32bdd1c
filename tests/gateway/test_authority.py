"""What may stand in Host: a host by its grammar, with a port that TCP has, and nothing else."""

import pytest

from labs.gateway.authority import is_authority


@pytest.mark.parametrize(
    "value",
    [
        "a",
        "Origin.test:80",
        "origin.test.",
        "origin.test:",
        "origin.test:00080",
        "origin.test:65535",
        "a_b-c~!$&'()*+,;=.test",
        "%41%c3%a4.test",
        "127.0.0.1:8080",
        "[::1]",
        "[2001:db8::192.0.2.1]:443",
        "[v1.fe80::a+en1]",
    ],
)
def test_a_host_with_a_port_or_without_one_is_an_authority(value: str) -> None:
    assert is_authority(value.encode())


@pytest.mark.parametrize(
    "value",
    [
        "",
        ":80",
        "a b",
        "a/b",
        "a\\b",
        "a?b",
        "a#b",
        "user@a",
        "a:b",
        "a:-1",
        "a:0",
        "a:65536",
        "a:123456",
        "a:80:80",
        "a:80\n",
        "%4.test",
        "%zz.test",
        "ä.test",
        "a\0",
        "::1",
        "[::1",
        "::1]",
        "[]",
        "[a.test]",
        "[:::1]",
        "[1.2.3.4]",
        "[::1%25en1]",
        "[v1.]",
        "[v.a]",
        "[::1]a",
    ],
)
def test_what_is_none_is_none(value: str) -> None:
    assert not is_authority(value.encode())
