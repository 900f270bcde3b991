"""The global settings: their declarations, and the values in force.

The 891 declarations (name, category, group, type, scope, default) are the reference's; a value that differs from its
default lies in the table ``configuration``. Code reads a setting where it uses it, so that a change holds at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from cloudsim.core.errors import BadParameter, InvalidValue
from cloudsim.core.reference import reference

#: Names that the reference gave up and this product still accepts.
ALIASES = {"vmsnapshots.max": "vmsnapshot.max"}
#: Words that this product takes beyond the reference's options.
MORE_OPTIONS = {
    "vm.allocation.algorithm": ("fill", "spread"),
    "volume.allocation.algorithm": ("fill", "spread"),
}


#: Whether a domain without a value of its own has that of the domain above; off if not set.
_INHERIT = ("enable.domain.settings.for.child.domain", "Global", 0)


@dataclass(frozen=True, slots=True)
class Setting:
    """The declaration of one setting."""

    name: str
    category: str
    group: str | None
    subgroup: str | None
    #: Boolean, Number, Decimal, Range, String, CSV, Select, Order, WhitespaceSeparatedListWithOptions, ...
    type: str
    #: Scopes beside Global it can be set at, e.g. ("Zone",).
    scopes: tuple[str, ...]
    default: str | None
    #: Whether the reference takes a change without a restart. This product always does.
    dynamic: bool
    component: str | None
    parent: str | None
    options: str | None

    def checked(self, value: str, more: tuple[str, ...] = ()) -> str:
        """`value` in its stored form; `more` words are taken beside its options. Raises `InvalidValue`."""
        text = value.strip()
        if self.type == "Boolean":
            if text.lower() not in ("true", "false"):
                raise InvalidValue(f"setting {self.name} takes true or false, not '{value}'")
            return text.lower()
        if self.type in ("Number", "Decimal", "Range"):
            try:
                number = float(text) if self.type != "Number" else int(text)
            except ValueError:
                raise InvalidValue(f"setting {self.name} takes a number, not '{value}'") from None
            if self.type == "Range" and not 0 <= number <= 1:
                raise InvalidValue(f"setting {self.name} takes a share between 0 and 1, not '{value}'")
            if number != number or number in (float("inf"), float("-inf")) or abs(number) >= 2**63:
                raise InvalidValue(f"setting {self.name} takes a number that can be counted to, not '{value}'")
            return text
        if self.type == "Select" and self.options and text:
            allowed = [*(option.strip() for option in self.options.split(",")), *MORE_OPTIONS.get(self.name, ()), *more]
            if text not in allowed:
                raise InvalidValue(f"setting {self.name} takes one of {', '.join(allowed)}, not '{value}'")
        return value


@cache
def declarations() -> dict[str, Setting]:
    """Every setting by name, in the order the reference lists them."""
    made = {}
    for row in reference("settings"):
        scope = row.get("scope")
        scopes = tuple(part.strip() for part in scope.split(",")) if isinstance(scope, str) else tuple(scope or ())
        made[row["name"]] = Setting(
            name=row["name"],
            category=row.get("category") or "Advanced",
            group=row.get("group"),
            subgroup=row.get("subgroup"),
            type=row.get("type") or "String",
            scopes=tuple(name for name in scopes if name.lower() != "global"),
            default=row.get("defaultvalue"),
            dynamic=bool(row.get("isdynamic")),
            component=row.get("component"),
            parent=row.get("parent"),
            options=row.get("options"),
        )
    return made


def declaration(name: str) -> Setting:
    """The declaration of `name` (or of an older name for it). Raises `BadParameter`."""
    found = declarations().get(ALIASES.get(name, name))
    if found is None:
        raise BadParameter(f"there is no setting named '{name}'")
    return found


class Settings:
    """The values in force, in memory; the service that owns the table keeps it true."""

    def __init__(self, overrides: dict[tuple[str, str, int], str | None] | None = None) -> None:
        #: (name, scope, id of the row of that scope) to value; scope "Global" has id 0.
        self.overrides = overrides or {}
        #: The domain above each domain, by their row ids.
        self.above: dict[int, int] = {}

    def raw(self, name: str, *places: tuple[str, int]) -> str | None:
        """The value as text: of the first of `places` that sets it (most particular first), else global, else default."""
        name = ALIASES.get(name, name)
        for scope, scope_id in places:
            if (name, scope, scope_id) in self.overrides:
                return self.overrides[name, scope, scope_id]
            if scope == "Domain" and self.overrides.get(_INHERIT) == "true":
                above = self.above.get(scope_id)
                while above is not None:
                    if (name, scope, above) in self.overrides:
                        return self.overrides[name, scope, above]
                    above = self.above.get(above)
        if (name, "Global", 0) in self.overrides:
            return self.overrides[name, "Global", 0]
        return declarations()[name].default

    def text(self, name: str, *places: tuple[str, int]) -> str:
        """As text, empty when nothing is set."""
        return self.raw(name, *places) or ""

    def number(self, name: str, *places: tuple[str, int]) -> int:
        """As a whole number."""
        return int(float(self.raw(name, *places) or 0))

    def share(self, name: str, *places: tuple[str, int]) -> float:
        """As a number with a fraction."""
        return float(self.raw(name, *places) or 0)

    def flag(self, name: str, *places: tuple[str, int]) -> bool:
        """As a yes or no."""
        return (self.raw(name, *places) or "").lower() == "true"
