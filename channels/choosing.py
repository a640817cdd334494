"""Whose turn it is among the channels of a route. Pure.

Smooth weighted round-robin, as nginx balances its upstreams: each usable one gains its weight, the one that has most is
chosen and pays the sum. Weights of 5, 1 and 1 give a a b a c a a, where plain round-robin gives five in a row.
https://github.com/nginx/nginx/commit/52327e0627f49dbda1e8db695e63a4b0af4448b1
"""

from collections.abc import Collection, Mapping


class Turns:
    """Who is chosen depends on the weights and on what `next` was told, and on nothing else.

    While the same ones are usable, each run of as many picks as their weights sum up to has each as often as it weighs,
    wherever the run begins. Who was away for a while is not owed the picks that it missed.
    """

    def __init__(self, weights: Mapping[int, int], *, backups: Mapping[int, int] | None = None) -> None:
        self._primaries = _Wheel(weights)
        self._backups = _Wheel(backups or {})

    def next(self, usable: Collection[int]) -> int | None:
        """The id of a usable channel, a backup only when nothing else is usable; None when nothing is."""
        chosen = self._primaries.next(usable)
        return chosen if chosen is not None else self._backups.next(usable)


class _Wheel:
    def __init__(self, weights: Mapping[int, int]) -> None:
        if any(weight < 1 for weight in weights.values()):
            raise ValueError("A weight is 1 or more.")
        self._weights = dict(sorted(weights.items()))  # the order of equals must not hang on the order of rows
        self._gained = dict.fromkeys(self._weights, 0)

    def next(self, usable: Collection[int]) -> int | None:
        here = [one for one in self._weights if one in usable]
        if not here:
            return None
        for one in here:
            self._gained[one] += self._weights[one]
        chosen = max(here, key=self._gained.__getitem__)  # the first of equals
        self._gained[chosen] -= sum(self._weights[one] for one in here)
        return chosen
