"""Settings from one TOML file and the environment; a name that is not known is refused."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from audit.origins import parted
from audit.tables import DETAILS_KEPT_YEARS
from crypto.passwords import FIPS, PBKDF2
from crypto.root_ring import TokenPlace
from crypto.suites import Profile


class BadSettings(Exception):
    """The settings cannot be used; the message says which and why, never a value."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How this vault is run. `keys` lies outside `data`, so that a copy of the data opens nothing."""

    data: Path
    keys: Path
    database: str  # an SQLAlchemy URL; empty for SQLite in the data folder
    origin: str = "vault.invalid/ledger"  # the ledger's name on checkpoints
    programme: str = "Witness protection programme"
    time_zone: str = "America/New_York"
    tls: bool = True  # False only for a demonstration on this machine: cookies then lack Secure
    idle_minutes: int = 15
    session_hours: int = 12
    step_up_minutes: int = 5
    sessions_per_officer: int = 1
    lock_after_failures: int = 5
    lock_window_minutes: int = 15
    attempts_per_address: int = 60  # sign-in attempts from one address in the same window
    record_timeout_seconds: float = 4.5
    proxies: int = 0  # how many proxies of ours stand in front and say where a request comes from
    notary_in_process: bool = True
    checkpoint_file: str = ""  # where the notary publishes; empty for the data folder
    acts_wait_for: str = "checkpoint"  # or "witness": what acts of weight wait for before they are done
    acts_wait_seconds: float = 10.0  # how long they wait before they are given up, and nothing was done
    alarm_below_free_percent: int = 5  # how full the disk may become before it is an alarm
    details_kept_years: int = (
        0  # after how many years the ledger's details are forgotten, 5 or more; 0: never
    )
    hold_minutes: int = 90
    turnaround_days: int = 2
    paper_megabytes: int = 200  # the largest document that a case keeps
    password_cost: str = "argon2id$65536$3$4"  # under the profile "fips": pbkdf2-sha256$600000
    profile: str = "standard"  # or "fips": only algorithms that FIPS standards name; chosen at the founding
    public_origin: str = ""  # "https://vault.example", where browsers reach the vault; passkeys need it
    passkey_roles: tuple[str, ...] = ()  # roles that sign in with a passkey and with no app
    root_module: str = ""  # the PKCS#11 module of the token that new root keys are made in; empty for a file
    root_token: str = ""  # that token's label
    root_pin_file: str = ""  # the file with its PIN, mode 0400, outside the data folder
    demonstration: bool = False

    @property
    def database_url(self) -> str:
        """Where the records are."""
        return self.database or f"sqlite:///{self.data / 'vault.db'}"

    @property
    def root_key(self) -> Path:
        """The first root key's file, mode 0400; later ones are beside it, see crypto.root_ring."""
        return self.keys / "root.key"

    @property
    def token(self) -> TokenPlace | None:
        """Where the token is, or None when root keys lie in files. Raises BadSettings."""
        if not self.root_module:
            return None
        if not self.root_token or not self.root_pin_file:
            raise BadSettings("With root_module, the settings root_token and root_pin_file are needed too.")
        pin_file = Path(self.root_pin_file).absolute()
        if pin_file.is_relative_to(self.data):
            raise BadSettings("The file named by root_pin_file must lie outside the data folder.")
        return TokenPlace(Path(self.root_module), self.root_token, pin_file)

    @property
    def trust(self) -> Path:
        """The founding officers' pinned keys."""
        return self.keys / "trust.toml"

    @property
    def notary(self) -> Path:
        """The notary's own folder: its keys and its last-signed state."""
        return self.keys / "notary"

    @property
    def notary_key(self) -> Path:
        """The notary's two signing keys, mode 0400."""
        return self.notary / "notary.key"

    @property
    def notary_state(self) -> Path:
        """The tree that the notary signed last."""
        return self.notary / "signed.json"

    @property
    def checkpoint(self) -> Path:
        """The published checkpoint, which anybody may read."""
        return Path(self.checkpoint_file) if self.checkpoint_file else self.data / "checkpoint"

    @property
    def notary_hand_overs(self) -> Path:
        """Where the notary publishes that its keys were replaced, beside the checkpoint."""
        return self.checkpoint.with_name("notary.hand-overs")

    @property
    def notary_public(self) -> Path:
        """The notary's first public keys, for whoever verifies; hand-overs lead on from them."""
        return self.data / "notary.vkey"


