"""``cloudsim``: parses the command line and hands over to one module a command."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from cloudsim import __version__
from cloudsim.core.config import OPTIONS, Config, ConfigError, load


def parser() -> argparse.ArgumentParser:
    """The whole command line, for parsing and for shell completion."""
    top = argparse.ArgumentParser(
        prog="cloudsim",
        description="A management server that speaks CloudStack's API.",
        epilog="Shell completion: cloudsim completion bash|zsh prints a script to source.",
    )
    top.add_argument("--version", action="version", version=f"cloudsim {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    serve = commands.add_parser("serve", help="run the server in the foreground", description="Runs the server.")
    _options(serve, *(option.name for option in OPTIONS))

    env = commands.add_parser(
        "env",
        help="print the endpoint and the admin's keys",
        description="Prints what a client needs to reach the server of a data directory.",
    )
    _options(env, "data-dir", "database")
    env.add_argument(
        "--format", choices=("shell", "json", "cloudstack.ini", "cloudmonkey"), default="shell", help="default: shell"
    )
    env.add_argument("--user", default="admin", metavar="NAME", help="whose keys (default: admin)")

    config = commands.add_parser("config", help="tell the options in force", description="Tells the options in force.")
    shows = config.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = shows.add_parser("show", help="every option, its value, and where the value came from")
    _options(show, *(option.name for option in OPTIONS))

    completion = commands.add_parser("completion", help="print a completion script for a shell")
    completion.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    return top


def _options(to: argparse.ArgumentParser, *names: str) -> None:
    to.add_argument("--config", metavar="FILE", help="configuration file (see conf/cloudsim.conf)")
    for option in OPTIONS:
        if option.name not in names:
            continue
        default = "" if option.secret or option.default == "" else f" (default: {option.default})"
        if option.kind is bool:
            to.add_argument(f"--{option.name}", action="store_true", default=None, help=option.help + default)
            to.add_argument(f"--no-{option.name}", action="store_false", dest=option.name.replace("-", "_"))
        else:
            to.add_argument(
                f"--{option.name}",
                metavar=option.metavar or None,
                choices=option.choices or None,
                help=option.help + default,
            )


def configuration(arguments: argparse.Namespace) -> Config:
    """The options in force for these arguments. Raises `ConfigError`."""
    flags: dict[str, Any] = {option.name: getattr(arguments, option.name.replace("-", "_"), None) for option in OPTIONS}
    return load(flags, os.environ, arguments.config)


def main(argv: list[str] | None = None) -> int:
    """Runs a command; answers the exit status."""
    arguments = parser().parse_args(argv)
    try:
        if arguments.command == "completion":
            import shtab

            print(shtab.complete(parser(), arguments.shell))
            return 0
        config = configuration(arguments)
        if arguments.command == "serve":
            from cloudsim.cli import serve

            return serve.run(config)
        if arguments.command == "env":
            from cloudsim.cli import env

            return env.run(config, arguments.format, arguments.user)
        from cloudsim.cli import show

        return show.run(config)
    except ConfigError as error:
        print(f"cloudsim: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
