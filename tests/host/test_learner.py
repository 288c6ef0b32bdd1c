"""Only a kernel of Jupyter is a learner's, and only as long as nobody says that it is strict."""

import sys
from types import SimpleNamespace

import pytest

from labs.host.learner import STRICT, strict


@pytest.mark.parametrize(
    ("shell", "expected"),
    [(None, True), (SimpleNamespace(), True), (SimpleNamespace(kernel=object()), False)],
    ids=["no shell", "a terminal", "a kernel"],
)
def test_only_a_kernel_is_a_learners(shell: object, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STRICT, raising=False)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert strict() is expected
    monkeypatch.setenv(STRICT, "1")
    assert strict()
    monkeypatch.setenv(STRICT, "0")
    assert not strict()


def test_without_ipython_everything_is_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STRICT, raising=False)
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert strict()
