"""`pricecore info`: what is installed, on what, with which clock and which sizes."""

import argparse
import json
import platform
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, version

import numpy

from pricecore.dtypes import RECORD_DTYPE, SNAPSHOT_DTYPE
from pricecore.primitives import clock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--json", action="store_true", help="print one JSON object alone on stdout")
