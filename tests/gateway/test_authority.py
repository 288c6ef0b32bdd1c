"""The grammar of host and port."""

import pytest

from labs.gateway.authority import is_authority

HOSTS = (
    b"a",
    b"a.test",
    b"A-b_c~d!$&'()*+,;=",
    b"%41",
    b"127.0.0.1",
    b"999.1.1.1",
    b"[::1]",
    b"[::ffff:1.2.3.4]",
    b"[v1.a:b]",
)
PORTS = (b"", b":", b":1", b":80", b":65535", b":000000080")
NONE = (
    b"",
    b":80",
    b"a:x",
    b"a:-1",
    b"a:+1",
    b"a:0",
    b"a:65536",
    b"a:" + b"9" * 5000,
    b"a:80:80",
    b"a: 80",
    b"::1",
    b"[::1",
    b"[::1]x",
    b"[::g]",
    b"[]",
    b"[1.2.3.4]",
    b"[fe80::1%25eth0]",
    b"u@a",
    b"u:p@a",
    b"a b",
    b"a/b",
    b"a?b",
    b"a#b",
    b'a"b',
    b"a\\b",
    b"%4",
    b"%zz",
    b"a\tb",
    b"\xc3\xbc",
    b"a\n",
)


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_may_have_a_port(host: bytes) -> None:
    assert [port for port in PORTS if not is_authority(host + port)] == []


@pytest.mark.parametrize("value", NONE)
def test_what_is_no_host_is_none(value: bytes) -> None:
    assert not is_authority(value)
