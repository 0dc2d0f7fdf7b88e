"""``tariffcore serve --check``: everything a start reads, read and said, without starting."""

from __future__ import annotations

from datetime import UTC, datetime

from tariffcore.errors import CatalogError, Problem, ProblemsError
from tariffcore.schedule.shipped import resolve
from tariffcore_server.books import open_book_by_settings
from tariffcore_server.catalogs import read_editions
from tariffcore_server.credentials import read_credentials
from tariffcore_server.settings import Settings, SettingsError
from tariffcore_server.telemetry import start_tracing


def check_everything(settings: Settings) -> list[str]:
    """What the server would have in force, in lines. Raises SettingsError with all that is wrong."""
    lines: list[str] = []
    summaries: list[str] = []
    problems: list[Problem] = []

    def note(error: ProblemsError) -> None:
        summaries.append(error.summary)
        problems.extend(error.problems)

    try:
        editions = read_editions(resolve(settings.schedules), settings.default_family)
    except CatalogError as error:
        note(error)
    else:
        lines += [
            f"edition  {edition.tariff_family}  {edition.id}  {edition.digest[:12]}  {edition.title}"
            for edition in editions.editions
        ]
        lines.append(f"default family  {editions.default_family or 'none: requests must name one'}")
    try:
        credentials = read_credentials(settings)
    except ProblemsError as error:
        note(error)
    else:
        certificates = credentials.certificates
        lines.append(
            "plain text"
            if certificates is None
            else f"TLS{' with client certificates' if certificates.client_ca else ''}, "
            f"{_end_in_words(certificates.not_after)}"
        )
        lines.append(
            "no tokens: everybody may read and price"
            if credentials.tokens is None
            else f"tokens  {len(credentials.tokens)}"
        )
    try:
        book = open_book_by_settings(settings)
    except ProblemsError as error:
        note(error)
    else:
        if book is not None:
            book.close()
            lines.append(f"settled months  rules {book.rules.id}  {book.rules.digest[:12]}")
    try:
        start_tracing(settings.telemetry)
    except SettingsError as error:
        note(error)
    if problems:
        raise SettingsError("; ".join(summaries), problems)
    return [*lines, f"would serve {settings.host} port {settings.port} with {settings.workers} worker(s)"]


def _end_in_words(end: datetime) -> str:
    if end <= datetime.now(UTC):
        return f"CERTIFICATE ENDED {end.date()}: callers refuse it, put another in its place"
    return f"certificate ends {end.date()}"
