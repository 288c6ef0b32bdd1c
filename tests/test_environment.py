"""What names a proxy is left out of an environment, and nothing else."""

import os

import pytest

from labs.environment import is_proxy_variable, put_back, set_aside, without_proxies


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "All_Proxy", "NO_PROXY", "wss_proxy"])
def test_what_names_a_proxy_is_left_out(name: str) -> None:
    given = {name: "http://10.0.0.1:3128", "PATH": "/bin"}
    assert is_proxy_variable(name)
    assert without_proxies(given) == {"PATH": "/bin"} and len(given) == 2


@pytest.mark.parametrize("name", ["PATH", "PROXY", "HTTP_PROXY_PORT", "REQUEST_METHOD", ""])
def test_what_names_none_stays(name: str) -> None:
    assert not is_proxy_variable(name) and without_proxies({name: "x"}) == {name: "x"}


def test_the_copy_is_of_this_process_unless_another_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://10.0.0.1:3128")
    monkeypatch.setenv("LAB_MARK", "here")
    copy = without_proxies()
    assert copy["LAB_MARK"] == "here" and "HTTP_PROXY" not in copy and "HTTP_PROXY" in os.environ


def test_what_is_set_aside_comes_back_with_the_last_who_needs_it_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://10.0.0.1:3128")
    monkeypatch.setenv("LAB_MARK", "here")
    for _ in range(2):
        set_aside()
        set_aside()
        assert "HTTP_PROXY" not in os.environ and os.environ["LAB_MARK"] == "here"
        put_back()
        assert "HTTP_PROXY" not in os.environ
        put_back()
        assert os.environ["HTTP_PROXY"] == "http://10.0.0.1:3128"
