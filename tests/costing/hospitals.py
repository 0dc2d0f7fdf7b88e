"""Made-up folders of costs for Hypothesis: small, odd, and always sound."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from tests.costing.small_costs import TOML

SERVING = ("s0", "s1", "s2")
TREATING = ("t0", "t1", "t2")
GROUPS = ("g1", "g2", "g3")
SETTINGS = ("inpatient", "day_hospital")


@st.composite
def folders(draw: st.DrawFn, *, case_level: bool | None = None) -> dict[str, str]:
    """The files of a folder: one or two hospitals, three centres that serve and three that treat."""
    providers = ["H1", "H2"][: draw(st.integers(1, 2))]
    method = draw(st.sampled_from(["step_down", "direct", "reciprocal"]))
    if case_level is None:
        case_level = draw(st.booleans())
    trimming = draw(_trimming(case_level))
    profile_by = draw(st.sampled_from(["drg", "care_setting", "drg_and_care_setting"]))
    toml = (
        TOML.replace('"step_down"', f'"{method}"')
        .replace('rule = "none"', trimming)
        .replace('by = "drg"', f'by = "{profile_by}"')
        .replace('"next_month"', f'"{draw(st.sampled_from(["next_month", "same_month", "mid_month"]))}"')
    )
    units = draw(st.booleans())
    centres = [
        "provider_id,cost_centre,name,kind,allocation_base,product_base,after",
        f",s0,S0,overhead,b0,,{draw(st.sampled_from(['', 's1']))}",
        ",s1,S1,overhead,b1,,",
        f",s2,S2,ancillary,{draw(st.sampled_from(['b2', 'shares']))},,",
        ",t0,T0,clinical,,bed_days,",
        f",t1,T1,clinical,,{'units' if units else 'bed_days'},",
        ",t2,T2,ancillary,,cases,",
    ]
    quantities = ["provider_id,cost_centre,base,quantity"]
    shares = ["provider_id,cost_centre,to_cost_centre,share"]
    ledger = ["provider_id,period,cost_centre,component,amount,source"]
    assets = [
        "provider_id,asset_id,name,asset_class,cost_centre,acquisition_cost,commissioned,useful_life_years,rate,"
        "residual_value,method,life_units,disposed"
    ]
    usage = ["provider_id,asset_id,period,units"]
    bases = ["b0", "b1", *(["b2"] if centres[3].split(",")[4] == "b2" else [])]
    for provider_id in providers:
        for base in bases:
            for code in (*SERVING, *TREATING):
                # a base always reaches a treating centre
                low = 1 if code == "t0" else 0
                quantity = draw(st.one_of(st.integers(low, 9), st.integers(1, 10**6)))
                half = draw(st.sampled_from(["", ".5", ".125"])) if quantity else ""
                quantities.append(f"{provider_id},{code},{base},{quantity}{half}")
        if "b2" not in bases:
            part = draw(st.fractions(Fraction(1, 97), 1, max_denominator=97))
            shares.append(f"{provider_id},s2,t1,{part.numerator}/{part.denominator}")
            rest = 1 - part
            shares.append(f"{provider_id},s2,t0,{rest.numerator}/{rest.denominator}")
        for code in (*SERVING, *TREATING):
            low = 1 if code == "t0" else 0
            for component in ("staff_pay", "medicines"):
                minor = draw(st.one_of(st.integers(low, 9), st.integers(low, 10**9)))
                ledger.append(f"{provider_id},2025,{code},{component},{minor // 100}.{minor % 100:02},j")
        for number in range(draw(st.integers(0, 4))):
            assets.append(_asset(draw, provider_id, number))
            if "units_of_production" in assets[-1]:
                for year in (2024, 2025):
                    usage.append(f"{provider_id},A{number},{year},{draw(st.integers(0, 700))}")
    files = {
        "costing.toml": toml,
        "cost_centres.csv": _text(centres),
        "ledger.csv": _text(ledger),
        "assets.csv": _text(assets),
        "statistics.csv": _text(quantities),
        "groups.csv": "drg_code,name,planned_days,flags\n" + "".join(f"{g},{g},,\n" for g in GROUPS),
    }
    if len(usage) > 1:
        files["usage.csv"] = _text(usage)
    if len(shares) > 1:
        files["shares.csv"] = _text(shares)
    files["cases.csv" if case_level else "treated.csv"] = _text(
        _cases(draw, providers) if case_level else _treated(draw, providers)
    )
    return files


@st.composite
def _trimming(draw: st.DrawFn, case_level: bool) -> str:
    rule = draw(st.sampled_from(["none", "interquartile", "mean_ratio"]))
    if rule == "none":
        return 'rule = "none"'
    of, by = draw(
        st.sampled_from(
            [("providers", "cost"), *([("cases", "bed_days"), ("cases", "cost")] if case_level else [])]
        )
    )
    more = 'factor = "0.5"' if rule == "interquartile" else 'low = "1/2"\nhigh = "3/2"'
    return f'rule = "{rule}"\nof = "{of}"\nby = "{by}"\nleast = {draw(st.integers(3, 4))}\n{more}'


def _asset(draw: st.DrawFn, provider_id: str, number: int) -> str:
    cost = draw(st.integers(0, 10**8))
    residual = draw(st.integers(0, cost)) if draw(st.booleans()) else 0
    year, month = draw(st.integers(2010, 2025)), draw(st.integers(1, 12))
    method = draw(
        st.sampled_from(
            ["straight_line", "declining_balance", "annuity", "units_of_production", "not_depreciated"]
        )
    )
    life = draw(st.integers(1, 20)) if method == "annuity" else draw(st.sampled_from(["0.25", "2.5", "7"]))
    centre = draw(st.sampled_from([*SERVING, *TREATING]))
    units = "900" if method == "units_of_production" else ""
    disposed = f"2025-{draw(st.integers(1, 12)):02}-15" if year < 2025 and draw(st.booleans()) else ""
    return (
        f"{provider_id},A{number},a,equipment,{centre},"
        f"{cost // 100}.{cost % 100:02},{year}-{month:02}-20,{life},,"
        f"{residual // 100}.{residual % 100:02},{method},{units},{disposed}"
    )


def _treated(draw: st.DrawFn, providers: list[str]) -> list[str]:
    rows = ["provider_id,cost_centre,drg_code,care_setting,cases,bed_days,units"]
    for provider_id in providers:
        for group in GROUPS:
            for setting in SETTINGS:
                if setting != "inpatient" and draw(st.booleans()):
                    continue
                for code in TREATING:
                    cases, bed_days, units = (draw(st.integers(1, 40)) for _ in range(3))
                    rows.append(f"{provider_id},{code},{group},{setting},{cases},{bed_days},{units}")
    return rows


def _cases(draw: st.DrawFn, providers: list[str]) -> list[str]:
    rows = ["provider_id,case_id,cost_centre,drg_code,care_setting,bed_days,units"]
    for provider_id in providers:
        number = 0
        for group in GROUPS:
            for code in TREATING:  # every centre has somebody
                rows.append(f"{provider_id},k{number},{code},{group},inpatient,{draw(st.integers(1, 9))},3")
                number += 1
            for _ in range(draw(st.integers(0, 6))):
                setting = draw(st.sampled_from(SETTINGS))
                for code in draw(st.lists(st.sampled_from(TREATING), min_size=1, max_size=3, unique=True)):
                    stay, units = draw(st.integers(0, 30)), draw(st.integers(0, 5))
                    rows.append(f"{provider_id},k{number},{code},{group},{setting},{stay},{units}")
                number += 1
    return rows


def _text(rows: list[str]) -> str:
    return "".join(f"{row}\n" for row in rows)
