"""Parameters: one declaration says what a parameter is called, takes, means, and who may give it.

Types, lengths and the rule that unknown parameters are ignored come from the wire contract. A parameter that only some
roles may give is ignored from others, as the reference does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cloudsim.api.words import describe
from cloudsim.core.clock import from_datetime
from cloudsim.core.errors import BadParameter, InvalidValue
from cloudsim.core.ids import is_uuid
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.nouns import Noun

#: What clients send: lower-cased names to texts.
Given = Mapping[str, str]

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_INT, _LONG = 2**31, 2**63


class Param:
    """The base of all: a text.

    `required`, `length` and `since` are the contract's; `values` limits a text to some words (matched without regard to
    case, given on as declared); `admin` marks what only root admins may give; `default` stands for what is not given;
    `secret` values never reach a log or an event; `blank` says that an empty text is a value.
    """

    type = "string"

    def __init__(
        self,
        description: str = "",
        *,
        required: bool = False,
        length: int = 255,
        since: str | None = None,
        values: Sequence[str] = (),
        default: Any = None,
        admin: bool = False,
        secret: bool = False,
        blank: bool = False,
        name: str | None = None,
    ) -> None:
        self.name = name or ""
        self._description = description
        self.required = required
        self.length = length
        self.since = since
        self.values = {value.lower(): value for value in values}
        self.default = default
        self.admin = admin
        self.secret = secret
        self.blank = blank

    def __set_name__(self, owner: Any, attribute: str) -> None:
        self.attribute = attribute
        if not self.name:
            self.name = attribute.rstrip("_")
        #: Under what a request has it: names are matched without regard to case.
        self.key = self.name.lower()

    @property
    def description(self) -> str:
        """What it means, in a sentence."""
        text = self._description or describe(self.name)
        if self.values:
            text += f" ({', '.join(self.values.values())})"
        return text

    def read(self, ctx: Context, given: Given) -> Any:
        """The value, None where it was not given. Raises `BadParameter`, `InvalidValue`."""
        text = given.get(self.key)
        if text is None or (text == "" and not self.blank):
            if self.required:
                raise BadParameter(f"parameter {self.name} is missing")
            return self.default
        if len(text) > self.length:
            raise BadParameter(f"parameter {self.name} has {len(text)} characters; at most {self.length} are taken")
        return self.parse(ctx, text)

    def parse(self, ctx: Context, text: str) -> Any:
        """The value of a text that is there."""
        return self.text(text)

    def text(self, text: str) -> str:
        """Checks a text for what no text may hold, and against the words it may be."""
        if _CONTROL.search(text):
            raise BadParameter(f"parameter {self.name} holds a control character")
        if self.values:
            found = self.values.get(text.lower())
            if found is None:
                raise InvalidValue(f"parameter {self.name} takes {', '.join(self.values.values())}, not '{text[:64]}'")
            return found
        return text

    def wrong(self, text: str, what: str) -> BadParameter:
        """The error for a text of the wrong type."""
        return BadParameter(f"parameter {self.name} takes {what}, not '{text[:64]}'")


class _Bool(Param):
    type = "boolean"

    def parse(self, ctx: Context, text: str) -> bool:
        word = text.lower()
        if word not in ("true", "false"):
            raise self.wrong(text, "true or false")
        return word == "true"


class _Integer(Param):
    type = "integer"
    limit = _INT

    def parse(self, ctx: Context, text: str) -> int:
        try:
            if not text.isascii() or "_" in text:
                raise ValueError
            value = int(text)
        except ValueError:
            raise self.wrong(text, "a whole number") from None
        if not -self.limit <= value < self.limit:
            raise self.wrong(text, f"a whole number below {self.limit}")
        return value


class _Long(_Integer):
    type = "long"
    limit = _LONG


class _Short(_Integer):
    type = "short"
    limit = 2**15


class _Float(Param):
    type = "float"

    def parse(self, ctx: Context, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise self.wrong(text, "a number") from None
        if value != value or abs(value) > 1e300:
            raise self.wrong(text, "a number")
        return value


class _Date(Param):
    type = "date"
    _FORMS = ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")

    def parse(self, ctx: Context, text: str) -> int:
        for form in self._FORMS:
            try:
                return from_datetime(datetime.strptime(text, form))
            except (ValueError, OverflowError):
                continue
        raise self.wrong(text, "a date (2026-11-23, 2026-11-23 08:27:41 or 2026-11-23T08:27:41+0000)")


class _Ref(Param):
    """The id of a thing: becomes its row, after the one access check."""

    type = "uuid"

    def __init__(self, noun: Noun, description: str = "", *, also: Sequence[str] = (), **options: Any) -> None:
        super().__init__(description, **options)
        self.noun = noun
        #: Words that are taken in the place of an id, and given on as they are.
        self.also = also

    def parse(self, ctx: Context, text: str) -> Any:
        if text in self.also:
            return text
        return access.find(ctx, self.noun, self.checked(text))

    def checked(self, text: str) -> str:
        if len(text) > 40 or not text.isprintable():
            raise access.not_found(self.noun, self.text(text))
        return text


class _Uuid(Param):
    type = "uuid"

    def __init__(self, description: str = "", *, also: Sequence[str] = (), **options: Any) -> None:
        super().__init__(description, **options)
        #: Words that are taken in the place of a uuid.
        self.also = also

    def parse(self, ctx: Context, text: str) -> str:
        if not is_uuid(text) and text not in self.also:
            raise self.wrong(text, "a uuid")
        return text


class _Strings(Param):
    """Texts separated by commas. The length limit holds for each."""

    type = "list"

    def read(self, ctx: Context, given: Given) -> Any:
        text = given.get(self.key)
        if not text:
            if self.required:
                raise BadParameter(f"parameter {self.name} is missing")
            return self.default
        parts = [part.strip() for part in text.split(",")]
        for part in parts:
            if len(part) > self.length:
                raise BadParameter(f"parameter {self.name} has an entry of more than {self.length} characters")
        return self.items(ctx, [self.text(part) for part in parts if part])

    def items(self, ctx: Context, parts: list[str]) -> Any:
        return parts


class _Refs(_Strings):
    def __init__(self, noun: Noun, description: str = "", **options: Any) -> None:
        super().__init__(description, **options)
        self.noun = noun

    def items(self, ctx: Context, parts: list[str]) -> Any:
        return access.find_all(ctx, self.noun, list(dict.fromkeys(parts)))


_INDEX = re.compile(r"\[(\d{1,4})\]\.?(.*)", re.DOTALL)


class _Map(Param):
    """``details[0].key=a&details[0].value=b`` or ``details[0].a=b``: key to value."""

    type = "map"

    def read(self, ctx: Context, given: Given) -> Any:
        entries = self.entries(given)
        if not entries:
            if self.required:
                raise BadParameter(f"parameter {self.name} is missing")
            return self.default
        made: dict[str, str] = {}
        for entry in entries:
            if set(entry) <= {"key", "value"} and "key" in entry:
                made[entry["key"]] = entry.get("value", "")
            else:
                made.update(entry)
        return made

    def entries(self, given: Given) -> list[dict[str, str]]:
        """The maps of each index, in order."""
        start = self.key + "["
        found: dict[int, dict[str, str]] = {}
        names = given.names if isinstance(given, Parameters) else {}
        for name, text in given.items():
            if not name.startswith(start):
                continue
            match = _INDEX.fullmatch(name[len(self.name) :])
            if match is None:
                raise BadParameter(f"parameter {self.name} is a map: write {self.name}[0].key=... and [0].value=...")
            if len(text) > self.length:
                raise BadParameter(f"parameter {name} has more than {self.length} characters")
            # the key of the older form is a value of the client's: its case counts
            key = names.get(name, name)[-len(match[2]) :] if match[2] else ""
            if key.lower() in ("key", "value"):
                key = key.lower()
            found.setdefault(int(match[1]), {})[key] = self.text(text)
        return [found[index] for index in sorted(found)]


class _Maps(_Map):
    """``iptonetworklist[0].networkid=..&iptonetworklist[0].ip=..``: a list of maps with lower-cased keys."""

    def read(self, ctx: Context, given: Given) -> Any:
        entries = [{key.lower(): value for key, value in entry.items()} for entry in self.entries(given)]
        if not entries and self.required:
            raise BadParameter(f"parameter {self.name} is missing")
        return entries or self.default


class Parameters(dict[str, str]):
    """A request's parameters by lower-cased name; `names` keeps how the client spelled them."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, str] = {}
        #: The same under other spellings (``listAll`` and ``listall``): only the signature is about them.
        self.others: dict[str, str] = {}
        #: What the command itself found before its transaction (see `Command.before`).
        self.prepared: dict[str, Any] = {}
        #: How the session that the request came with is stored.
        self.session: str | None = None
        #: The address it came from, and the server as its client calls it.
        self.remote = ""
        self.base = ""


