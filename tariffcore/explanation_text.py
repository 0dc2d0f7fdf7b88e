"""An explanation as people read it: two aligned columns, lines of a given width, the amount on the last."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from tariffcore.labelling import Labels, printable

if TYPE_CHECKING:
    from tariffcore.explanation import AppliedRounding, ComponentPart, Explanation, Statement, Step

COLUMNS = 100
"""How wide an explanation is where nothing asks for another width, and at most."""

NARROWEST = 60
"""Beside the names of steps there must be room for words."""

_LONGEST_WHOLE_WORD = 64
"""A digest is longer than a narrow line rather than broken."""

CODE_STEPS = frozenset(["edition", "grouping", "group", "service"])
"""Steps whose result is a code, not a number."""

MONEY_STEPS = frozenset(["tariff", "rate", "tariff_share", "unit_price", "payment", "addon", "components"])
"""Steps whose result is in units of the currency: shown with all decimals of its minor unit."""

MONEY_OPERAND = {"tariff": 1, "tariff_share": 0, "unit_price": 0, "payment": 1}
"""Which factor of a step's formula is in units of the currency."""


def reasons_in_words(reasons: Sequence[Statement], labels: Labels) -> str:
    """The reasons of one case in a row; a hint follows what it belongs to after a colon."""
    words = ""
    for reason in reasons:
        if words:
            words += ": " if reason.id.startswith("hint_") else "; "
        words += labels.sentence("status_reason", reason.id, dict(reason.values))
    return words


def explanation_in_words(explanation: Explanation, labels: Labels, columns: int = COLUMNS) -> str:
    """The whole explanation in the language of the labels, lines parted by line ends, none at the end."""
    columns = min(max(columns, NARROWEST), COLUMNS)
    lines: list[str] = []
    if explanation.synthetic:
        synthetic = labels.sentence("part", "synthetic", {"schedule_id": explanation.schedule_id or ""})
        lines += [*wrapped(synthetic, "", columns), ""]
    lines += _head(explanation, labels, columns)
    lines.append("")
    # One width for all explanations of a language, so that two of them can be read side by side.
    label_width = max(len(label) for label in labels.sections["step"].values())
    group_source = next((step.source for step in explanation.steps if step.id == "group"), None)
    for number, step in enumerate(explanation.steps, start=1):
        # The weight stands in the group's row and has its source, which was said a few lines above.
        source = None if step.id == "weight" and step.source == group_source else step.source
        lines += _step_lines(number, step, source, explanation, labels, label_width, columns)
    lines.append("")
    lines += _last_lines(explanation, labels, columns)
    return "\n".join(lines)


_IN_A_LINE = ("grouping", "group", "service", "weight", "weight_share", "tariff", "rate", "tariff_share")
_IN_A_LINE_IF_NOT_ONE = ("factor", "coefficient")


def explanation_in_a_line(explanation: Explanation, labels: Labels) -> str:
    """Group, weight, tariff, factors and payment one after the other; or why there is no amount."""
    if explanation.amount_minor is None:
        return reasons_in_words(explanation.reasons, labels)
    parts = []
    for step in explanation.steps:
        if step.id in _IN_A_LINE or (step.id in _IN_A_LINE_IF_NOT_ONE and step.result != "1"):
            words = f"{labels.sections['step'][step.id]} {_result(step, explanation, labels)}"
            if step.rule_id is not None and step.id in ("grouping", "factor"):
                words += f" ({labels.sentence('part', 'rule', {'rule_id': step.rule_id})})"
            parts.append(words)
    amount = labels.minor(explanation.amount_minor, explanation.minor_units)
    values = {"amount": amount, "currency": explanation.currency}
    parts.append(labels.sentence("part", "amount_line", values))
    return "; ".join(parts)


def _head(explanation: Explanation, labels: Labels, columns: int) -> list[str]:
    rows = [("case", printable(explanation.case_id or ""))]
    if explanation.schedule_id is not None:
        rows.append(("schedule", printable(f"{explanation.schedule_id}: {explanation.schedule_title}")))
        rows.append(("digest", printable(explanation.schedule_digest or "")))
    as_of = explanation.as_of
    rows.append(("as_of", labels.sections["part"]["latest"] if as_of is None else labels.date(str(as_of))))
    rows.append(("engine", f"tariffcore {explanation.engine_version}"))
    width = max(len(labels.term(term)) for term, _ in rows)
    lines: list[str] = []
    for term, value in rows:
        lines += wrapped(value, labels.term(term).ljust(width) + "  ", columns)
    return lines


