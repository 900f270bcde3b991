"""Writes the pages that come from the registry of commands: docs/reference/ and docs/coverage.rst.

Run as ``.venv/bin/python scripts/docs.py``; with ``--check`` it writes nothing, and fails where a page is not current.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from cloudsim.api.command import Command, commands
from cloudsim.api.params import Param
from cloudsim.api.responses.base import Response
from cloudsim.core.caller import allowed
from cloudsim.core.reference import reference

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
CONTRACT = ROOT / "tests" / "contract"
#: How deep objects within objects are told.
DEPTH = 3

Page = list[str]


def title(text: str, line: str) -> Page:
    """A heading."""
    return [text, line * len(text), ""]


def plain(text: str) -> str:
    """A text with what would be markup escaped."""
    return re.sub(r"([\\`*|]|_(?!\w))", r"\\\1", " ".join(text.split()))


def table(heads: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[str]]) -> Page:
    """A table; a heading is its first row."""
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {' '.join(map(str, widths))}", ""]
    for row in (heads, *rows):
        for position, cell in enumerate(row):
            lines.append(f"   {'* -' if position == 0 else '  -'} {cell}".rstrip())
    return [*lines, ""]


def slug(group: str) -> str:
    """The name of a group's page."""
    return re.sub("[^a-z0-9]+", "-", group.lower()).strip("-")


def groups() -> dict[str, list[str]]:
    """CloudStack's headings, and the commands under each."""
    found: dict[str, list[str]] = json.loads((CONTRACT / "groups.json").read_text())
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def pages() -> dict[str, list[type[Command]]]:
    """The commands by heading: CloudStack's, and for one of our own that of its neighbours in the code."""
    group_of = {name: group for group, names in groups().items() for name in names}
    module_of = {command.__module__: group_of[command.name] for command in commands().values()
                 if command.name in group_of}  # fmt: skip
    made: dict[str, list[type[Command]]] = {}
    for command in commands().values():
        group = group_of.get(command.name) or module_of.get(command.__module__, "Misc")
        made.setdefault(group, []).append(command)
    return dict(sorted(made.items(), key=lambda item: item[0].lower()))


def roles() -> dict[str, str]:
    """For each command the default kinds of role that have it, as a text."""
    kinds = {"Resource Admin": "resource admins", "Domain Admin": "domain admins", "User": "users"}
    rules = {
        name: [(rule.removeprefix("!"), not rule.startswith("!")) for rule in role["rules"]]
        for name, role in reference("roles").items()
        if name in kinds
    }

    def has(role: str, command: str) -> bool:
        return allowed(command, rules.get(role, ()))

    return {
        command.name: ", ".join(["root admins", *(text for role, text in kinds.items() if has(role, command.name))])
        for command in commands().values()
    }


def facts(command: type[Command], may: str) -> Page:
    """What holds for the command as a whole."""
    lines = [f":Kind: {'asynchronous: it answers the id of a job' if command.is_async else 'answers at once'}"]
    if command.event:
        lines.append(f":Event: ``{command.event}``")
    lines.append(f":Roles: {may}")
    if command.since:
        lines.append(f":Since: {command.since}")
    if command.ours:
        lines.append(f":Not of CloudStack: {plain(command.ours)}")
    return [*lines, ""]


def parameters(command: type[Command]) -> Page:
    """The table of its parameters; what must be given comes first."""
    params = sorted(command.params.values(), key=lambda param: (not param.required, param.name))
    if not params:
        return ["It takes no parameters.", ""]
    heads = ("Parameter", "Type", "Length", "Required", "Since", "Meaning")
    return table(heads, (18, 8, 7, 8, 7, 52), (_row(param) for param in params))


def _row(param: Param) -> tuple[str, ...]:
    length = str(param.length) if param.type in ("string", "list", "map") else ""
    meaning = plain(param.description) + ("; root admins only" if param.admin else "")
    return f"``{param.name}``", param.type, length, "yes" if param.required else "", param.since or "", meaning


def fields(response: Response, depth: int = 0, before: str = "") -> list[tuple[str, str, str]]:
    """The rows of a response's table; fields of an object within it follow its own, with a dot."""
    rows = []
    for name, kind in sorted(response.fields.items()):
        rows.append((f"``{before}{name}``", kind, plain(response.description(name))))
        nested = response.nested.get(name)
        if nested is not None and depth < DEPTH:
            rows += fields(nested, depth + 1, f"{before}{name}.")
    return rows


