"""What each setting may be: its words, its range, whether it is a secret; what is too weak is refused."""

from collections.abc import Mapping
from dataclasses import Field, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from crypto.errors import Malformed
from crypto.passwords import ARGON2ID, FIPS, STANDARD, PasswordCost
from vault.vocabulary import Labelled

Value = TypeVar("Value")


class BadSettings(Exception):
    """The settings cannot be used; the message says which and why, never a value."""


class Source(Labelled):
    """Where the value of a setting came from."""

    DEFAULT = "default", "as delivered"
    FILE = "file", "vault.toml"
    ENVIRONMENT = "environment", "environment"


@dataclass(frozen=True)
class Setting:
    """What is known of one setting: what it is for, the least and the most, and whether it is ever shown."""

    words: str
    least: float | None
    most: float | None
    secret: bool
    zero: str  # what 0 means where it is allowed beside the range; empty where it is refused

    @property
    def allowed(self) -> str:
        """The range in words, empty where any value is taken."""
        if self.least is None:
            return ""
        span = f"{self.least:,g} or more" if self.most is None else f"from {self.least:,g} to {self.most:,g}"
        return f"0, {self.zero}, or {span}" if self.zero else span

    def check(self, name: str, value: float) -> None:
        """Raise BadSettings, naming the setting and its range, for a number outside it."""
        if self.least is None or (self.zero and value == 0):
            return
        if not self.least <= value or (self.most is not None and value > self.most):
            raise BadSettings(f"The setting {name} must be {self.allowed}.")


def setting(default: Value, words: str, *, secret: bool = False) -> Value:
    """A setting that is a word, a path or yes and no."""
    known = Setting(words, None, None, secret, "")
    return field(default=default, metadata={"setting": known})


def told(words: str, *, secret: bool = False) -> dict[str, Setting]:
    """What is known of a setting without a default: `load` gives it from the place of the data folder."""
    return {"setting": Setting(words, None, None, secret, "")}


def number(default: Value, least: float, most: float | None, words: str, *, zero: str = "") -> Value:
    """A setting that is a number within a range; `zero` says what 0 means where that is allowed too."""
    known = Setting(words, least, most, False, zero)
    return field(default=default, metadata={"setting": known})


def of_kind(name: str, kind: Any, value: Any) -> Any:
    """The value as what the setting is, read from a word where the environment gave it.

    Raises BadSettings for a value of another kind: half a minute is not rounded, and 0 is not "no".
    """
    if kind == tuple[str, ...]:
        return _words(name, value)
    taken = {bool: bool, int: int, float: int | float, str: str, Path: str | Path}[kind]
    try:
        if kind is bool and isinstance(value, str):
            return {"true": True, "false": False}[value.lower()]
        if isinstance(value, str) or (isinstance(value, taken) and (kind is bool) == isinstance(value, bool)):
            return kind(value)
    except (KeyError, ValueError):
        pass
    raise BadSettings(f"The setting {name} must be of the kind {kind.__name__}.")


def _words(name: str, value: Any) -> tuple[str, ...]:
    """A list of words; in the environment, with commas between them."""
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        raise BadSettings(f"The setting {name} must be a list of words.")
    return tuple(word.strip() for word in words if word.strip())


def setting_of(one: "Field[Any]") -> Setting | None:
    """What is known of a field; None for what is kept beside the settings and is none."""
    known = one.metadata.get("setting")
    return known if isinstance(known, Setting) else None


ENOUGH_PASSES = ((47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5))
"""Argon2id: memory in KiB, and the passes that are enough with it (OWASP Password Storage Cheat Sheet)."""


def check_password_cost(text: str, *, trial: bool) -> None:
    """Raise BadSettings for a cost that cannot be spent, or below the floor of OWASP unless for a trial."""
    try:
        cost = PasswordCost.from_text(text)
    except Malformed as error:
        raise BadSettings(
            f'The setting password_cost must be like "{STANDARD.to_text()}" (memory in KiB, passes, lanes).'
        ) from error
    if cost.name == ARGON2ID:
        enough = any(cost.memory_kib >= memory and cost.passes >= passes for memory, passes in ENOUGH_PASSES)
    else:
        enough = cost.passes >= FIPS.passes
    if not enough and not trial:
        raise BadSettings(
            "The setting password_cost is too weak: it must be argon2id with 19,456 KiB and 2 passes or what "
            f"costs as much, or {FIPS.to_text()} or more. Only where tls is false may it be less."
        )


@dataclass(frozen=True)
class Shown:
    """One setting as a page or the terminal may show it: a secret only says whether it is set."""

    name: str
    value: str
    source: Source
    setting: Setting


def shown(name: str, value: object, known: Setting, sources: Mapping[str, Source]) -> Shown:
    """A setting's value in words, and where it came from."""
    source = sources.get(name, Source.DEFAULT)
    words = str(value) if value != "" else "not set"
    if known.secret:
        words = "set" if value else "not set"
    elif isinstance(value, bool):
        words = str(value).lower()
    elif isinstance(value, tuple):
        words = ", ".join(value) or "none"
    return Shown(name, words, source, known)
