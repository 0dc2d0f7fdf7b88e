"""``python -m tests.node``: a client in another language calls the service over TLS with a token.

Starts the service with a certificate and a token made for the occasion, works out here what every case costs,
and hands both to `client.mjs`.  ``make node-client`` installs what that needs and runs this.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import trustme
from google.protobuf.json_format import MessageToDict

from tariffcore.case_rows import cases_of_rows
from tariffcore.cases import Case
from tariffcore.client.case_messages import case_message
from tariffcore.explain import explain_case
from tariffcore.plan import Plan
from tariffcore.sample import Sampler
from tariffcore.schedule.catalog import read_catalog
from tariffcore.schedule.model import PaymentMethod, Unit
from tariffcore.schedule.shipped import resolve
from tests.service_process import running

ROOT = Path(__file__).resolve().parent.parent.parent
FAMILY = "kz-demo"
CASES = 1_000


def sample_cases(plan: Plan) -> list[Case]:
    """Cases with everything the model knows; hours left out, which the other language need not learn here."""
    table = pa.Table.from_batches([Sampler(plan, seed=11).drawn_block(0)[0]])
    cases = cases_of_rows(table, np.arange(CASES), plan.editions[0].minor_units)
    return [
        replace(
            case,
            case_id=f"N-{row}",
            admission_date=_day(case.admission_date),
            discharge_date=_day(case.discharge_date),
            quantity=1 if case.quantity is None else case.quantity,
        )
        for row, case in enumerate(cases)
        if _fits(case)
    ]


def _day(moment):
    return moment.date() if hasattr(moment, "date") else moment


def _fits(case: Case) -> bool:
    """Whether both a message and a column can say it: what is out of range is said in different ways."""
    in_range = (case.age_years is None or 0 <= case.age_years <= 130) and (
        case.quantity is None or 1 <= case.quantity <= 2**31 - 1
    )
    return in_range and case.length_of_stay_days is None


def price(case: Case, plan: Plan) -> dict[str, object]:
    explained = explain_case(case, plan.catalog)
    return {
        "case_id": explained.case_id,
        "status": f"CASE_STATUS_{explained.status.name}",
        "status_number": int(explained.status),
        "amount_minor": None if explained.amount_minor is None else str(explained.amount_minor),
        "rule_id": explained.rule_id or "",
        "method": None if explained.method is None else f"PAYMENT_METHOD_{explained.method.name}",
        "schedule_id": explained.schedule_id or "",
    }


def message(case: Case) -> dict[str, object]:
    made = MessageToDict(case_message(case), preserving_proto_field_name=True)
    for name in ("admission_date", "discharge_date", "outcome"):
        made.setdefault(name, "")
    made.setdefault("procedure_codes", [])
    made.pop("claimed_amount", None)
    return made


def main() -> int:
    plan = Plan(read_catalog(resolve([FAMILY])))
    cases = sample_cases(plan)
    cases.append(_with_a_drug(cases, plan))
    prices = [price(case, plan) for case in cases]
    first = next(
        row for row, case in enumerate(cases) if explain_case(case, plan.catalog).components is not None
    )
    cases.insert(0, cases.pop(first))
    prices.insert(0, prices.pop(first))
    paid_by = {price["method"]: row for row, price in enumerate(prices) if price["method"] is not None}
    wanted = {f"PAYMENT_METHOD_{method.name}" for method in PaymentMethod}
    assert paid_by.keys() == wanted, f"the sample has no line of {wanted - paid_by.keys()}"
    large = _large([case for case in cases if case.service_code and not case.addon_kind], plan)
    expected = {
        "cases": [message(case) for case in cases],
        "prices": prices,
        "explanation_ru": explain_case(cases[0], plan.catalog).to_text("ru"),
        "of_each_method": [
            {"case": message(cases[row]), "price": prices[row]} for _, row in sorted(paid_by.items())
        ],
        "large": {"case": message(large), "price": price(large, plan)},
    }
    authority = trustme.CA()
    with tempfile.TemporaryDirectory(prefix="tariffcore-node-") as name:
        folder = Path(name)
        certificate = authority.issue_cert("localhost")
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        for part, pem in enumerate(certificate.cert_chain_pems):
            pem.write_to_path(folder / "certificate.pem", append=part > 0)
        authority.cert_pem.write_to_path(folder / "ca.pem")
        made = subprocess.run(
            [sys.executable, "-m", "tariffcore.cli", "token", "node", "--role", "price", "--role", "read"],
            capture_output=True,
            text=True,
            check=True,
        )
        (folder / "tokens.toml").write_text(made.stdout, encoding="utf-8")
        (folder / "token").write_text(made.stderr.split()[-1], encoding="utf-8")
        (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")
        with running(
            "-s",
            FAMILY,
            "--tls-certificate",
            folder / "certificate.pem",
            "--tls-key",
            folder / "key.pem",
            "--tokens",
            folder / "tokens.toml",
        ) as service_process:
            port = service_process.address.rpartition(":")[2]
            return subprocess.run(
                [
                    "node",
                    "--test-reporter=spec",
                    str(ROOT / "tests" / "node" / "client.mjs"),
                    f"localhost:{port}",
                    str(folder / "ca.pem"),
                    str(folder / "token"),
                    str(ROOT / "proto"),
                    str(folder / "expected.json"),
                ],
                check=False,
            ).returncode


def _with_a_drug(cases: list[Case], plan: Plan) -> Case:
    """A case of the sample with a drug on top, of the first kind that is paid on one of them."""
    kinds = {addon.kind for edition in plan.editions for addon in edition.addons if addon.unit is Unit.CASE}
    return next(
        drug
        for case in cases
        for kind in sorted(kinds)
        if case.drg_code and case.addon_kind is None
        for drug in [replace(case, case_id="N-drug", addon_kind=kind, addon_amount=Decimal("123456.78"))]
        if explain_case(drug, plan.catalog).amount_minor is not None
    )


def _large(services: list[Case], plan: Plan) -> Case:
    """The dearest service in such a quantity that no double can hold its amount."""
    units = [explain_case(replace(case, quantity=1), plan.catalog).amount_minor or 0 for case in services]
    unit = max(units)
    most = min(2**31 - 1, (10**18 - 1) // unit)
    quantity = next(count for count in range(most, 0, -1) if int(float(unit * count)) != unit * count)
    assert unit * quantity > 2**53
    return replace(services[units.index(unit)], quantity=quantity)


if __name__ == "__main__":
    sys.exit(main())
