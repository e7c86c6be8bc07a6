"""Settings from one TOML file and the environment; a name that is not known is refused."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from audit.origins import parted
from audit.tables import DETAILS_KEPT_YEARS
from crypto.passwords import FIPS, PBKDF2
from crypto.root_ring import TokenPlace
from crypto.suites import Profile
from vault.setting_rules import (
    BadSettings,
    Shown,
    Source,
    check_password_cost,
    number,
    of_kind,
    setting,
    setting_of,
    shown,
    told,
)

__all__ = ["BadSettings", "Settings", "load"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How this vault is run. `keys` lies outside `data`, so that a copy of the data opens nothing."""

    data: Path  # given to the command, so it is no setting of the file that lies in it
    keys: Path = field(metadata=told("The folder of the keys; as delivered, beside the data folder."))
    database: str = field(
        metadata=told("Where PostgreSQL is, as an SQLAlchemy URL; empty for SQLite.", secret=True)
    )
    origin: str = setting("vault.invalid/ledger", "The ledger's name on checkpoints.")
    programme: str = setting("Witness protection programme", "The name that officers know the programme by.")
    time_zone: str = setting("America/New_York", "The zone that days and times are shown in.")
    tls: bool = setting(True, "Whether browsers come by TLS; false serves this machine alone, for a trial.")
    idle_minutes: int = number(15, 1, 30, "Quiet minutes after which a session ends.")
    session_hours: int = number(12, 1, 12, "Hours after which a session ends, however busy.")
    step_up_minutes: int = number(5, 1, 15, "Minutes for which a second factor given again counts.")
    sessions_per_officer: int = number(1, 1, 10, "How many browsers an officer may be signed in with.")
    lock_after_failures: int = number(5, 1, 10, "Failures that lock an account until it is released.")
    lock_window_minutes: int = number(15, 5, 1440, "The minutes within which failures are counted.")
    unused_days: int = number(90, 7, 400, "Days without a sign-in after which an account is off.")
    attempts_per_address: int = number(60, 1, 600, "Sign-in attempts from one address in those minutes.")
    openings_allowed: int = number(60, 1, 1000, "Openings an officer may make within the minutes of looks.")
    searches_allowed: int = number(30, 1, 1000, "Searches an officer may make within the minutes of looks.")
    looks_window_minutes: int = number(10, 1, 1440, "The minutes within which looks are counted.")
    record_timeout_seconds: float = number(4.5, 0.5, 30, "Seconds an entry may take to be recorded.")
    proxies: int = number(0, 0, 5, "Proxies in front that say where a request comes from.")
    notary_in_process: bool = setting(True, "Whether the service runs the notary too.")
    checkpoint_file: str = setting("", "Where the notary publishes; empty for the data folder.")
    acts_wait_for: str = setting("checkpoint", 'What final acts wait for: "checkpoint" or "witness".')
    acts_wait_seconds: float = number(10.0, 0.1, 60, "Seconds they wait before they are given up.")
    alarm_below_free_percent: int = number(5, 1, 50, "Free room on the disk, in percent, that is an alarm.")
    details_kept_years: int = number(
        0,
        DETAILS_KEPT_YEARS,
        None,
        "Years until the ledger's details are forgotten.",
        zero="to keep details for ever",
    )
    emergency_minutes: int = number(30, 5, 120, "Minutes for which emergency access is given.")
    delegation_days: int = number(60, 1, 180, "Days for which an officer may stand in for another.")
    access_review_days: int = number(365, 30, 730, "Days after which everybody's access is reviewed again.")
    hold_minutes: int = number(90, 5, 1440, "Minutes for which a bed is held.")
    turnaround_days: int = number(2, 0, 30, "Days a place rests between two households.")
    paper_megabytes: int = number(200, 1, 2000, "The largest document that a case keeps.")
    password_cost: str = setting(
        "argon2id$65536$3$4", "The work of one guess at a password; its floor is told in deploy/README.md."
    )
    breached_passwords_file: str = setting(
        "", "Passwords known from breaches, as SHA-1 digests in order; empty for the shipped words alone."
    )
    profile: str = setting("standard", 'Or "fips": only what FIPS standards name; chosen at the founding.')
    public_origin: str = setting(
        "", "Where browsers reach the vault, such as https://vault.example; for passkeys."
    )
    passkey_roles: tuple[str, ...] = setting((), "Roles that sign in with a passkey and with no app.")
    root_module: str = setting("", "The PKCS#11 module of the token for new root keys; empty for a file.")
    root_token: str = setting("", "That token's label.")
    root_pin_file: str = setting("", "The file with its PIN, mode 0400, outside the data folder.")
    smtp_host: str = setting("", "The mail server for notices; empty for no notices.")
    smtp_port: int = number(587, 1, 65535, "Its port.")
    smtp_tls: str = setting("starttls", 'Or "implicit"; "none" only for a server on this machine.')
    smtp_from: str = setting("", "The address that notices come from.")
    smtp_username: str = setting("", "The name to sign in there with; empty for none.")
    smtp_password_file: str = setting("", "The file with its password, mode 0400, outside the data folder.")
    smtp_ca_file: str = setting(
        "", "Who signs its certificate, as a PEM file; empty for whom the machine trusts."
    )
    notices_day: str = setting("monday", "The day of the weekly notice.")
    notices_hour: int = number(8, 0, 23, "The hour of daily and weekly notices.")
    demonstration: bool = setting(False, "Whether everybody in it is invented, and every page says so.")
    sources: Mapping[str, Source] = field(default_factory=dict, repr=False, compare=False)

    def shown(self) -> list[Shown]:
        """Every setting as it may be shown, in the order of the table in deploy/README.md."""
        known = ((one.name, setting_of(one)) for one in fields(self))
        return [shown(name, getattr(self, name), here, self.sources) for name, here in known if here]

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


