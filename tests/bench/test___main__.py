"""The word `proxies` chooses the benchmark, and each takes into its process what it needs."""

import subprocess
import sys

import pytest

from labs.bench import __main__, proxies, town
from labs.host import paths


@pytest.mark.parametrize(
    ("words", "chosen", "passed_on"),
    [
        ([], town, []),
        (["--rounds", "3"], town, ["--rounds", "3"]),
        (["proxies"], proxies, []),
        (["proxies", "--only", "nginx"], proxies, ["--only", "nginx"]),
    ],
)
def test_a_word_chooses(
    words: list[str], chosen: object, passed_on: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(town, "main", lambda argv: (town, argv))
    monkeypatch.setattr(proxies, "main", lambda argv: (proxies, argv))
    done: object = __main__.main(words)
    assert done == (chosen, passed_on)


def test_what_the_lab_costs_is_measured_without_matplotlib() -> None:
    program = "import sys; from labs.bench import __main__; print(__main__.main(['--rounds', '2'])); "
    program += "print('matplotlib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=paths.ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-2:] == ["0", "False"], done.stderr
