"""Headers of published tables, recognised by the roots of their words."""

from __future__ import annotations

import pytest

from tariffcore.schedule.importing.headers import Role, meaning_of
from tariffcore.schedule.model import AgeClass

ADULT, CHILD = AgeClass.ADULT, AgeClass.CHILD


@pytest.mark.parametrize(
    ("title", "role"),
    [
        ("№ п/п", Role.NUMBERING),
        ("№ р/с", Role.NUMBERING),
        ("№", Role.NUMBERING),
        ("Код КЗГ", Role.CODE),
        ("КЗГ коды", Role.CODE),
        ("КШТ коды", Role.CODE),
        ("Код", Role.CODE),
        ("№ КЗГ", Role.CODE),
        ("Kод KЗГ*", Role.CODE),  # Latin K in Cyrillic words
        ("drg_code", Role.CODE),
        ("КЗГ", Role.GROUP),
        ("Клинико-затратные группы", Role.GROUP),
        ("Клиникалық-шығындық топ", Role.GROUP),
        ("Наименование", Role.NAME),
        ("Наименование КЗГ", Role.NAME),
        ("Наименование диагноза по МКБ-10", Role.NAME),
        ("Атауы", Role.NAME),
        ("Name", Role.NAME),
        ("МКБ-10", Role.ICD10),
        ("Код МКБ-10", Role.ICD10),
        ("АХЖ-10 коды", Role.ICD10),
        ("КЗ", Role.WEIGHT),
        ("K3", Role.WEIGHT),
        ("Коэффициент\nзатратоемкости", Role.WEIGHT),
        ("КОЭФФИЦИЕНТ ЗАТРАТОЁМКОСТИ КЗГ **", Role.WEIGHT),
        ("Коэффи-\nциент затрато-\nемкости", Role.WEIGHT),
        ("Шығын сыйымдылығының коэффициенті", Role.WEIGHT),
        ("шығындылық коэффициенті", Role.WEIGHT),
        ("relative_weight", Role.WEIGHT),
        ("Тариф, тенге", Role.TARIFF),
        ("Тариф,\nтеңге", Role.TARIFF),
        ("Стоимость КЗГ, тенге", Role.TARIFF),
        ("published_tariff", Role.TARIFF),
        ("Плановая длительность лечения, дней", Role.PLANNED_DAYS),
        ("Норматив койко-дней", Role.PLANNED_DAYS),
        ("planned_days", Role.PLANNED_DAYS),
        ("Стационарные условия", Role.SPAN),
        ("Взрослые", Role.SPAN),
        ("Примечание", Role.UNKNOWN),
        ("Вес при рождении, г", Role.UNKNOWN),
        ("Поправочный коэффициент", Role.UNKNOWN),
        ("Тариф за один койко-день, тенге", Role.UNKNOWN),
        ("Код операции", Role.UNKNOWN),
        ("Код и наименование КЗГ", Role.CONTRADICTORY),
        ("КЗ и тариф", Role.CONTRADICTORY),
    ],
)
def test_roles(title, role):
    assert meaning_of(title).role is role


@pytest.mark.parametrize(
    ("title", "care_setting", "age_class"),
    [
        ("КЗ", None, None),
        ("Стационарные условия КЗ", "inpatient", None),
        ("Круглосуточный стационар тариф", "inpatient", None),
        ("Тариф дневной стационар", "day_hospital", None),
        ("Стационарозамещающие условия тариф, тенге", "day_hospital", None),
        ("Стационарды алмастыратын жағдайда тариф", "day_hospital", None),
        ("Күндізгі стационар КЗ", "day_hospital", None),
        ("Тариф на дому", "home", None),
        ("КЗ приемное отделение", "reception_observation", None),
        ("Коэффициент затратоемкости взрослые", None, ADULT),
        ("КЗ детский", None, CHILD),
        ("Тариф балалар", None, CHILD),
        ("КЗ ересектер", None, ADULT),
        ("КЗ (до 18 лет)", None, CHILD),
        ("КЗ взрослые и дети", None, None),
        ("relative_weight_child", None, CHILD),
        ("Тариф дневной стационар дети", "day_hospital", CHILD),
    ],
)
def test_settings_and_ages(title, care_setting, age_class):
    meaning = meaning_of(title)
    assert (meaning.care_setting, meaning.age_class, meaning.problem) == (care_setting, age_class, None)


def test_headers_that_are_understood_and_refused():
    assert (
        "more than one care setting"
        in meaning_of("Тариф стационарных и стационарозамещающих условий").problem
    )
    assert "thousands" in meaning_of("Тариф, тыс. тенге").problem
