"""Writes locale/*/LC_MESSAGES/django.po and .mo from the sources; gives and takes translations as JSON."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import catalogues


class Command(BaseCommand):
    help = "Bring the catalogues up to the sources and compile them. Needs Babel, which comes with the test extra."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--missing", type=Path, help="write what has no translation to this JSON file")
        parser.add_argument("--fill", type=Path, action="append", default=[], help="take translations from a JSON file")

    def handle(self, *args: Any, **options: Any) -> None:
        refused: list[str] = []
        brought = [json.loads(path.read_text()) for path in options["fill"]]
        for language in catalogues.PLURALS:
            catalogues.save(language, catalogues.merged(language))
            for translations in brought:
                filling = catalogues.fill(language, translations.get(language, {}))
                refused += [f"{language}: {reason}" for reason in filling.refused]
            self.stdout.write(f"{language}: {len(catalogues.missing(language))} texts have no translation")
        if options["missing"]:
            wanted = {language: catalogues.missing(language) for language in catalogues.PLURALS}
            options["missing"].write_text(json.dumps(wanted, ensure_ascii=False, indent=1) + "\n")
        if refused:
            raise CommandError("\n".join(["Not taken:", *refused]))
