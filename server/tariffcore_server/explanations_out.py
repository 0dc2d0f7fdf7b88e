"""The library's explanation of a case as a message."""

from __future__ import annotations

from functools import lru_cache

from tariffcore.explanation import AppliedRounding, Explanation, Statement, Step
from tariffcore.v1 import explanation_pb2
from tariffcore_server.edition_choices import iso


def write_explanation(
    message: explanation_pb2.Explanation, explanation: Explanation, text_language: str | None
) -> None:
    """All steps with their exact values and sources; the text for people where it is asked for."""
    message.deciding_date = iso(explanation.deciding_date)
    message.steps.extend([_step(step) for step in explanation.steps])
    add = message.components.add
    for part in explanation.components or ():
        add(
            component=part.component,
            capital=part.capital,
            share=part.share,
            amount_minor=part.amount_minor,
        )
    message.reasons.extend([_statement(reason) for reason in explanation.reasons])
    if text_language is not None:
        message.text = explanation.to_text(text_language)


@lru_cache(4096)  # most steps are those of the case before: the same edition, group, share and sources
def _step(step: Step) -> explanation_pb2.ExplanationStep:
    return explanation_pb2.ExplanationStep(
        id=step.id,
        result=step.result,
        formula=step.formula or "",
        rounding=None if step.rounding is None else _rounding(step.rounding),
        rule_id=step.rule_id or "",
        source=step.source or "",
        notes=[_statement(note) for note in step.notes],
    )


def _rounding(rounding: AppliedRounding) -> explanation_pb2.AppliedRounding:
    return explanation_pb2.AppliedRounding(
        name=rounding.name,
        places=rounding.places,
        mode=rounding.mode.value,
        before=rounding.before,
        after=rounding.after,
    )


def _statement(statement: Statement) -> explanation_pb2.Statement:
    return explanation_pb2.Statement(id=statement.id, values=dict(statement.values))
