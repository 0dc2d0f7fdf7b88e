"""The case-share model in pandas, as people write it: merges, masks, floats, and a rounding at the end.

It has the exact tariffs ready as the others have; the coefficient and the unit price are binary floats, and
`Series.round` takes ties to even. So its statuses and rules must be ours, and its amounts need not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.rivals.rules import Rules
from tariffcore.money import MAX_AMOUNT_MINOR
from tariffcore.statuses import CaseStatus as S

WORDS = ("provider_id", "drg_code", "service_code", "care_setting", "outcome", "factor_code")
_LATIN = str.maketrans("АВЕКМНОРСТУХавекмнорстух,", "ABEKMHOPCTYXabekmhopctyx.")


def frames(rules: Rules) -> dict[str, Any]:
    """The tables of rules as frames; dates as timestamps, coefficients as floats."""
    import pandas as pd

    found = {}
    for name, table in rules.tables.items():
        frame = table.to_pandas()
        if name == "coefficients":
            frame["coefficient"] = frame["up"].astype(float) / frame["down"].astype(float)
            frame = frame.drop(columns=["up", "down"])
        if "day" in frame:
            frame["day"] = pd.to_datetime(frame["day"]).astype("datetime64[s]")
        found[name] = frame
    return found


def read(cases: pa.Table) -> Any:  # noqa: ANN401
    """The cases as the frame that pandas users have: text as text, dates as dates."""
    plain = cases
    for position, field in enumerate(cases.schema):
        if pa.types.is_dictionary(field.type):
            plain = plain.set_column(position, field.name, cases[field.name].cast(pa.string()))
    return plain.drop_columns(["claimed_amount"]).to_pandas()


def price(tables: dict[str, Any], rules: Rules, cases: Any) -> pa.Table:  # noqa: ANN401
    """amount_minor (rounded floats), status, edition and rule, in the order of the cases."""
    df = cases.copy()
    for word in WORDS:
        bare = df[word].str.strip()
        df[word] = bare.where(bare != "")
    df["day"] = df["discharge_date"].dt.normalize()
    df["days_between"] = (df["day"] - df["admission_date"].dt.normalize()).dt.days
    days = df["days_between"].fillna(df["length_of_stay_days"]).fillna(0)
    df["stay_days"] = days.clip(lower=1)
    df["days"] = df["stay_days"].clip(upper=rules.days_cap)
    df["death"] = df["death_unavoidable"].map({True: "yes", False: "no"}).fillna("unsaid")
    df = df.merge(tables["calendar"], on="day", how="left")

    with_lists = df[
        df["procedure_codes"].notna() & df["care_setting"].isin(tables["exceptions"]["care_setting"])
    ]
    done = with_lists[["edition", "care_setting", "procedure_codes"]].explode("procedure_codes").dropna()
    code = done["procedure_codes"].str.replace(r"\s", "", regex=True).str.translate(_LATIN).str.upper()
    code = code.where(code.str[1] != ".", "0" + code)
    done["procedure"] = code.str.replace(".", "", regex=False)
    done = done.reset_index(names="row").merge(
        tables["exceptions"], on=["edition", "care_setting", "procedure"]
    )
    df["place"] = done.groupby("row")["place"].min().reindex(df.index).fillna(0)

    df = df.merge(tables["settings"].assign(knows_setting=True), on=["edition", "care_setting"], how="left")
    df = df.merge(tables["outcomes"].assign(knows_outcome=True), on=["edition", "outcome"], how="left")
    df = df.merge(tables["drgs"].assign(knows_drg=True), on=["edition", "drg_code"], how="left")
    df = df.merge(tables["rates"], on=["edition", "drg_code", "care_setting", "place"], how="left")
    stay = ["edition", "care_setting", "outcome", "flags", "days", "death"]
    df = df.merge(tables["stays"], on=stay, how="left")
    df = df.merge(tables["services"], on=["period", "service_code"], how="left")
    df = df.merge(tables["service_rates"], on=["period", "service_code", "care_setting"], how="left")
    factors = tables["factors"].rename(columns={"unit": "service_unit"})
    df = df.merge(factors, on=["edition", "service_unit", "factor_code"], how="left")
    df = df.merge(tables["coefficients"], on=["period", "provider_id"], how="left")

    status = _statuses(df)
    is_case = df["drg_code"].notna()
    by_days = is_case & df["by_planned_days"].eq(True)
    rate = np.where(
        is_case, np.where(df["age_years"] < 18, df["child_minor"], df["adult_minor"]), df["service_minor"]
    )
    share = np.where(
        by_days,
        df["stay_days"].clip(upper=df["planned_days"]) / df["planned_days"],
        np.where(is_case, df["stay_up"] / df["stay_down"], (df["factor_up"] / df["factor_down"]).fillna(1)),
    )
    price_of_one = (rate / 100 * share * df["coefficient"]).round(2)
    payment_minor = (price_of_one * df["quantity"].fillna(1) * 100).round()
    status = np.where((status == S.OK) & (payment_minor > MAX_AMOUNT_MINOR), S.AMOUNT_OVERFLOW, status)
    is_paid = status == S.OK
    case_rule = df["rate_rule"] + ("+" + df["stay_rule"]).fillna("")
    rule = case_rule.where(is_case, df["service_rule"] + ("+" + df["factor_code"]).fillna(""))
    return pa.table(
        {
            "amount_minor": np.where(is_paid, payment_minor, 0).astype(np.int64),
            "status": status.astype(np.uint8),
            "edition": df["edition"].fillna(0).to_numpy().astype(np.uint8),
            "rule": pa.array(rule.where(is_paid), from_pandas=True),
        }
    )


def _statuses(df: Any) -> np.ndarray[Any, Any]:  # noqa: ANN401
    """The first question that is answered yes."""
    is_case, is_service = df["drg_code"].notna(), df["service_code"].notna()

    def outside(name: str, low: int, high: int) -> Any:  # noqa: ANN401
        return df[name].notna() & ~df[name].between(low, high)

    hours = (df["discharge_date"] - df["admission_date"]).dt.total_seconds() / 3600
    questions = (
        (
            (is_case & is_service)
            | outside("age_years", 0, 130)
            | outside("quantity", 1, 2147483647)
            | outside("length_of_stay_days", 0, 32767),
            S.INVALID_FIELD,
        ),
        (
            df["case_id"].isna()
            | df["day"].isna()
            | df["care_setting"].isna()
            | ~(is_case | is_service)
            | (is_case & df["outcome"].isna())
            | (is_case & df["admission_date"].isna() & df["length_of_stay_days"].isna())
            | (is_service & df["quantity"].isna()),
            S.MISSING_FIELD,
        ),
        (outside("days_between", 0, 32767) | (hours < 0), S.INVALID_DATES),
        (df["edition"].isna(), S.NO_SCHEDULE_FOR_DATE),
        (
            df["days_between"].notna()
            & df["length_of_stay_days"].notna()
            & (df["length_of_stay_days"] != df["stay_days"]),
            S.INVALID_DATES,
        ),
        (is_case & df["knows_drg"].isna(), S.UNKNOWN_DRG),
        (is_case & df["knows_setting"].isna(), S.UNKNOWN_SETTING),
        (is_case & df["is_priced"].eq(False), S.NOT_PRICED_IN_SETTING),
        (is_case & df["max_hours"].notna() & df["admission_date"].isna(), S.MISSING_FIELD),
        (is_case & (hours > df["max_hours"]), S.STAY_OVER_LIMIT),
        (is_case & df["age_years"].isna() & df["weights_differ"].eq(True), S.MISSING_FIELD),
        (is_case & (df["age_years"] < 18) & df["child_minor"].isna(), S.MISSING_WEIGHT),
        (is_case & df["knows_outcome"].isna(), S.UNKNOWN_OUTCOME),
        (is_case & df["factor_code"].notna(), S.UNKNOWN_FACTOR),
        (is_case & (df["stay_status"] > 0), S.MISSING_FIELD),
        (is_service & df["service_unit"].isna(), S.UNKNOWN_SERVICE),
        (is_service & df["knows_setting"].isna(), S.UNKNOWN_SETTING),
        (is_service & df["service_minor"].isna(), S.NOT_PRICED_IN_SETTING),
        (is_service & df["outcome"].notna() & df["knows_outcome"].isna(), S.UNKNOWN_OUTCOME),
        (is_service & df["factor_code"].notna() & df["factor_up"].isna(), S.UNKNOWN_FACTOR),
        (df["provider_id"].isna(), S.MISSING_FIELD),
        (df["is_known"].isna(), S.UNKNOWN_PROVIDER),
        (df["coefficient"].isna(), S.NO_COEFFICIENT_FOR_DATE),
        (is_case & df["by_planned_days"].eq(True) & df["planned_days"].isna(), S.MISSING_PLANNED_DAYS),
    )
    return np.select([q.to_numpy(bool) for q, _ in questions], [int(s) for _, s in questions], int(S.OK))
