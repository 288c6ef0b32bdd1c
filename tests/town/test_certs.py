"""The authority: trusted by its own contexts, for the names it was asked for, and by nobody else."""

from __future__ import annotations

import base64
import contextlib
import ssl

import pytest

from labs.town.certs import Authority


def shake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """Let two contexts shake hands in memory, without a socket, and return the client's side."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(down, up, server_hostname=name)
    theirs = server.wrap_bio(up, down, server_side=True)
    for _ in range(3):
        for side in (ours, theirs):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    assert ours.version(), "the handshake did not end"
    return ours


def test_a_name_it_certified_is_trusted_and_speaks_http_1() -> None:
    ca = Authority()
    client = ca.client_context()
    client.set_alpn_protocols(["h2", "http/1.1"])
    ours = shake(ca.server_context("origin.test", "127.0.0.1"), client, "origin.test")
    assert ours.selected_alpn_protocol() == "http/1.1"
    assert ("DNS", "origin.test") in ours.getpeercert()["subjectAltName"]  # type: ignore[index]
    shake(ca.server_context("127.0.0.1"), ca.client_context(), "127.0.0.1")


def test_another_name_is_refused() -> None:
    ca = Authority()
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for 'other.test'"):
        shake(ca.server_context("origin.test"), ca.client_context(), "other.test")


def test_another_authority_is_refused() -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer|self-signed"):
        shake(Authority().server_context("origin.test"), Authority().client_context(), "origin.test")


def test_the_system_does_not_trust_it_and_it_does_not_trust_the_system() -> None:
    ca = Authority()
    assert len(ca.client_context().get_ca_certs()) == 1
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(ca.server_context("origin.test"), ssl.create_default_context(), "origin.test")


def test_the_file_holds_the_certificate_without_its_key_and_is_removed() -> None:
    ca = Authority()
    with pytest.raises(KeyError), ca.pem_file() as path:
        assert path.read_bytes() == ca.pem
        assert b"PRIVATE" not in ca.pem
        context = ssl.create_default_context(cafile=path)
        raise KeyError("an experiment that fails")
    assert not path.exists() and not path.parent.exists()
    shake(ca.server_context("origin.test"), context, "origin.test")


def test_each_certificate_has_its_pin() -> None:
    ca = Authority()
    assert list(ca.pins) == []
    ca.server_context("origin.test")
    ca.server_context("origin.test")
    assert len(set(ca.pins)) == 2
    assert all(len(base64.b64decode(pin)) == 32 for pin in ca.pins)


@pytest.mark.parametrize("name", ["", "two words", "http://origin.test", "a_b.test"])
def test_what_is_no_name_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(
        ValueError, match=r"cannot stand in a certificate: give host names like 'origin\.test'"
    ):
        Authority().server_context(name)


def test_no_name_is_refused_in_one_sentence() -> None:
    with pytest.raises(ValueError, match="needs a name"):
        Authority().server_context()
