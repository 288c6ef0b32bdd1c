"""A certificate authority made at run time: no key is kept in git, and none outlives the process."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

__all__ = ["Authority"]


class Authority:
    """Issue certificates for names, and make contexts that trust nobody else.

    Nothing stays on disk: a file lives only while OpenSSL reads it. Source: trustme's documentation.
    """

    def __init__(self) -> None:
        self._ca = trustme.CA(organization_name="The lab", organization_unit_name="made at run time")
        self._pins: list[str] = []
        self._client: ssl.SSLContext | None = None

    def server_context(self, *names: str) -> ssl.SSLContext:
        """Return the context of a server whose certificate is good for `names`: host names or IP addresses.

        Raise ValueError for no name, or for one that cannot stand in a certificate.
        """
        if not names:
            raise ValueError("A certificate needs a name: write server_context('origin.test').")
        try:
            issued = self._ca.issue_cert(*names)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{', '.join(map(repr, names))} cannot stand in a certificate: "
                "give host names like 'origin.test' or IP addresses."
            ) from error
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        issued.configure_cert(context)
        context.set_alpn_protocols(["http/1.1"])  # curl and browsers offer h2, which aiohttp does not speak
        self._pins.append(_pin(issued.cert_chain_pems[0].bytes()))
        return context

    def client_context(self) -> ssl.SSLContext:
        """Return the context of a client that trusts this authority only (names: RFC 9110, 4.3.4).

        It is one for all who ask: make no changes to it.
        """
        if self._client is None:  # lesson 08 asks 300 times, and each new one reads the certificate again
            self._client = ssl.create_default_context(cadata=self.pem.decode("ascii"))
        return self._client

    @property
    def pem(self) -> bytes:
        """The authority's certificate, as PEM, without its key."""
        return self._ca.cert_pem.bytes()

    @contextlib.contextmanager
    def pem_file(self) -> Iterator[Path]:
        """Hold the certificate in a file, for clients that read one; the file is removed at the end."""
        with tempfile.TemporaryDirectory(prefix="lab-ca-") as folder:
            path = Path(folder, "ca.pem")
            path.write_bytes(self.pem)
            yield path

    @property
    def pins(self) -> tuple[str, ...]:
        """The certificates issued so far, as base64 of the SHA-256 of the public key (RFC 7469, 2.4).

        For Chromium, which reads no file of authorities: `--ignore-certificate-errors-spki-list`. It then
        accepts these keys under every name, so it cannot show a wrong name.
        """
        return tuple(self._pins)


def _pin(pem: bytes) -> str:
    key = x509.load_pem_x509_certificate(pem).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode("ascii")
