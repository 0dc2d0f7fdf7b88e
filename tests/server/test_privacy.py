"""Nothing of a case, and no token, reaches a log, a metric or an error."""

import re

import grpc
import pytest

from tariffcore.v1.case_columns_pb2 import CaseColumns, ColumnStreamStart
from tariffcore.v1.case_pb2 import Case
from tariffcore.v1.edition_pb2 import EditionChoice, PinnedEdition
from tariffcore.v1.pricing_service_pb2 import PriceCaseColumnsRequest, PriceCaseRequest, PriceCasesRequest
from tariffcore.v1.pricing_service_pb2_grpc import PricingServiceStub
from tariffcore_server.tokens import Role, new_token, token_entry
from tests.server.process import server_process
from tests.server.running import told

MARK = "ZZSECRETZZ"
"""In every text that is sent."""
NUMBERS = {"age_years": 97, "quantity": 777_777_771, "length_of_stay_days": 31_337}
DATES = {"admission_date": "1987-06-05", "discharge_date": "1987-06-06T05:43"}
TEXTS = (
    "case_id", "provider_id", "drg_code", "service_code", "care_setting", "outcome", "factor_code",
    "claimed_amount",
)  # fmt: skip
# Numbers only where they stand alone: the digits of durations and ports hold anything.
TRACES = re.compile(f"{MARK}|777771|(?<![0-9])31337(?![0-9])|1987-|T05:43")


def cases():
    """Cases with something to hide in every field, wrong in every way."""
    marked = Case(**{name: f"{MARK}-{name}" for name in TEXTS}, procedure_codes=[MARK], **NUMBERS, **DATES)
    yield marked
    for name in TEXTS:
        other = Case()
        other.CopyFrom(marked)
        other.ClearField(name)
        yield other
    yield Case(case_id=MARK, drg_code="1", care_setting="inpatient", age_years=97, **DATES)
    yield Case(case_id=MARK, admission_date=f"1987-{MARK}")


def requests():
    for one in cases():
        yield PriceCaseRequest(case=one, with_text=True)
        yield PriceCaseRequest(case=one, language=MARK)
        yield PriceCaseRequest(case=one, edition=EditionChoice(tariff_family=MARK))
        yield PriceCaseRequest(case=one, edition=EditionChoice(as_of=MARK))
        yield PriceCaseRequest(case=one, edition=EditionChoice(as_of="1987-01-01"))
        for schedule_id, digest in ((MARK, ""), ("kz-2026", MARK)):
            pinned = PinnedEdition(schedule_id=schedule_id, digest=digest)
            yield PriceCaseRequest(case=one, edition=EditionChoice(pinned=pinned))


def streams():
    start = PriceCaseColumnsRequest(start=ColumnStreamStart())
    words = {name: [MARK] for name in CaseColumns.DESCRIPTOR.fields_by_name if name.startswith("new_")}
    for chunk in (
        CaseColumns(rows=1, **words, drg=[1]),
        CaseColumns(rows=2, **words, drg=[31_337, 777_777_771]),
        CaseColumns(rows=2, **words, drg=[1]),
        CaseColumns(rows=1, new_drg_codes=[MARK, MARK]),
        CaseColumns(rows=1, procedure=[31_337], procedure_end=[777_777_771]),
    ):
        yield [start, PriceCaseColumnsRequest(chunk=chunk)]
    yield [PriceCaseColumnsRequest(start=ColumnStreamStart(edition=EditionChoice(tariff_family=MARK)))]


@pytest.mark.parametrize("provider", [None, "H1"])
def test_what_is_sent_stays_out_of_logs_metrics_and_errors(tmp_path, provider):
    token, wrong = new_token(), f"{new_token()}-{MARK}"
    entry = token_entry("clinic", token, [Role.PRICE], None if provider is None else [provider])
    (tmp_path / "tokens.toml").write_text(entry)
    seen: list[str] = []

    def error_of(call, *arguments, **options):
        try:
            list(answer) if hasattr(answer := call(*arguments, **options), "__next__") else answer
        except grpc.RpcError as error:
            seen.append(repr(told(error)))
            seen.append(repr(error.trailing_metadata()))
            seen.append(str(error))

    log_level = ("--log-level", "debug")
    with server_process("--tokens", str(tmp_path / "tokens.toml"), *log_level) as server:
        with grpc.insecure_channel(server.address) as channel:
            pricing = PricingServiceStub(channel)
            for text in (token, wrong):
                bearer = {"metadata": (("authorization", f"Bearer {text}"),), "timeout": 60}
                for request in requests():
                    error_of(pricing.PriceCase, request, **bearer)
                    listed = PriceCasesRequest(cases=[request.case] * 3, edition=request.edition)
                    error_of(pricing.PriceCases, listed, **bearer)
                for messages in streams():
                    error_of(pricing.PriceCaseColumns, iter(messages), **bearer)
                raw = channel.unary_unary("/tariffcore.v1.PricingService/PriceCase")
                error_of(raw, f"{MARK}\xff".encode("latin-1"), **bearer)
        metrics = server.metrics()
        assert server.stop() == 0
        log = repr(server.lines)
    assert seen and "tariffcore_cases_total" in metrics
    for place, text in (("errors", "".join(seen)), ("metrics", metrics), ("log", log)):
        found = TRACES.search(re.sub(r"[0-9a-f]{64}", "", text))  # digests hold any digits
        assert found is None, f"{place}: {text[max(0, found.start() - 200) : found.end() + 50]}"
        assert token not in text and wrong not in text
