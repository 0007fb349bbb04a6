"""Every example of every docstring is run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from typing import Iterator

import pytest

import minidock


def examples() -> Iterator[doctest.DocTest]:
    names = ["minidock"]
    names += [f"minidock.{module.name}" for module in pkgutil.iter_modules(minidock.__path__)]
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in names:
        if not name.endswith("._minidock"):
            yield from finder.find(importlib.import_module(name))


@pytest.mark.parametrize("example", list(examples()), ids=lambda found: found.name)
def test_docstring(client: minidock.Client, example: doctest.DocTest) -> None:
    example.globs["client"] = client
    told = ""

    def tell(text: str) -> None:
        nonlocal told
        told += text

    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed = doctest.DocTestRunner(optionflags=flags).run(example, out=tell).failed
    assert not failed, told


def test_there_are_examples() -> None:
    assert len([one for one in examples() if one.examples]) >= 20
