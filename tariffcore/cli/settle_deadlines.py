"""``tariffcore settle deadlines``: the days of a month, by the calendar of holidays."""

from __future__ import annotations

from datetime import date, timedelta

import click

from tariffcore.cli.failures import DONE
from tariffcore.cli.options import Day
from tariffcore.cli.settle_options import month_option, open_rules, rules_option
from tariffcore.cli.tables import show_facts


@click.command(short_help="Say until when to claim, object, answer and pay.")
@month_option
@rules_option
@click.option("--protocol", type=Day(), help="The day the protocol was signed, if it was.")
@click.option("--act", type=Day(), help="The day the act was signed, if it was.")
def deadlines(month: object, rules: str, protocol: date | None, act: date | None) -> int:
    """Say until when a month is claimed, objected to, answered and paid, by the country's calendar."""
    from tariffcore.settlement.calendar_month import Month
    from tariffcore.settlement.deadlines import deadlines as days_of

    assert isinstance(month, Month)
    last = month.plus(1).first_day - timedelta(days=1)
    for option, day in (("--protocol", protocol), ("--act", act)):
        if day is not None and day < last:
            raise click.BadParameter(
                f"{day} is before the end of {month}, {last}: a month is signed when it is over",
                param_hint=option,
            )
    if protocol is not None and act is not None and act < protocol:
        raise click.BadParameter(
            f"{act} is before the protocol of {protocol}: an act is signed with it or after it",
            param_hint="--act",
        )
    used = open_rules(rules).deadlines
    days = days_of(month.year, month.month, used, protocol=protocol, act=act)
    remark = "" if days.payment_is_working_day else ", no working day: calendar days are not moved"
    show_facts(
        [
            ("claims until", f"{days.claims:%A %Y-%m-%d}"),
            ("register back", f"{days.register_return:%A %Y-%m-%d}"),
            ("objections", f"{days.objections:%A %Y-%m-%d}"),
            ("answers", f"{days.answers:%A %Y-%m-%d}"),
            ("payment until", f"{days.payment:%A %Y-%m-%d}{remark}"),
            ("source", used.source),
        ]
    )
    return DONE
