"""The package is typed: mypy --strict and stubtest find nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "tool",
    [["mypy", "--strict", "--python-version", "3.10", "-p", "minidock"],
     ["mypy.stubtest", "minidock", "--concise"]],
    ids=["mypy", "stubtest"],
)
def test_types(tool: "list[str]", tmp_path: Path) -> None:
    environment = {**os.environ, "MYPY_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", *tool], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
