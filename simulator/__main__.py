"""`python -m simulator`: the SMSC as a process; every knob is an option and an environment variable."""

import argparse
import os

from simulator import knobs
from simulator.smsc import serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    knobs.add_arguments(parser, os.environ)
    serve(knobs.of(vars(parser.parse_args())))
