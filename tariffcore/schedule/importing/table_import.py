"""A published table becomes a schedule folder: read, proven row by row, written whole or not at all."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tariffcore.codes import latin_lookalike
from tariffcore.errors import ImportTableError, Problem, ScheduleError
from tariffcore.money import decimal_places, format_exact
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.importing.base_rate import (
    BaseRateRange,
    agreements,
    rate_text,
    rates_listed,
    reproducing_base_rates,
)
from tariffcore.schedule.importing.group_rows import (
    GroupRow,
    NumberKind,
    PrintedValue,
    RowAccount,
    RowFate,
    TableContent,
    read_group_rows,
)
from tariffcore.schedule.importing.headers import Header, Role, find_header, header_words, meaning_of
from tariffcore.schedule.importing.settings import ImportSettings, edition
from tariffcore.schedule.importing.table_reading import PrintedTable, read_candidates
from tariffcore.schedule.model import (
    AgeClass,
    AppliesTo,
    BaseRate,
    Group,
    PublishedTariff,
    Schedule,
    Share,
    Unit,
)
from tariffcore.schedule.proof import as_printed
from tariffcore.schedule.tariff import case_weight, find_share, weight_tariff
from tariffcore.schedule.writing import require_free, schedule_files, write_folder

MAX_WEIGHT_DECIMALS = 8
"""Where the edition rounds no weight. Orders print four; a cell with more was computed."""

LARGEST_ROWS_FIRST = 40
"""So many of the largest tariffs are asked first for the base rate; they nearly always settle it."""


@dataclass(frozen=True, slots=True)
class ColumnAccount:
    """A column of the table: its name (``E``, ``column 5``), header text, and what it was taken for."""

    column: str
    title: str
    taken_as: str
    imported: bool


@dataclass(frozen=True, slots=True)
class UnprovenWeight:
    """A weight that no printed tariff proves."""

    line: int
    drg_code: str
    age_class: AgeClass


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a table. ``imported + skipped == rows_read``, always."""

    folder: Path
    schedule: Schedule
    """The edition as it reads back from the folder."""
    table: str
    sheet: str | None
    form: str
    """How the file was read: ``spreadsheet``, ``text in cp1251, cut by semicolon``."""
    columns: tuple[ColumnAccount, ...]
    rows: tuple[RowAccount, ...]
    base_rate: Fraction
    base_rate_worked_out: bool
    proven_tariffs: int
    """Printed tariffs, each reproduced to the minor unit."""
    unproven: tuple[UnprovenWeight, ...]
    notes: tuple[str, ...]
    """What a reader of the folder should know: columns not taken, codes with Cyrillic letters, …"""

    @property
    def rows_read(self) -> int:
        return len(self.rows)

    @property
    def imported(self) -> int:
        return sum(row.fate is RowFate.IMPORTED for row in self.rows)

    @property
    def skipped(self) -> int:
        return self.rows_read - self.imported

    @property
    def skipped_by_reason(self) -> Mapping[str, int]:
        """How many rows were passed over, by reason, in the order in which the reasons first occur."""
        counts = Counter(row.fate.value for row in self.rows if row.fate is not RowFate.IMPORTED)
        return dict(counts)


@dataclass(frozen=True, slots=True)
class _Printed:
    """A printed tariff with what the formula needs to reproduce it."""

    line: int
    drg_code: str
    age_class: AgeClass
    weight: Fraction
    share: Share
    printed_weight: PrintedValue | None
    tariff: PrintedValue
    source: str


def import_table(
    path: Path, *, destination: Path, base_rate: Fraction | None, settings: ImportSettings
) -> ImportReport:
    """Makes a schedule folder of a published table and proves it: every printed tariff is reproduced.

    The table is a spreadsheet (.xlsx, .xlsm, .xls) or a text (.csv, .txt, .tsv) in UTF-8, UTF-16,
    cp1251 or KZ-1048. ``base_rate`` is in units of the currency; None: it is worked out from the printed
    weights and tariffs, and accepted only where exactly one amount reproduces every one of them.

    Raises ImportTableError, with every problem at once and nothing written: for a cell that cannot be
    read or can be read in two ways, for a printed tariff that is not reproduced, for a base rate that
    the rows do not settle, for a destination that is not free.
    """
    try:
        require_free(destination)
    except ScheduleError as error:
        raise ImportTableError(error.summary, error.problems) from None
    draft = edition(settings, BaseRate(Fraction(1), settings.order))
    if base_rate is not None and base_rate <= 0:
        raise _refused(
            path.name,
            [
                Problem(
                    "settings",
                    "base rate",
                    format_exact(base_rate),
                    "is not above 0",
                    "give that of the order",
                )
            ],
        )
    if find_share(draft, Unit.CASE, settings.care_setting) is None:
        raise _refused(
            path.name,
            [
                Problem(
                    "settings",
                    "care_setting",
                    settings.care_setting,
                    "is not priced by the edition that is followed",
                    "name a care setting with a share, or follow another edition",
                )
            ],
        )
    table, header = find_header(read_candidates(path, settings.sheet))
    content, problems = read_group_rows(
        table, header, default_setting=settings.care_setting, decimal_mark=settings.decimal_mark
    )
    return _Import(path, settings, draft, table, header, content, list(problems)).run(destination, base_rate)


