#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from django.core.management import execute_from_command_line

from audit import walls

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    walls.be_the_system()  # an operator's command, or one that stops everything
    execute_from_command_line(sys.argv)
