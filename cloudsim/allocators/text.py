"""Figures as an administrator reads them, for the reasons in refusals."""

from __future__ import annotations

from collections.abc import Iterable

MIB = 1024 * 1024
GIB = 1024 * MIB


def number(value: float) -> str:
    """At most two decimals, and none that say nothing."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def megabytes(size: float) -> str:
    """A size in bytes as memory is counted: ``512 MB``."""
    return f"{number(size / MIB)} MB"


def gigabytes(size: float) -> str:
    """A size in bytes as storage is counted: ``8 GB``; sizes below one in MB."""
    return f"{number(size / GIB)} GB" if abs(size) >= GIB else megabytes(size)


def percent(share: float) -> str:
    """A share of 1 as ``85%``."""
    return f"{number(share * 100)}%"


def words(names: Iterable[str]) -> str:
    """Names in alphabetical order, separated by commas."""
    return ", ".join(sorted(names))