def anchor(response: Response, of: Sequence[Response]) -> str:
    """The heading of a response on a page: its name, with a number where several have it."""
    same = [one for one in of if one.name == response.name]
    return f"Answer: {response.name}" + (f" ({same.index(response) + 1})" if len(same) > 1 else "")


def page(group: str, members: Sequence[type[Command]]) -> str:
    """A page: the commands of a group, and what they answer."""
    may = roles()
    answers: list[Response] = []
    for command in members:
        if command.response not in answers:
            answers.append(command.response)
    lines = title(group, "=")
    for command in members:
        lines += title(command.name, "-")
        lines += [plain(command.description()), "", *facts(command, may[command.name]), *parameters(command)]
        lines += [f"See `{anchor(command.response, answers)}`_.", ""]
    for response in sorted(answers, key=lambda one: one.name):
        lines += title(anchor(response, answers), "-")
        lines += table(("Field", "Type", "Meaning"), (30, 10, 60), fields(response))
    return "\n".join(lines).rstrip() + "\n"


def index() -> str:
    """The first page: every command with what it does, and where its page is."""
    lines = title("Commands", "=")
    lines += [
        "Every command of the server, made from its declarations. `Coverage <../coverage.rst>`_ tells which of",
        "CloudStack's are missing; ``listApis`` tells a program the same as these pages.",
        "",
    ]
    for group, members in pages().items():
        lines += title(group, "-")
        lines += [f"`{group} <{slug(group)}.rst>`__", ""]
        lines += table(
            ("Command", "What it does"), (30, 70), ((f"``{one.name}``", plain(one.description())) for one in members)
        )
    return "\n".join(lines).rstrip() + "\n"


def coverage() -> str:
    """Which of the reference's commands are there, by group."""
    every = {row["name"] for row in json.loads((CONTRACT / "apis.json").read_text())}
    all_here = {command.name for command in commands().values()}
    own = sorted(command.name for command in commands().values() if command.ours)
    here = all_here & every - set(own)
    lines = title("Coverage", "=")
    lines += [f"{len(here)} of CloudStack's {len(every)} commands are there, in the groups of its own reference.", ""]
    if own:
        lines += [f"Besides those, of this server's own: {', '.join(f'``{name}``' for name in own)}.", ""]
    lines += title("There", "-")
    counts = [(group, sorted(set(names) & here), len(names)) for group, names in groups().items()]
    rows = [
        (f"`{group} <reference/{slug(group)}.rst>`__", f"{len(mine)} of {total}", ", ".join(mine))
        for group, mine, total in counts
        if mine
    ]
    lines += table(("Group", "Commands", "Names"), (20, 12, 68), rows)
    lines += title("Missing", "-")
    lines += ["A client that calls one of these is answered with error 432, as for a command that does not exist.", ""]
    gaps = [(group, sorted(set(names) & every - here)) for group, names in groups().items()]
    lines += table(
        ("Group", "Commands", "Names"),
        (20, 12, 68),
        ((group, str(len(names)), ", ".join(names)) for group, names in gaps if names),
    )
    return "\n".join(lines).rstrip() + "\n"


def made() -> dict[Path, str]:
    """Every page that is made here, with its text."""
    texts = {DOCS / "coverage.rst": coverage(), DOCS / "reference" / "index.rst": index()}
    for group, members in pages().items():
        texts[DOCS / "reference" / f"{slug(group)}.rst"] = page(group, members)
    return texts


def main() -> int:
    """Writes or checks; answers the exit status."""
    texts = made()
    stale = [path for path in (DOCS / "reference").glob("*.rst") if path not in texts]
    if "--check" in sys.argv[1:]:
        old = [path for path, text in texts.items() if not path.is_file() or path.read_text() != text] + stale
        for path in old:
            print(f"{path.relative_to(ROOT)} is not current: run .venv/bin/python scripts/docs.py")
        return 1 if old else 0
    (DOCS / "reference").mkdir(exist_ok=True)
    for path in stale:
        path.unlink()
    for path, text in texts.items():
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