def _of_file(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text())
    except tomllib.TOMLDecodeError as error:
        raise BadSettings("vault.toml is not valid TOML; correct it and start again.") from error


def load(data: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read `vault.toml` of the data folder, then `VAULT_…` of the environment over it.

    Raises BadSettings for a name that is not a setting, and for a value of the wrong kind, out of its range
    or too weak.
    """
    environment = os.environ if environment is None else environment
    kinds = get_type_hints(Settings)
    known = {one.name: setting_of(one) for one in fields(Settings)}
    from_file = _of_file(data / "vault.toml")
    from_environment = {
        name.removeprefix("VAULT_").lower(): value
        for name, value in environment.items()
        if name.startswith("VAULT_") and name != "VAULT_DATA"
    }
    given = from_file | from_environment
    unknown = sorted(name for name in given if known.get(name) is None)
    if unknown:
        raise BadSettings(f"Unknown setting: {', '.join(unknown)}. Remove it or correct its spelling.")
    data = data.absolute()
    chosen: dict[str, Any] = {"data": data, "keys": data.with_name(data.name + "-keys"), "database": ""}
    if given.get("profile") == Profile.FIPS.value:
        chosen["password_cost"] = FIPS.to_text()
    chosen |= given
    cast = {name: of_kind(name, kinds[name], value) for name, value in chosen.items()}
    for name, value in cast.items():
        allowed = known[name]
        if allowed is not None and isinstance(value, int | float):
            allowed.check(name, value)
    sources = dict.fromkeys(from_file, Source.FILE) | dict.fromkeys(from_environment, Source.ENVIRONMENT)
    settings = Settings(**cast, sources=sources)
    _check_profile(settings)
    check_password_cost(settings.password_cost, trial=not settings.tls or settings.demonstration)
    _check_origin(settings)
    _check_ledger(settings)
    _check_zone(settings.time_zone)
    _check_mail(settings)
    if settings.acts_wait_for not in {"checkpoint", "witness"}:
        raise BadSettings('The setting acts_wait_for must be "checkpoint" or "witness".')
    return settings


def _check_mail(settings: Settings) -> None:
    """Mail leaves by verified TLS, or not at all; without it only for a server on this very machine."""
    if settings.notices_day not in WEEKDAYS:
        raise BadSettings(f"The setting notices_day must be one of: {', '.join(WEEKDAYS)}.")
    if settings.smtp_tls not in {"starttls", "implicit", "none"}:
        raise BadSettings('The setting smtp_tls must be "starttls", "implicit" or "none".')
    if not settings.smtp_host:
        return
    if settings.smtp_tls == "none" and settings.smtp_host not in {"127.0.0.1", "::1"}:
        raise BadSettings('The setting smtp_tls may be "none" only with smtp_host = "127.0.0.1" or "::1".')
    if not re.fullmatch(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+", settings.smtp_from):
        raise BadSettings("With smtp_host, the setting smtp_from is needed too: one address, nothing else.")
    if settings.smtp_username:
        file = Path(settings.smtp_password_file).absolute()
        if not settings.smtp_password_file or file.is_relative_to(settings.data):
            raise BadSettings(
                "With smtp_username, smtp_password_file must name a file outside the data folder."
            )


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadSettings(
            'The setting time_zone must be the name of a zone, such as "America/New_York".'
        ) from error


def _check_ledger(settings: Settings) -> None:
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


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
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
