"""Writes docs/reference.rst and docs/coverage.rst from the registry of commands; --check: says whether they are current."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cloudsim.api.command import Command, commands

ROOT = Path(__file__).resolve().parent.parent


def title(text: str, line: str) -> list[str]:
    """A heading."""
    return [text, line * len(text), ""]


def fields(command: type[Command]) -> str:
    """The names of a command's response fields."""
    return ", ".join(f"``{name}``" for name in sorted(command.response.fields))


def reference() -> str:
    """Every command: what it does, its parameters, its answer."""
    lines = title("Commands", "=")
    for command in commands().values():
        lines += title(command.name, "-")
        lines += [command.description(), ""]
        facts = ["asynchronous" if command.is_async else "synchronous"]
        if command.event:
            facts.append(f"event ``{command.event}``")
        if command.since:
            facts.append(f"since {command.since}")
        if command.ours:
            facts.append(f"not of CloudStack: {command.ours}")
        lines += ["; ".join(facts) + ".", ""]
        for param in sorted(command.params.values(), key=lambda one: (not one.required, one.name)):
            need = ", required" if param.required else ""
            since = f", since {param.since}" if param.since else ""
            roles = ", root admins only" if param.admin else ""
            length = f", up to {param.length}" if param.length != 255 else ""
            lines.append(f"``{param.name}`` ({param.type}{need}{length}{since}{roles})")
            lines.append(f"    {param.description}")
        lines += ["", f"Answers {fields(command)}.", ""]
    return "\n".join(lines)


def coverage() -> str:
    """Which of the reference's commands are there, by group."""
    data = ROOT / "tests" / "contract"
    groups: dict[str, list[str]] = json.loads((data / "groups.json").read_text())
    every = {row["name"] for row in json.loads((data / "apis.json").read_text())}
    here = {command.name for command in commands().values() if not command.ours}
    lines = title("Coverage", "=")
    lines += [f"{len(here & every)} of CloudStack's {len(every)} commands are there.", ""]
    lines += [".. list-table::", "   :header-rows: 1", "", "   * - Group", "     - There", "     - Missing"]
    for group, names in sorted(groups.items()):
        mine = sorted(name for name in names if name in here)
        lines += [f"   * - {group}", f"     - {len(mine)} of {len(names)}: {', '.join(mine) or 'none'}"]
        lines += [f"     - {', '.join(sorted(set(names) - here)) or 'none'}"]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Writes or checks; answers the exit status."""
    check, status = "--check" in sys.argv[1:], 0
    for name, text in (("reference.rst", reference()), ("coverage.rst", coverage())):
        path = ROOT / "docs" / name
        if not check:
            path.write_text(text)
        elif not path.is_file() or path.read_text() != text:
            print(f"docs/{name} is not current: run .venv/bin/python scripts/docs.py")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
