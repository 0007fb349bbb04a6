"""The command ``minidock`` of this package: becomes the program that lies beside the library."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Becomes ``_bin/minidock`` with the same arguments."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_bin", "minidock")
    try:
        os.execv(program, ["minidock", *sys.argv[1:]])
    except OSError as error:
        sys.stderr.write(f"minidock: cannot execute {program}: {error.strerror}\n")
        sys.exit(125)
