"""``cloudsim config show``."""

from __future__ import annotations

from cloudsim.core.config import OPTIONS, Config


def run(config: Config) -> int:
    """Prints each option, its value and its origin; secrets are not shown."""
    width = max(len(option.name) for option in OPTIONS)
    for option in OPTIONS:
        value = config[option.name]
        text = "***" if option.secret and value else str(value).lower() if isinstance(value, bool) else str(value)
        print(f"{option.name:<{width}} = {text or '(none)':<28} # {config.origin[option.name]}")
    return 0
