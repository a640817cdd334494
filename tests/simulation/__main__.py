"""Many histories: `python -m tests.simulation [how many, by default 100,000] [from which seed on]`."""

import os
import sys
import time


def main(count: int = 100_000, first: int = 0) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from tests.simulation import doubles
    from tests.simulation.history import play
    from tests.simulation.world import Violation

    broken, began = 0, time.process_time()
    with doubles.installed():
        for seed in range(first, first + count):
            try:
                play(seed)
            except Violation as violation:
                broken += 1
                print(violation, flush=True)
            if (seed - first) % 1000 == 999:
                print(f"{seed - first + 1} histories, {broken} broken, {time.process_time() - began:.0f} s", flush=True)
    print(f"{count} histories, {broken} broke a promise")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
