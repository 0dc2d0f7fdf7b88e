"""The case-share model in DuckDB's SQL: whole semantics, exact in HUGEINT."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from benchmarks.rivals.rules import Rules
from tariffcore.money import MAX_AMOUNT_MINOR
from tariffcore.statuses import CaseStatus as S

WIDE = ("up", "down")
LONGEST_PRODUCT = 8e37
"""Twice this is still below 2**127."""


def connect(rules: Rules, threads: int) -> Any:  # noqa: ANN401
    """A connection that has the tables of rules."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    connection.execute("SET enable_progress_bar = false")
    for name, table in rules.tables.items():
        connection.register("arriving", table)
        wide = [f"{column}::HUGEINT AS {column}" for column in WIDE if column in table.column_names]
        replaced = f" REPLACE ({', '.join(wide)})" if wide else ""
        connection.execute(f"CREATE TABLE {name} AS SELECT *{replaced} FROM arriving")
        connection.unregister("arriving")
    return connection


def price(connection: Any, rules: Rules, cases: pa.Table) -> pa.Table:  # noqa: ANN401
    """amount_minor (0 unless OK), status, edition and rule of the cases, which have their number in
    ``row``.
    """
    connection.register("cases", cases)
    try:
        return connection.sql(query(rules)).to_arrow_table()
    finally:
        connection.unregister("cases")


