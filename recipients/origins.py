"""Whose numbers a list has: how many of each country, and of each beginning."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import phonenumbers
from numpy.typing import NDArray

LEADING = 5  # digits that are counted: a country code of three and two more
MOST_PREFIXES = 50
MOST_COUNTRIES = 300
KAZAKH = ("76", "77")  # of Russia's country code
# The United States, Canada and two dozen islands tell by area code only.
SHARED = {1: "+1"}
_POWERS = np.array([10**n for n in range(20)], dtype=np.uint64)


@dataclass(slots=True)
class Origins:
    """Add E.164 digits, then ask."""

    _counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(10**LEADING, dtype=np.int64))

    def add(self, numbers: NDArray[np.uint64]) -> None:
        digits = np.searchsorted(_POWERS, numbers, side="right")
        leading = (numbers // _POWERS[np.maximum(digits - LEADING, 0)]).astype(np.intp)
        self._counts += np.bincount(leading, minlength=10**LEADING)

    def as_json(self) -> dict[str, list[tuple[str, int]]]:
        """`countries` in ISO 3166 (or the code that several share), `prefixes` the 50 largest; largest first."""
        countries: Counter[str] = Counter()
        prefixes: Counter[str] = Counter()
        for leading in np.flatnonzero(self._counts).tolist():
            count = int(self._counts[leading])
            text = str(leading)
            code = next(
                (code for n in (1, 2, 3) if (code := int(text[:n])) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), 0
            )
            countries[_country(code, text)] += count
            prefixes[f"+{text[: len(str(code)) + 2]}"] += count
        return {"countries": countries.most_common(MOST_COUNTRIES), "prefixes": prefixes.most_common(MOST_PREFIXES)}


def _country(code: int, leading: str) -> str:
    if code == 7 and leading.startswith(KAZAKH):
        return "KZ"
    region = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ("",))[0]
    return SHARED.get(code) or (region if region.isalpha() else f"+{code}")
