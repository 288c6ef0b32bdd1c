"""What a learner sees of a proxy that is not ready yet."""

from labs.servers.fronts import posted, typical
from tests.conformance.support import train


def test_a_factory_sees_what_passes_and_the_bytes_of_what_does_not() -> None:
    found = train(posted, only=["codings", "redirects", "METHOD-3", "FIELD-4"])
    text = repr(found)
    assert text.startswith(f"{len(found.passed)} of {len(found.passed) + len(found.missing)} checks pass\n")
    assert "METHOD-3" in found.passed and "✓ methods    " in text
    assert {"CODE-1", "REDIR-1", "FIELD-4"} <= set(found.missing)
    assert "✗ CODE-1 (RFC 9110 section 7.7): a gzip body passes byte for byte" in text
    assert "hint: Do not decode: ClientSession(auto_decompress=False)" in text
    assert "GET / HTTP/1.1\\r\\n" in text and "client → proxy" in text
    assert "✗ CODE-4" not in text and "more: put right what is shown" in text
    assert found._repr_html_().startswith("<pre")


def test_what_the_learner_repairs_turns_green() -> None:
    before, after = (train(proxy, only=["REDIR-1", "CODE-6"]) for proxy in (posted, typical))
    assert (before.passed, after.missing) == ((), ())
    assert repr(after) == "2 of 2 checks pass\n\n✓ codings     1 of  1\n✓ redirects   1 of  1"