def query(rules: Rules) -> str:
    """The whole of it. Statuses stand in the order in which the rules ask."""
    return f"""
WITH read AS (
    SELECT
        row,
        case_id,
        nullif(trim(provider_id), '') AS provider_id,
        nullif(trim(drg_code), '') AS drg_code,
        nullif(trim(service_code), '') AS service_code,
        nullif(trim(care_setting), '') AS care_setting,
        nullif(trim(outcome), '') AS outcome,
        nullif(trim(factor_code), '') AS factor_code,
        CASE death_unavoidable WHEN true THEN 'yes' WHEN false THEN 'no' ELSE 'unsaid' END AS death,
        admission_date,
        discharge_date,
        discharge_date::DATE AS day,
        date_diff('day', admission_date::DATE, discharge_date::DATE) AS days_between,
        age_years,
        quantity,
        length_of_stay_days,
        procedure_codes
    FROM cases
),
stayed AS (
    SELECT
        *,
        coalesce(quantity, 1) AS counted,
        CASE WHEN days_between IS NULL THEN greatest(1, coalesce(length_of_stay_days, 0))
             ELSE greatest(1, days_between) END AS stay_days
    FROM read
),
excepted AS (
    SELECT row, min(place) AS place
    FROM (
        SELECT row, care_setting, day, upper(translate(regexp_replace(
            unnest(procedure_codes), '\\s', '', 'g'),
            'АВЕКМНОРСТУХавекмнорстух,', 'ABEKMHOPCTYXabekmhopctyx.')) AS code
        FROM read
        WHERE care_setting IN (SELECT care_setting FROM exceptions)
    ) AS done
    JOIN calendar USING (day)
    JOIN exceptions AS x ON x.edition = calendar.edition AND x.care_setting = done.care_setting
        AND x.procedure = replace(CASE WHEN code[2] = '.' THEN '0' || code ELSE code END, '.', '')
    GROUP BY row
),
joined AS (
    SELECT
        c.*,
        calendar.edition,
        settings.is_priced,
        settings.max_hours,
        outcomes.outcome IS NOT NULL AS knows_outcome,
        drgs.drg_code IS NOT NULL AS knows_drg,
        drgs.planned_days,
        rates.adult_minor,
        rates.child_minor,
        rates.weights_differ,
        rates.rate_rule,
        stays.* EXCLUDE (edition, care_setting, outcome, flags, days, death),
        services.service_unit,
        service_rates.service_minor,
        service_rates.service_rule,
        factors.factor_up,
        factors.factor_down,
        coefficients.is_known,
        coefficients.up,
        coefficients.down,
        settings.care_setting IS NOT NULL AS knows_setting
    FROM stayed AS c
    LEFT JOIN calendar ON calendar.day = c.day
    LEFT JOIN excepted ON excepted.row = c.row
    LEFT JOIN settings ON settings.edition = calendar.edition AND settings.care_setting = c.care_setting
    LEFT JOIN outcomes ON outcomes.edition = calendar.edition AND outcomes.outcome = c.outcome
    LEFT JOIN drgs ON drgs.edition = calendar.edition AND drgs.drg_code = c.drg_code
    LEFT JOIN rates ON rates.edition = calendar.edition AND rates.drg_code = c.drg_code
        AND rates.care_setting = c.care_setting AND rates.place = coalesce(excepted.place, 0)
    LEFT JOIN stays ON stays.edition = calendar.edition AND stays.care_setting = c.care_setting
        AND stays.outcome = c.outcome AND stays.flags = drgs.flags AND stays.death = c.death
        AND stays.days = least(c.stay_days, {rules.days_cap})
    LEFT JOIN services ON services.period = calendar.period AND services.service_code = c.service_code
    LEFT JOIN service_rates ON service_rates.period = calendar.period
        AND service_rates.service_code = c.service_code AND service_rates.care_setting = c.care_setting
    LEFT JOIN factors ON factors.edition = calendar.edition AND factors.unit = services.service_unit
        AND factors.factor_code = c.factor_code
    LEFT JOIN coefficients ON coefficients.period = calendar.period
        AND coefficients.provider_id = c.provider_id
),
asked AS (
    SELECT
        *,
        CASE
            WHEN drg_code IS NOT NULL AND service_code IS NOT NULL
                OR age_years NOT BETWEEN 0 AND 130
                OR quantity NOT BETWEEN 1 AND 2147483647
                OR length_of_stay_days NOT BETWEEN 0 AND 32767 THEN {S.INVALID_FIELD:d}
            WHEN case_id IS NULL OR day IS NULL OR care_setting IS NULL
                OR drg_code IS NULL AND service_code IS NULL
                OR drg_code IS NOT NULL AND outcome IS NULL
                OR drg_code IS NOT NULL AND admission_date IS NULL AND length_of_stay_days IS NULL
                OR service_code IS NOT NULL AND quantity IS NULL THEN {S.MISSING_FIELD:d}
            WHEN days_between NOT BETWEEN 0 AND 32767
                OR discharge_date < admission_date THEN {S.INVALID_DATES:d}
            WHEN edition IS NULL THEN {S.NO_SCHEDULE_FOR_DATE:d}
            WHEN days_between IS NOT NULL AND length_of_stay_days <> stay_days THEN {S.INVALID_DATES:d}
            WHEN drg_code IS NOT NULL THEN CASE
                WHEN NOT knows_drg THEN {S.UNKNOWN_DRG:d}
                WHEN NOT knows_setting THEN {S.UNKNOWN_SETTING:d}
                WHEN NOT is_priced THEN {S.NOT_PRICED_IN_SETTING:d}
                WHEN max_hours IS NOT NULL AND admission_date IS NULL THEN {S.MISSING_FIELD:d}
                WHEN epoch(discharge_date) - epoch(admission_date) > max_hours * 3600
                    THEN {S.STAY_OVER_LIMIT:d}
                WHEN age_years IS NULL AND weights_differ THEN {S.MISSING_FIELD:d}
                WHEN age_years < 18 AND child_minor IS NULL THEN {S.MISSING_WEIGHT:d}
                WHEN NOT knows_outcome THEN {S.UNKNOWN_OUTCOME:d}
                WHEN factor_code IS NOT NULL THEN {S.UNKNOWN_FACTOR:d}
                WHEN stay_status <> 0 THEN stay_status
            END
            WHEN service_unit IS NULL THEN {S.UNKNOWN_SERVICE:d}
            WHEN NOT knows_setting THEN {S.UNKNOWN_SETTING:d}
            WHEN service_minor IS NULL THEN {S.NOT_PRICED_IN_SETTING:d}
            WHEN outcome IS NOT NULL AND NOT knows_outcome THEN {S.UNKNOWN_OUTCOME:d}
            WHEN factor_code IS NOT NULL AND factor_up IS NULL THEN {S.UNKNOWN_FACTOR:d}
        END AS refused,
        CASE
            WHEN provider_id IS NULL THEN {S.MISSING_FIELD:d}
            WHEN is_known IS NULL THEN {S.UNKNOWN_PROVIDER:d}
            WHEN up IS NULL THEN {S.NO_COEFFICIENT_FOR_DATE:d}
            WHEN drg_code IS NOT NULL AND by_planned_days AND planned_days IS NULL
                THEN {S.MISSING_PLANNED_DAYS:d}
        END AS refused_last,
        CASE WHEN drg_code IS NULL THEN service_minor
             WHEN age_years < 18 THEN child_minor ELSE adult_minor END AS rate_minor,
        CASE WHEN drg_code IS NULL THEN coalesce(factor_up, 1)
             WHEN by_planned_days THEN least(stay_days, planned_days) ELSE stay_up END AS times,
        CASE WHEN drg_code IS NULL THEN coalesce(factor_down, 1)
             WHEN by_planned_days THEN planned_days ELSE stay_down END AS parts
    FROM joined
),
measured AS (
    SELECT
        *,
        coalesce(refused, refused_last) AS reason,
        CASE WHEN reason IS NULL THEN rate_minor * times END AS m,
        CASE WHEN reason IS NULL THEN down * parts END AS d,
        CASE WHEN reason IS NULL THEN m::DOUBLE * up::DOUBLE > {LONGEST_PRODUCT} END AS is_long,
        CASE WHEN is_long THEN up % d END AS rest
    FROM asked
),
multiplied AS (
    -- where the product is too long for 128 bits, m is multiplied digit by digit, to the base of 65536
    SELECT
        *,
        rest * (m >> 48) AS t3,
        t3 % d * 65536 + rest * ((m >> 32) & 65535) AS t2,
        t2 % d * 65536 + rest * ((m >> 16) & 65535) AS t1,
        t1 % d * 65536 + rest * (m & 65535) AS t0,
        CASE WHEN is_long THEN
            m * (up // d) + ((t3 // d * 65536 + t2 // d) * 65536 + t1 // d) * 65536 + t0 // d
            + CASE WHEN 2 * (t0 % d) >= d THEN 1 ELSE 0 END
        ELSE (2 * m * up + d) // (2 * d) END AS unit_minor
    FROM measured
)
SELECT
    CASE WHEN unit_minor * counted <= {MAX_AMOUNT_MINOR} THEN unit_minor * counted ELSE 0 END::BIGINT
        AS amount_minor,
    CASE WHEN reason IS NOT NULL THEN reason
         WHEN unit_minor * counted > {MAX_AMOUNT_MINOR} THEN {S.AMOUNT_OVERFLOW:d}
         ELSE {S.OK:d} END::UTINYINT AS status,
    coalesce(edition, 0)::UTINYINT AS edition,
    CASE WHEN reason IS NULL AND unit_minor * counted <= {MAX_AMOUNT_MINOR} THEN
        CASE WHEN drg_code IS NOT NULL THEN rate_rule || coalesce('+' || stay_rule, '')
             ELSE service_rule || coalesce('+' || factor_code, '') END END AS rule
FROM multiplied
ORDER BY row
"""
