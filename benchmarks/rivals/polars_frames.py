"""The case-share model in Polars: whole semantics, exact in Int128, lazily and in all threads."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pyarrow as pa

from benchmarks.rivals.rules import Rules
from tariffcore.money import MAX_AMOUNT_MINOR
from tariffcore.statuses import CaseStatus as S

LONGEST_PRODUCT = 8e37
"""Twice this is still below 2**127."""
DIGIT = 65536
_CYRILLIC, _LATIN = "АВЕКМНОРСТУХавекмнорстух,", "ABEKMHOPCTYXabekmhopctyx."


def frames(rules: Rules) -> dict[str, Any]:
    """The tables of rules as lazy frames."""
    import polars as pl

    found = {}
    for name, table in rules.tables.items():
        frame = pl.DataFrame(table)
        wide = [column for column in ("up", "down") if column in frame.columns]
        found[name] = frame.with_columns(pl.col(wide).cast(pl.Int128)).lazy()
    return found


def price(tables: dict[str, Any], rules: Rules, cases: Any) -> pa.Table:  # noqa: ANN401
    """amount_minor (0 unless OK), status, edition and rule of a frame of cases, in its order."""
    import polars as pl

    col, lit, when = pl.col, pl.lit, pl.when
    words = ("provider_id", "drg_code", "service_code", "care_setting", "outcome", "factor_code")

    def written(name: str) -> Any:  # noqa: ANN401
        bare = col(name).cast(pl.String).str.strip_chars()
        return when(bare != "").then(bare).alias(name)

    read = (
        cases.lazy()
        .with_row_index("row")
        .with_columns(
            *(written(name) for name in words),
            day=col("discharge_date").cast(pl.Date),
            days_between=(
                col("discharge_date").cast(pl.Date) - col("admission_date").cast(pl.Date)
            ).dt.total_days(),
            death=when(col("death_unavoidable"))
            .then(lit("yes"))
            .when(col("death_unavoidable").not_())
            .then(lit("no"))
            .otherwise(lit("unsaid")),
        )
        .with_columns(
            stay_days=pl.max_horizontal(
                1, col("days_between").fill_null(col("length_of_stay_days")).fill_null(0)
            )
        )
        .with_columns(days=pl.min_horizontal("stay_days", rules.days_cap))
        .join(tables["calendar"], on="day", how="left", maintain_order="left")
    )
    code = (
        col("procedure_codes")
        .str.replace_all(r"\s", "")
        .str.replace_many(list(_CYRILLIC), list(_LATIN))
        .str.to_uppercase()
    )
    excepted = (
        read.select("row", "edition", "care_setting", "procedure_codes")
        .filter(col("procedure_codes").list.len() > 0)
        .join(tables["exceptions"].select("edition", "care_setting").unique(), on=["edition", "care_setting"])
        .explode("procedure_codes")
        .with_columns(code.alias("code"))
        .with_columns(
            procedure=when(col("code").str.slice(1, 1) == ".")
            .then("0" + col("code"))
            .otherwise("code")
            .str.replace_all(".", "", literal=True)
        )
        .join(tables["exceptions"], on=["edition", "care_setting", "procedure"])
        .group_by("row")
        .agg(col("place").min())
    )
    joins = (
        (excepted, ["row"], None),
        (tables["settings"], ["edition", "care_setting"], "knows_setting"),
        (tables["outcomes"], ["edition", "outcome"], "knows_outcome"),
        (tables["drgs"], ["edition", "drg_code"], "knows_drg"),
        (tables["rates"], ["edition", "drg_code", "care_setting", "place"], None),
        (tables["stays"], ["edition", "care_setting", "outcome", "flags", "death", "days"], None),
        (tables["services"], ["period", "service_code"], None),
        (tables["service_rates"], ["period", "service_code", "care_setting"], None),
        (
            tables["factors"].rename({"unit": "service_unit"}),
            ["edition", "service_unit", "factor_code"],
            None,
        ),
        (tables["coefficients"], ["period", "provider_id"], None),
    )

    def joined(left: Any, join: tuple[Any, list[str], str | None]) -> Any:  # noqa: ANN401
        right, keys, mark = join
        if mark is not None:
            right = right.with_columns(lit(True).alias(mark))
        left = left.join(right, on=keys, how="left", maintain_order="left")
        return left.with_columns(col("place").fill_null(0)) if keys == ["row"] else left

    all_joined = reduce(joined, joins, read)
    is_case, is_service = col("drg_code").is_not_null(), col("service_code").is_not_null()
    seconds = (col("discharge_date") - col("admission_date")).dt.total_seconds()

    def first(*answers: tuple[Any, S]) -> Any:  # noqa: ANN401
        """The status of the first question that is answered yes; null: of none."""
        chain: Any = pl
        for asked, status in answers:
            chain = chain.when(asked).then(lit(int(status), pl.Int64))
        return chain.otherwise(None)

    refused = pl.coalesce(
        first(
            (
                (is_case & is_service)
                | col("age_years").is_between(0, 130).not_()
                | col("quantity").is_between(1, 2147483647).not_()
                | col("length_of_stay_days").is_between(0, 32767).not_(),
                S.INVALID_FIELD,
            ),
            (
                col("case_id").is_null()
                | col("day").is_null()
                | col("care_setting").is_null()
                | (is_case | is_service).not_()
                | (is_case & col("outcome").is_null())
                | (is_case & col("admission_date").is_null() & col("length_of_stay_days").is_null())
                | (is_service & col("quantity").is_null()),
                S.MISSING_FIELD,
            ),
            (col("days_between").is_between(0, 32767).not_() | (seconds < 0), S.INVALID_DATES),
            (col("edition").is_null(), S.NO_SCHEDULE_FOR_DATE),
            (
                col("days_between").is_not_null() & (col("length_of_stay_days") != col("stay_days")),
                S.INVALID_DATES,
            ),
            (is_case & col("knows_drg").is_null(), S.UNKNOWN_DRG),
            (is_case & col("knows_setting").is_null(), S.UNKNOWN_SETTING),
            (is_case & col("is_priced").not_(), S.NOT_PRICED_IN_SETTING),
            (is_case & col("max_hours").is_not_null() & col("admission_date").is_null(), S.MISSING_FIELD),
            (is_case & (seconds > col("max_hours") * 3600), S.STAY_OVER_LIMIT),
            (is_case & col("age_years").is_null() & col("weights_differ"), S.MISSING_FIELD),
            (is_case & (col("age_years") < 18) & col("child_minor").is_null(), S.MISSING_WEIGHT),
            (is_case & col("knows_outcome").is_null(), S.UNKNOWN_OUTCOME),
            (is_case & col("factor_code").is_not_null(), S.UNKNOWN_FACTOR),
            (is_case & (col("stay_status") != 0), S.MISSING_FIELD),
            (is_service & col("service_unit").is_null(), S.UNKNOWN_SERVICE),
            (is_service & col("knows_setting").is_null(), S.UNKNOWN_SETTING),
            (is_service & col("service_minor").is_null(), S.NOT_PRICED_IN_SETTING),
            (is_service & col("outcome").is_not_null() & col("knows_outcome").is_null(), S.UNKNOWN_OUTCOME),
            (
                is_service & col("factor_code").is_not_null() & col("factor_up").is_null(),
                S.UNKNOWN_FACTOR,
            ),
            (col("provider_id").is_null(), S.MISSING_FIELD),
            (col("is_known").is_null(), S.UNKNOWN_PROVIDER),
            (col("up").is_null(), S.NO_COEFFICIENT_FOR_DATE),
            (is_case & col("by_planned_days") & col("planned_days").is_null(), S.MISSING_PLANNED_DAYS),
        )
    )
    by_days = is_case & col("by_planned_days")
    rate = when(is_case.not_()).then("service_minor").when(col("age_years") < 18).then("child_minor")
    times = when(is_case.not_()).then(col("factor_up").fill_null(1)).when(by_days)
    parts = when(is_case.not_()).then(col("factor_down").fill_null(1)).when(by_days)
    measured = (
        all_joined.with_columns(reason=refused)
        .with_columns(
            m=when(col("reason").is_null())
            .then(
                rate.otherwise("adult_minor")
                * times.then(pl.min_horizontal("stay_days", "planned_days")).otherwise("stay_up")
            )
            .cast(pl.Int128),
            d=when(col("reason").is_null()).then(
                col("down") * parts.then("planned_days").otherwise("stay_down").cast(pl.Int128)
            ),
            times_quantity=col("quantity").fill_null(1).cast(pl.Int128),
        )
        .with_columns(
            is_long=col("m").cast(pl.Float64) * col("up").cast(pl.Float64) > LONGEST_PRODUCT,
        )
    )

    # where the product is too long for 128 bits, m is multiplied digit by digit, to the base of 65536
    rest = when(col("is_long")).then(col("up") % col("d"))
    base = lit(DIGIT, pl.Int128)
    digit = {k: col("m") // lit(DIGIT**k, pl.Int128) % base for k in range(4)}
    measured = measured.with_columns(rest=rest).with_columns(t3=col("rest") * digit[3])
    for k in (2, 1, 0):
        measured = measured.with_columns(
            (col(f"t{k + 1}") % col("d") * base + col("rest") * digit[k]).alias(f"t{k}")
        )
    two = lit(2, pl.Int128)
    quotient = reduce(
        lambda done, k: done * base + col(f"t{k}") // col("d"), (2, 1, 0), col("t3") // col("d")
    )
    short = when(col("is_long").not_())  # nulls are cheap, and a wrapped product is never shown
    unit = (
        when(col("is_long"))
        .then(
            col("m") * (col("up") // col("d"))
            + quotient
            + (two * (col("t0") % col("d")) >= col("d")).cast(pl.Int128)
        )
        .otherwise((short.then(two * col("m") * col("up")) + col("d")) // (two * col("d")))
    )
    payment = measured.with_columns(payment=unit * col("times_quantity")).with_columns(
        is_paid=col("reason").is_null() & (col("payment") <= lit(MAX_AMOUNT_MINOR, pl.Int128))
    )
    case_rule = pl.concat_str("rate_rule", ("+" + col("stay_rule")).fill_null(""))
    service_rule = pl.concat_str("service_rule", ("+" + col("factor_code")).fill_null(""))
    answer = payment.select(
        amount_minor=when("is_paid").then("payment").otherwise(0).cast(pl.Int64),
        status=when("is_paid")
        .then(lit(int(S.OK)))
        .otherwise(col("reason").fill_null(int(S.AMOUNT_OVERFLOW)))
        .cast(pl.UInt8),
        edition=col("edition").fill_null(0).cast(pl.UInt8),
        rule=when("is_paid").then(when(is_case).then(case_rule).otherwise(service_rule)),
    )
    return answer.collect().to_arrow()
