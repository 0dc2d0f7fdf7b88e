"""The cases that benchmarks price are the sample's, however many are asked for."""

import numpy as np
import pytest

from benchmarks import workloads
from tariffcore.encoding import encode_cases
from tariffcore.pricing import price_cases, price_encoded

ROWS = 5_000


@pytest.mark.parametrize("count", [ROWS // 2, ROWS, 2 * ROWS + 7])
def test_fewer_or_more_cases_than_the_sample_has_are_its_cases_again(monkeypatch, count):
    plan, table = workloads.demo_plan(), workloads.sample_table(ROWS)
    sample = encode_cases(workloads.without_addons(table), plan)
    monkeypatch.setattr(workloads, "encoded_sample", lambda: sample)
    plain = workloads.without_addons(table)
    found, wanted = price_encoded(workloads.encoded_cases(count), plan), price_cases(plain, plan)

    for name in ("amount_minor", "status", "edition", "rule"):
        np.testing.assert_array_equal(getattr(found, name), np.resize(getattr(wanted, name), count))