def _words(name: str, value: Any) -> tuple[str, ...]:
    """A list of words; in the environment, with commas between them."""
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        raise BadSettings(f"The setting {name} must be a list of words.")
    return tuple(word.strip() for word in words if word.strip())


def _cast(name: str, kind: Any, value: Any) -> Any:
    if kind == tuple[str, ...]:
        return _words(name, value)
    try:
        if kind is bool and isinstance(value, str):
            return {"true": True, "false": False}[value.lower()]
        if kind in (int, float) and isinstance(value, bool):
            value = None
        return kind(value)
    except (KeyError, TypeError, ValueError) as error:
        raise BadSettings(f"The setting {name} must be of the kind {kind.__name__}.") from error


def load(data: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read `vault.toml` of the data folder, then `VAULT_…` of the environment over it.

    Raises BadSettings for a name that is not a setting, a value of the wrong kind or a profile that is none.
    """
    environment = os.environ if environment is None else environment
    kinds = get_type_hints(Settings)
    known = {field.name for field in fields(Settings)}
    given: dict[str, Any] = {}
    file = data / "vault.toml"
    if file.exists():
        try:
            given |= tomllib.loads(file.read_text())
        except tomllib.TOMLDecodeError as error:
            raise BadSettings("vault.toml is not valid TOML; correct it and start again.") from error
    given |= {
        name.removeprefix("VAULT_").lower(): value
        for name, value in environment.items()
        if name.startswith("VAULT_") and name != "VAULT_DATA"
    }
    unknown = sorted(set(given) - known)
    if unknown:
        raise BadSettings(f"Unknown setting: {', '.join(unknown)}. Remove it or correct its spelling.")
    data = data.absolute()
    chosen: dict[str, Any] = {"data": data, "keys": data.with_name(data.name + "-keys"), "database": ""}
    if given.get("profile") == Profile.FIPS.value:
        chosen["password_cost"] = FIPS.to_text()
    chosen |= given
    settings = Settings(**{name: _cast(name, kinds[name], value) for name, value in chosen.items()})
    _check_profile(settings)
    _check_origin(settings)
    _check_ledger(settings)
    if settings.acts_wait_for not in {"checkpoint", "witness"}:
        raise BadSettings('The setting acts_wait_for must be "checkpoint" or "witness".')
    return settings


def _check_ledger(settings: Settings) -> None:
    if settings.details_kept_years != 0 and settings.details_kept_years < DETAILS_KEPT_YEARS:
        raise BadSettings(
            "The setting details_kept_years must be 0, to keep details for ever, "
            f"or {DETAILS_KEPT_YEARS} or more."
        )
    if parted(settings.origin)[1] != 1:
        raise BadSettings(
            "The setting origin must not end like a volume of the ledger. Remove /volume- and its number."
        )


def _check_profile(settings: Settings) -> None:
    if settings.profile not in {profile.value for profile in Profile}:
        raise BadSettings('The setting profile must be "standard" or "fips".')
    approved = settings.password_cost.startswith(PBKDF2)
    if settings.profile == Profile.FIPS.value and not approved:
        raise BadSettings(
            f'The profile "fips" needs password_cost = "{FIPS.to_text()}"; remove the setting or correct it.'
        )


_PUBLIC = re.compile(r"https://(?=[a-z0-9.-]*[a-z])[a-z0-9.-]+(:[0-9]+)?|http://localhost(:[0-9]+)?")


def _check_origin(settings: Settings) -> None:
    """A browser gives no passkey to a number, nor, but for this machine itself, without TLS."""
    if settings.public_origin and not _PUBLIC.fullmatch(settings.public_origin):
        raise BadSettings(
            'The setting public_origin must be like "https://vault.example", a name and never a number, '
            'without anything after it; on this machine alone it may be "http://localhost:8000".'
        )
    if settings.passkey_roles and not settings.public_origin:
        raise BadSettings("With passkey_roles, the setting public_origin is needed too.")
