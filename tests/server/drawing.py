"""Cases as messages, of every kind that the small schedules know, and wrong ones."""

from hypothesis import strategies as st

from tariffcore.v1 import case_pb2

any_case = st.builds(
    case_pb2.Case,
    case_id=st.sampled_from(["", "1", " ", "x" * 257]),
    provider_id=st.sampled_from(["", "H1"]),
    drg_code=st.sampled_from(["", "G1", " G1 ", "CHILD", "ADULT", "PARTS", "NO-PLAN", "NONE"]),
    service_code=st.sampled_from(["", "", "", "VISIT", "CALL"]),
    care_setting=st.sampled_from(
        ["inpatient", "home", "reception_observation", "day_hospital", "nowhere", ""]
    ),
    admission_date=st.sampled_from(
        ["2025-03-04", "2025-03-04T10:30", "2025-03-09T23:59:59", "", "2025-13-01"]
    ),
    discharge_date=st.sampled_from(["2025-03-10", "2025-03-10T00:00", "2026-01-01", "1999-01-01", "", "?"]),
    outcome=st.none() | st.sampled_from(["discharged", "died", "transferred", "", "vanished"]),
    death_unavoidable=st.none() | st.booleans(),
    age_years=st.none() | st.sampled_from([0, 17, 18, 130, 131, -1]),
    procedure_codes=st.lists(st.sampled_from(["13.73", "88.55", "x"]), max_size=3),
    quantity=st.none() | st.sampled_from([1, 2, 0, -1, 2**31 - 1, 2**31, 2**63 - 1]),
    length_of_stay_days=st.none() | st.sampled_from([6, 1, 0, 32_767, 32_768, -1]),
    factor_code=st.sampled_from(["", "", "remote", "none"]),
    claimed_amount=st.sampled_from(["", "1.00", "-1", "1.005", "9" * 19, "NaN"]),
    addon_amount=st.sampled_from(["", "", "", "2.50", "x"]),
    addon_kind=st.sampled_from(["", "", "", "drug"]),
)
