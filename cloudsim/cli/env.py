"""``cloudsim env``: what a client needs to know, for a shell, a program, ``cs`` or cloudmonkey."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys

from cloudsim.core.config import Config


def run(config: Config, form: str, username: str) -> int:
    """Prints endpoint and keys; answers 1 where there is no server's data, or the user has no keys."""
    directory = config.data_dir
    try:
        place = json.loads((directory / "endpoint").read_text())
    except (FileNotFoundError, ValueError):
        print(f"cloudsim: {directory} is not the data directory of a server that has run", file=sys.stderr)
        return 1
    if place.get("database") and not config["database"]:
        print("cloudsim: the server keeps its data in PostgreSQL: name it with --database", file=sys.stderr)
        return 1
    keys = asyncio.run(_keys(config, username))
    if keys is None:
        print(f"cloudsim: user {username} of the root domain has no keys", file=sys.stderr)
        return 1
    facts = {"endpoint": place["endpoint"], "apikey": keys[0], "secretkey": keys[1]}
    print(_FORMS[form](facts), end="")
    return 0


async def _keys(config: Config, username: str) -> tuple[str, str] | None:
    from cloudsim.core.keyfile import KeyFile
    from cloudsim.services.identity import candidate

    if config["database"]:
        from cloudsim.db.postgres import PostgresDatabase

        database: object = PostgresDatabase(str(config["database"]))
    else:
        from cloudsim.db.sqlite import SqliteDatabase

        database = SqliteDatabase(config.data_dir / "cloudsim.db", readers=1)
    await database.open()  # type: ignore[attr-defined]
    try:
        row = await database.read(candidate, username, "/", None)  # type: ignore[attr-defined]
    finally:
        await database.close()  # type: ignore[attr-defined]
    if row is None or not row["api_key"]:
        return None
    return row["api_key"], KeyFile(config.data_dir / "key").open(row["secret_key"])


def _shell(facts: dict[str, str]) -> str:
    names = {"endpoint": "CLOUDSTACK_ENDPOINT", "apikey": "CLOUDSTACK_KEY", "secretkey": "CLOUDSTACK_SECRET"}
    return "".join(f"export {names[key]}={shlex.quote(value)}\n" for key, value in facts.items())


def _ini(facts: dict[str, str]) -> str:
    return f"[cloudstack]\nendpoint = {facts['endpoint']}\nkey = {facts['apikey']}\nsecret = {facts['secretkey']}\n"


def _cloudmonkey(facts: dict[str, str]) -> str:
    return (
        "prompt = 🐱\nasyncblock = true\ntimeout = 1800\noutput = json\nverifycert = false\nprofile = cloudsim\n\n"
        f"[cloudsim]\nurl = {facts['endpoint']}\napikey = {facts['apikey']}\nsecretkey = {facts['secretkey']}\n"
        "domain = /\n"
    )


_FORMS = {
    "shell": _shell,
    "json": lambda facts: json.dumps(facts, indent=1) + "\n",
    "cloudstack.ini": _ini,
    "cloudmonkey": _cloudmonkey,
}