def _refused(name: str, problems: Sequence[Problem]) -> ImportTableError:
    return ImportTableError(f"{name} was not imported: {counted(len(problems), 'problem')}", problems)


def counted(count: int, noun: str) -> str:
    """``1 problem``, ``2 problems``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


class _Import:
    """One import, from the rows that were read to the folder."""

    def __init__(
        self,
        path: Path,
        settings: ImportSettings,
        draft: Schedule,
        table: PrintedTable,
        header: Header,
        content: TableContent,
        problems: list[Problem],
    ) -> None:
        self.path = path
        self.settings = settings
        self.draft = draft
        self.rated = draft
        self.table = table
        self.header = header
        self.content = content
        self.problems = problems
        self.places = draft.minor_units if settings.base_rate_places is None else settings.base_rate_places
        self.groups: list[Group] = []
        self.printed: list[_Printed] = []
        self.unproven: list[UnprovenWeight] = []
        self.notes: list[str] = []

    def run(self, destination: Path, given: Fraction | None) -> ImportReport:
        for row in self.content.groups:
            self._take(row)
        self._note_columns()
        self._note_codes()
        rate = self._base_rate_that_reproduces() if given is None else given
        if rate is not None:
            self._prove(rate)
        if self.settings.strict:
            self._refuse_unproven()
        if self.problems or rate is None:
            raise _refused(self.path.name, self.problems)
        schedule = edition(
            self.settings,
            BaseRate(rate, self._base_rate_source(given is not None)),
            tuple(self.groups),
            self._published(),
        )
        proven: list[Schedule] = []
        try:
            write_folder(
                destination,
                schedule_files(schedule, self._comments(given is not None)),
                lambda folder: proven.append(read_schedule(folder)),
            )
        except ScheduleError as error:
            raise ImportTableError(
                f"{self.path.name} was not imported: {error.summary}", error.problems
            ) from None
        return ImportReport(
            folder=destination,
            schedule=dataclasses.replace(proven[0], folder=destination.resolve().name),
            table=self.table.file_name,
            sheet=self.table.sheet,
            form=self.table.form,
            columns=self._column_accounts(),
            rows=self.content.accounts,
            base_rate=rate,
            base_rate_worked_out=given is None,
            proven_tariffs=len(self.printed),
            unproven=tuple(self.unproven),
            notes=tuple(self.notes),
        )

    # --- what a row says

    def _row_problem(
        self, line: int, field: str | None, value: str | None, message: str, way_out: str
    ) -> None:
        self.problems.append(Problem(self.table.place(line), field, value, message, way_out))

    def _take(self, row: GroupRow) -> None:
        """A row as a group with its printed tariffs; whatever it lacks becomes a problem."""
        before = len(self.problems)
        weights = self._weights(row)
        adult = weights[AgeClass.ADULT]
        if adult is None:
            if len(self.problems) == before and not self._unread(row):
                self._row_problem(
                    row.line,
                    Role.WEIGHT.value,
                    None,
                    f"{row.drg_code} has no weight for {self.settings.care_setting} (adults, if it has two)",
                    "write the weight of the order; if this is no group, clear its code",
                )
            return
        self.groups.append(
            Group(
                drg_code=row.drg_code,
                name=row.name or row.drg_code,
                relative_weight=adult,
                relative_weight_child=weights[AgeClass.CHILD],
                planned_days=row.planned_days,
                flags=frozenset(),
                component_profile=None,
                source=self._source(row),
                line=len(self.groups) + 2,
            )
        )
        proven_ages = self._take_tariffs(row, weights)
        for age_class, weight in weights.items():
            if weight is None or age_class in proven_ages:
                continue
            if age_class is AgeClass.CHILD and weight == adult and AgeClass.ADULT in proven_ages:
                continue  # one weight for both: the adults' tariff proves it
            self.unproven.append(UnprovenWeight(row.line, row.drg_code, age_class))

    def _unread(self, row: GroupRow) -> bool:
        """Whether the row's weight has a problem of its own already (it could not be read)."""
        place = self.table.place(row.line)
        return any(problem.place == place for problem in self.problems)

    def _source(self, row: GroupRow) -> str:
        which = f"row {row.number}" if row.number else f"line {row.line} of the table"
        return f"{self.settings.order}, {' '.join(which.split())}"

    def _one_value(self, row: GroupRow, role: Role, setting: str) -> PrintedValue | None:
        """The adults' value: printed for adults, or for all. Both printed must agree."""
        for_all = row.value(role, setting, None)
        for_adults = row.value(role, setting, AgeClass.ADULT)
        if for_all is not None and for_adults is not None and for_all.value != for_adults.value:
            self._row_problem(
                row.line,
                for_adults.field,
                for_adults.text,
                f"differs from {for_all.text} in {for_all.field}",
                "keep the column that holds for adults",
            )
        return for_adults or for_all

    def _weights(self, row: GroupRow) -> dict[AgeClass, Fraction | None]:
        """Both weights. A table with one weight column has one weight for both; where it has a column for
        children (or one for adults alone), an empty child weight stays unknown."""
        setting = self.settings.care_setting
        adult = self._one_value(row, Role.WEIGHT, setting)
        child = row.value(Role.WEIGHT, setting, AgeClass.CHILD)
        if not self._splits_weights_by_age():
            child = adult
        weights: dict[AgeClass, Fraction | None] = {}
        for age_class, printed in ((AgeClass.ADULT, adult), (AgeClass.CHILD, child)):
            if printed is not None and (child is not adult or age_class is AgeClass.ADULT):
                self._check_weight(row, printed)
            weights[age_class] = None if printed is None else printed.value
        return weights

    def _splits_weights_by_age(self) -> bool:
        """Whether a column of weights names adults or children."""
        setting = self.settings.care_setting
        by_age = {NumberKind(Role.WEIGHT, setting, age_class) for age_class in AgeClass}
        return not by_age.isdisjoint(self.content.kinds)

    def _check_weight(self, row: GroupRow, printed: PrintedValue) -> None:
        if printed.value <= 0:
            self._row_problem(
                row.line, printed.field, printed.text, "a weight is greater than 0", "write that of the order"
            )
            return
        places = self.draft.roundings.weight.places
        most = MAX_WEIGHT_DECIMALS if places is None else places
        if (decimal_places(printed.value) or 0) > most:
            self._row_problem(
                row.line,
                printed.field,
                printed.text,
                f"has more than the {most} decimals of a weight (a computed cell shows less than it holds)",
                "write the weight as the order prints it",
            )

    def _take_tariffs(self, row: GroupRow, weights: Mapping[AgeClass, Fraction | None]) -> set[AgeClass]:
        """Notes the row's printed tariffs, and the ages whose weight they prove."""
        proven: set[AgeClass] = set()
        for setting in self._settings_printed():
            share = find_share(self.draft, Unit.CASE, setting)
            if share is None:
                continue
            for age_class in AgeClass:
                if age_class is AgeClass.ADULT:
                    tariff = self._one_value(row, Role.TARIFF, setting)
                    printed_weight = self._one_value(row, Role.WEIGHT, setting)
                else:
                    tariff = row.value(Role.TARIFF, setting, AgeClass.CHILD)
                    printed_weight = row.value(Role.WEIGHT, setting, AgeClass.CHILD)
                weight = weights[age_class]
                if tariff is None:
                    if setting != self.settings.care_setting and printed_weight is not None:
                        self._check_shared_weight(row, weight, share, printed_weight)
                    continue
                if not self._tariff_is_money(row, tariff):
                    continue
                if weight is None:
                    self._row_problem(
                        row.line,
                        tariff.field,
                        tariff.text,
                        f"{row.drg_code} has this tariff for a child and no weight for one",
                        "write the child's weight of the order, or clear the tariff",
                    )
                    continue
                if printed_weight is not None:
                    self._check_shared_weight(row, weight, share, printed_weight)
                self.printed.append(
                    _Printed(
                        row.line,
                        row.drg_code,
                        age_class,
                        weight,
                        share,
                        printed_weight,
                        tariff,
                        self._source(row),
                    )
                )
                proven.add(age_class)
        return proven

    def _settings_printed(self) -> list[str]:
        """The care settings of the tariff and weight columns: the table's own first, then by name."""
        printed = {kind.care_setting for kind in self.content.kinds}
        return sorted(printed, key=lambda setting: (setting != self.settings.care_setting, setting))

    def _tariff_is_money(self, row: GroupRow, tariff: PrintedValue) -> bool:
        if tariff.value < 0:
            self._row_problem(
                row.line, tariff.field, tariff.text, "a tariff is not below 0", "write that of the order"
            )
            return False
        places = decimal_places(tariff.value)
        if places is None or places > self.draft.minor_units:
            self._row_problem(
                row.line,
                tariff.field,
                tariff.text,
                f"has more decimals than {self.draft.currency} has ({self.draft.minor_units})",
                "write the tariff as the order prints it (a computed cell: round it, not only its display)",
            )
            return False
        return True

    def _check_shared_weight(
        self, row: GroupRow, weight: Fraction | None, share: Share, printed: PrintedValue
    ) -> None:
        """The weight printed for another care setting is the group's weight under that setting's share."""
        if weight is None or weight <= 0 or share.care_setting == self.settings.care_setting:
            return
        computed = case_weight(self.draft, weight, share)
        if computed != printed.value:
            self._row_problem(
                row.line,
                printed.field,
                printed.text,
                f"{row.drg_code} in {share.care_setting}: "
                f"{self._product(weight, share)} is {format_exact(computed)}",
                "compare the weight with the order, and the share with the rules",
            )

    @staticmethod
    def _product(weight: Fraction, share: Share) -> str:
        if share.applies_to is AppliesTo.WEIGHT and share.share != 1:
            return f"{format_exact(weight)} x {format_exact(share.share)}"
        return format_exact(weight)

    # --- what the rows prove

    def _base_rate_that_reproduces(self) -> Fraction | None:
        """The one base rate that reproduces every printed tariff; None, and problems, where there is none."""
        usable = [printed for printed in self.printed if printed.weight > 0]
        if not usable:
            if not self.problems:
                self._rate_problem("the table prints no tariff from which it could be worked out")
            return None
        # The largest tariffs leave the least room. Where they leave one base rate only, and it reproduces
        # every other row too, no row needs a range of its own: none could allow another base rate.
        largest = sorted(usable, key=lambda printed: -printed.tariff.value)[:LARGEST_ROWS_FIRST]
        settled = agreements([self._allowed(printed) for printed in largest])
        if settled and settled[0].rows == len(largest) and settled[0].rates.first == settled[0].rates.last:
            rate = self._rate(settled[0].rates.first)
            if all(self._computed(printed, rate) == printed.tariff.value for printed in usable):
                return rate
        ranges = [self._allowed(printed) for printed in usable]
        best = agreements(ranges)
        if not best:
            for printed in usable:
                self._tariff_problem(
                    printed,
                    f"no base rate with {self.places} decimals gives it for {self._weight_text(printed)}",
                )
            return None
        if best[0].rows == len(usable):
            rates = best[0].rates
            if rates.first == rates.last:
                return self._rate(rates.first)
            count = rates.last - rates.first + 1
            self._rate_problem(
                f"{count} of them reproduce every printed tariff: {rates_listed([rates], self.places)}"
            )
            return None
        if 2 * best[0].rows <= len(usable):
            self._name_every_row(usable, ranges, best[0].rows)
            return None
        # Most rows agree: the others are named against what those agree on, by the proof.
        return self._rate(best[0].rates.first)

    def _allowed(self, printed: _Printed) -> BaseRateRange:
        return reproducing_base_rates(
            self.draft, printed.weight, printed.share, printed.tariff.value, self.places
        )

    def _computed(self, printed: _Printed, rate: Fraction) -> Fraction:
        """What the edition would print for the row at a base rate."""
        if rate != self.rated.base_rate.amount:
            self.rated = dataclasses.replace(self.draft, base_rate=BaseRate(rate, self.settings.order))
        return as_printed(self.rated, weight_tariff(self.rated, printed.weight, printed.share))

    def _rate(self, units: int) -> Fraction:
        return Fraction(units) / Fraction(10) ** self.places

    def _rate_problem(self, message: str) -> None:
        self.problems.append(
            Problem(
                self.table.file_name,
                "base rate",
                None,
                message,
                "give the base rate of the order (--base-rate)",
            )
        )

    def _name_every_row(
        self, usable: Sequence[_Printed], ranges: Sequence[BaseRateRange], agreeing: int
    ) -> None:
        self._rate_problem(f"no base rate reproduces more than {agreeing} of {len(usable)} printed tariffs")
        for printed, allowed in zip(usable, ranges, strict=True):
            if allowed.first > allowed.last:
                needed = f"no base rate with {self.places} decimals"
            elif allowed.first == allowed.last:
                needed = f"the base rate {rate_text(allowed.first, self.places)}"
            else:
                first, last = rate_text(allowed.first, self.places), rate_text(allowed.last, self.places)
                needed = f"a base rate from {first} to {last}"
            self._tariff_problem(printed, f"{self._weight_text(printed)} would need {needed}")

    def _weight_text(self, printed: _Printed) -> str:
        """``P001, inpatient, adult, weight 22.0576``."""
        where = f"{printed.drg_code}, {printed.share.care_setting}, {printed.age_class.value}"
        return f"{where}, weight {self._product(printed.weight, printed.share)}"

    def _tariff_problem(self, printed: _Printed, message: str) -> None:
        self._row_problem(
            printed.line,
            printed.tariff.field,
            printed.tariff.text,
            message,
            "compare the weight and the tariff with the order",
        )

    def _prove(self, rate: Fraction) -> None:
        """Names every printed tariff that the formula does not give."""
        for printed in self.printed:
            if printed.weight <= 0:
                continue
            computed = self._computed(printed, rate)
            if computed != printed.tariff.value:
                in_print = printed.tariff.value
                difference = f"{'+' if in_print > computed else ''}{format_exact(in_print - computed)}"
                self._tariff_problem(
                    printed,
                    f"{self._weight_text(printed)}: {self._formula(printed, rate)} is "
                    f"{format_exact(computed)}, the table prints {format_exact(in_print)} ({difference})",
                )

    def _formula(self, printed: _Printed, rate: Fraction) -> str:
        weight = case_weight(self.draft, printed.weight, printed.share)
        product = f"{format_exact(weight)} x {format_exact(rate)}"
        if printed.share.applies_to is AppliesTo.TARIFF and printed.share.share != 1:
            return f"{product} x {format_exact(printed.share.share)}"
        return product

    def _refuse_unproven(self) -> None:
        for weight in self.unproven:
            self._row_problem(
                weight.line,
                Role.TARIFF.value,
                None,
                f"nothing printed proves the weight of {weight.drg_code} ({weight.age_class.value})",
                "write the tariff of the order, or import without strict",
            )
        for setting in self._settings_without_share():
            self.problems.append(
                Problem(
                    self.table.file_name,
                    setting,
                    None,
                    "the tariffs of this care setting are not proven: no share says how they are made",
                    "follow an edition that prices the setting (--like), or import without strict",
                )
            )

    # --- what is written

    def _published(self) -> tuple[PublishedTariff, ...]:
        return tuple(
            PublishedTariff(
                code=printed.drg_code,
                care_setting=printed.share.care_setting,
                age_class=printed.age_class,
                published_weight=self._published_weight(printed),
                published_tariff=printed.tariff.value,
                source=printed.source,
                line=line,
            )
            for line, printed in enumerate(self.printed, start=2)
        )

    def _published_weight(self, printed: _Printed) -> Fraction | None:
        """The weight as printed beside the tariff, where it is."""
        if printed.printed_weight is not None:
            return printed.printed_weight.value
        return printed.weight if printed.share.care_setting == self.settings.care_setting else None

    def _base_rate_source(self, given: bool) -> str:
        count = self._tariffs_counted()
        if given:
            proof = f"; it reproduces the {count}" if self.printed else "; no printed tariff proves it"
            return f"given at the import of {self.settings.order}{proof}"
        return f"derived from the {count} of {self.settings.order}"

    def _tariffs_counted(self) -> str:
        return counted(len(self.printed), "printed tariff")

    def _comments(self, given: bool) -> dict[str, list[str]]:
        """What schedule.toml says about where its numbers come from."""
        sheet = f" (sheet {self.table.sheet})" if self.table.sheet else ""
        top = [
            f"Imported from {self.table.file_name}{sheet}: {counted(len(self.groups), 'cost group')}, "
            f"{self._tariffs_counted()}.",
            f"Source: {self.settings.order}.",
            "Every printed tariff stands in published.csv and is reproduced whenever this folder is read.",
        ]
        if self.unproven:
            top.append(f"Not proven by any printed tariff: {counted(len(self.unproven), 'weight')}.")
        top += self.notes
        rate = (
            ["Per 1.0000 of weight, as given at the import."]
            if given
            else [
                "Per 1.0000 of weight. The table does not print it; it was worked out from the tariffs:",
                f"the only amount with {self.places} decimals that reproduces every one of them.",
            ]
        )
        comments = {"": top, "base_rate": rate}
        like = self.settings.like
        if like is not None:
            taken = (
                f"Taken over from {like.id}, not from the imported table: compare it with the rules in force."
            )
            comments["vocabulary"] = [taken]
            comments["rounding"] = [taken]
            if like.shares:
                comments["share"] = [taken]
            if like.stay_rules:
                comments["stay_rule"] = [taken]
        else:
            comments["vocabulary"] = [
                "The table says nothing about other care settings, outcomes or stays that end early. Such",
                "cases come back with a status and without an amount until their rules are written here.",
            ]
            comments["rounding"] = ["The usual roundings; the printed tariffs agree with them."]
        return comments

    # --- what the report says

    def _settings_without_share(self) -> list[str]:
        return [
            setting
            for setting in self._settings_printed()
            if find_share(self.draft, Unit.CASE, setting) is None
        ]

    def _note_columns(self) -> None:
        for setting in self._settings_without_share():
            self.notes.append(
                f"The columns for {setting} were not taken: no share says how its tariffs are made."
            )
        used = {column.index for column in self.content.used}
        left = [column.title for column in self.header.columns if column.index not in used]
        if left:
            self.notes.append(f"Columns not taken: {'; '.join(left)}.")
        if not any(column.meaning.role is Role.NAME for column in self.content.used):
            self.notes.append("The table has no column of names: each group is called by its code.")
        if self.groups and not self._splits_weights_by_age():
            self.notes.append(
                "The table has one column of weights: adults and children have the same weight. If the order "
                "has another for children, write it into relative_weight_child of groups.csv."
            )
        for account in self.content.accounts:
            if account.fate is RowFate.ABOVE_TABLE and self._names_other_setting(account.text):
                self.notes.append(
                    f"Line {account.line} above the table names another care setting than "
                    f"{self.settings.care_setting}, for which the columns were taken: {account.text}"
                )

    def _names_other_setting(self, title: str) -> bool:
        meaning = meaning_of(" ".join(header_words(title)))
        return meaning.care_setting not in (None, self.settings.care_setting)

    def _note_codes(self) -> None:
        mixed = [group.drg_code for group in self.groups if latin_lookalike(group.drg_code) != group.drg_code]
        if mixed:
            shown = ", ".join(mixed[:5]) + (", …" if len(mixed) > 5 else "")
            self.notes.append(
                "Codes with Cyrillic letters that look Latin, which cases must spell the same way: "
                f"{shown} ({len(mixed)} in all)."
            )
        like = self.settings.like
        if like is None:
            return
        if any(exemption.drg_flags for rule in like.stay_rules for exemption in rule.exemptions):
            self.notes.append(
                f"The stay rules of {like.id} exempt flagged groups; add the flags to groups.csv"
            )
        if like.coefficients:
            self.notes.append(f"The coefficients and providers of {like.id} were not taken over.")

    def _column_accounts(self) -> tuple[ColumnAccount, ...]:
        used = {column.index for column in self.content.used}
        unshared = set(self._settings_without_share())
        accounts: list[ColumnAccount] = []
        for column in self.header.columns:
            meaning = column.meaning
            setting = meaning.care_setting or self.settings.care_setting
            words = [meaning.role.value]
            numbers = meaning.role in (Role.WEIGHT, Role.TARIFF)
            if numbers:
                words.append(setting)
                if meaning.age_class is not None:
                    words.append(meaning.age_class.value)
            imported = (
                column.index in used
                and meaning.role not in (Role.NUMBERING, Role.ICD10)
                and not (numbers and setting in unshared)
            )
            accounts.append(
                ColumnAccount(self.table.column_name(column.index), column.title, ", ".join(words), imported)
            )
        return tuple(accounts)