# Declared as fields of a command class; at run time the field holds the value.


def string(description: str = "", **options: Any) -> Any:
    """A text."""
    return Param(description, **options)


def boolean(description: str = "", **options: Any) -> Any:
    """True or false."""
    return _Bool(description, **options)


def integer(description: str = "", **options: Any) -> Any:
    """A whole number of 32 bits."""
    return _Integer(description, **options)


def long(description: str = "", **options: Any) -> Any:
    """A whole number of 64 bits."""
    return _Long(description, **options)


def short(description: str = "", **options: Any) -> Any:
    """A whole number of 16 bits."""
    return _Short(description, **options)


def number(description: str = "", **options: Any) -> Any:
    """A number with a fraction."""
    return _Float(description, **options)


def date(description: str = "", **options: Any) -> Any:
    """An instant; at run time milliseconds since 1970."""
    return _Date(description, **options)


def ref(noun: Noun, description: str = "", **options: Any) -> Any:
    """The id of a thing; at run time its row."""
    return _Ref(noun, description, **options)


def refs(noun: Noun, description: str = "", **options: Any) -> Any:
    """Ids separated by commas; at run time the rows."""
    return _Refs(noun, description, **options)


def uuid(description: str = "", **options: Any) -> Any:
    """A uuid that is not looked up."""
    return _Uuid(description, **options)


def strings(description: str = "", **options: Any) -> Any:
    """Texts separated by commas; at run time a list."""
    return _Strings(description, **options)


def mapping(description: str = "", **options: Any) -> Any:
    """A map parameter; at run time a dict of texts."""
    return _Map(description, **options)


def mappings(description: str = "", **options: Any) -> Any:
    """A list of maps; at run time a list of dicts with lower-cased keys."""
    return _Maps(description, **options)
