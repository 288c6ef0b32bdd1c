"""What a check says when it is not satisfied."""

import pytest

from labs.conformance.verdict import Failed, demand


def test_demand_raises_its_sentence() -> None:
    demand(True, "unsaid")
    with pytest.raises(Failed, match="^said$"):
        demand([], "said")