def _step_lines(
    number: int,
    step: Step,
    source: str | None,
    explanation: Explanation,
    labels: Labels,
    label_width: int,
    columns: int,
) -> list[str]:
    first = f"{number:>2}  {labels.sections['step'][step.id]:<{label_width}}  "
    below = " " * len(first)
    details = [labels.sentence("note", note.id, dict(note.values)) for note in step.notes]
    if step.rule_id is not None:
        details.append(labels.sentence("part", "rule", {"rule_id": step.rule_id}))
    if source is not None:
        details.append(labels.sentence("part", "source", {"source": source}))
    lines = wrapped(_result(step, explanation, labels), first, columns)
    for detail in details:
        lines += wrapped(detail, below, columns)
    if step.id == "components" and explanation.components:
        lines += _component_lines(explanation.components, explanation.minor_units, labels, below, columns)
    return lines


def _result(step: Step, explanation: Explanation, labels: Labels) -> str:
    """``3.9114 × 0.75 = 2.93355 → 2.9336 (4 decimals, half up)``, as much of it as the step has."""
    if step.id in CODE_STEPS:
        return printable(step.result)
    places = explanation.minor_units if step.id in MONEY_STEPS else 0
    if not step.result:
        return labels.sections["part"]["nothing"]
    shown = labels.number(step.result, places)
    if step.rounding is not None:
        if step.rounding.before != step.rounding.after:
            shown = f"{labels.number(step.rounding.before)} → {shown}"
        shown = f"{shown} ({_rounding_in_words(step.rounding, labels)})"
    if step.formula is None:
        return shown
    operands = step.formula.split(" * ")
    money = MONEY_OPERAND.get(step.id)
    in_words = [
        labels.formula(operand, places if number == money else 0) for number, operand in enumerate(operands)
    ]
    return f"{' × '.join(in_words)} = {shown}"


def _rounding_in_words(rounding: AppliedRounding, labels: Labels) -> str:
    if rounding.places is None:
        return labels.sections["part"]["not_rounded"]
    key = "rounded" if rounding.places > 0 else "rounded_whole" if rounding.places == 0 else "rounded_tens"
    mode = labels.word("rounding_mode", rounding.mode.value)
    return labels.sentence("part", key, {"places": str(abs(rounding.places)), "mode": mode})


def _component_lines(
    components: Sequence[ComponentPart], minor_units: int, labels: Labels, below: str, columns: int
) -> list[str]:
    """The components the profile lists: name, share, part; capital ones are marked."""
    rows = []
    for part in components:
        if part.share == "0":
            continue
        mark = f" ({labels.term('capital')})" if part.capital else ""
        amount = labels.minor(part.amount_minor, minor_units)
        rows.append((labels.word("component", part.component) + mark, labels.number(part.share), amount))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines: list[str] = []
    for name, share, amount in rows:
        table_row = f"{below}{name:<{widths[0]}}  {share:>{widths[1]}}  {amount:>{widths[2]}}"
        # A name too long for its column costs the alignment of its row, never the limit of the line.
        fits = len(table_row) <= columns
        lines += [table_row] if fits else wrapped(f"{name}  {share}  {amount}", below, columns)
    return lines


def _last_lines(explanation: Explanation, labels: Labels, columns: int) -> list[str]:
    if explanation.amount_minor is not None:
        amount = labels.minor(explanation.amount_minor, explanation.minor_units)
        line = labels.sentence("part", "amount_line", {"amount": amount, "currency": explanation.currency})
        return [line]
    status = explanation.status
    sentence = labels.sections["part"]["reason_line"].format(
        status=labels.status(status),
        code=status.name,
        reason=reasons_in_words(explanation.reasons, labels),
    )
    return wrapped(sentence, "", columns)


def wrapped(text: str, first: str, columns: int) -> list[str]:
    """The text after ``first``, broken at spaces where it is long, continued below its beginning."""
    if len(first) + len(text) <= columns:
        return [(first + text).rstrip()]
    return list(_broken(text, first, columns))


@lru_cache(4096)  # the same sources and rules explain case after case
def _broken(text: str, first: str, columns: int) -> tuple[str, ...]:
    lines = textwrap.wrap(
        text,
        columns,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=any(len(word) > _LONGEST_WHOLE_WORD for word in text.split()),
        break_on_hyphens=False,
        drop_whitespace=True,
    )
    return tuple(lines)
