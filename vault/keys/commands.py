"""`python -m vault keys …`: the audit of seals, renewal, and new keys for the root and the notary."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import click
from sqlalchemy.orm import Session

from vault.access import renewal
from vault.access.actor import Actor
from vault.access.comparing import SealFault, audit_seals, forged_seals
from vault.access.emergencies import end_grants
from vault.access.events import Event, record_apart
from vault.access.policy import Permission
from vault.errors import RoleMayNot
from vault.keys import renewing
from vault.keys.wording import name_holders, name_subjects
from vault.officers import pinning, signing_in
from vault.running import RunningVault, wall_clock
from vault.settings import load
from vault.terminal import data_option


@click.group()
def keys() -> None:
    """Keys: who holds them, and how they are renewed."""


@keys.command()
@data_option
@click.option("--name", required=True, help="What the coordinator types at sign-in.")
def pin(data: Path, name: str) -> None:
    """Pin a coordinator's new key, when no other coordinator is left to certify it."""
    vault = RunningVault.start(load(data), wall_clock)
    try:
        with vault.reading() as db:
            awaited = pinning.find_awaited(db, name)
        click.echo(
            f"{awaited.officer.full_name}, {awaited.officer.role.label}, enrolled anew. Their words:\n"
        )
        for number, word in enumerate(awaited.words, 1):
            click.echo(f"  {number}. {word}")
        click.echo("\nMeet them in person and let them read the eight words from their own screen.")
        if click.prompt("Are they these words, in this order? Type yes to pin the key") != "yes":
            raise click.ClickException("Nothing was pinned. Find out whose key this is before you try again.")
        pinning.pin(vault, awaited, vault.now())
    finally:
        vault.close()
    click.echo(
        "The key is pinned in trust.toml, beside the older ones. Copy that file to every machine of the "
        "vault and restart the service. Then the coordinator can sign in and renew the keys."
    )


@keys.command()
@data_option
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object instead of lines.")
def audit(data: Path, is_json: bool) -> None:
    """Compare every key that is held with the matrix and the namings; exit with 1 on any fault."""
    vault = RunningVault.start(load(data), wall_clock)
    try:
        end_grants(vault, vault.now())
        with vault.reading() as db:
            missing, surplus = audit_seals(db)
            found = {"missing": missing, "surplus": surplus, "forged": forged_seals(db, vault.trust)}
            told = {word: _in_words(db, faults) for word, faults in found.items()}
        counts = {word: len(faults) for word, faults in found.items()}
        record_apart(vault, Event.SEALS_AUDITED, who=None, now=vault.now(), subjects=[], facts=counts)
    finally:
        vault.close()
    if is_json:
        click.echo(json.dumps(told, indent=2))
    else:
        for word, faults in told.items():
            for fault in faults:
                key = fault["opens"] or fault["key"]
                click.echo(
                    f"{word.capitalize()}: {key}, {fault['of']} ({fault['subject']}): {fault['holder']}"
                )
    if any(counts.values()):
        click.echo(
            "The keys are not as the matrix says. Missing ones come back when a coordinator renews the keys; "
            "show surplus and forged ones to the auditor before anything is changed.",
            err=True,
        )
        sys.exit(1)
    if not is_json:
        click.echo("Every key is where the matrix says, and nowhere else.")


def _in_words(db: Session, faults: Iterable[SealFault]) -> list[dict[str, str]]:
    """Each fault with what the key opens, of whom, and who holds or lacks it."""
    listed = list(faults)
    subjects = name_subjects(db, {fault.subject for fault in listed})
    holders = name_holders(db, {(fault.holder_kind, fault.holder) for fault in listed})
    return [
        {
            "key": fault.kind.label,
            "opens": fault.compartment.label if fault.compartment else "",
            "of": subjects[fault.subject],
            "subject": fault.subject,
            "holder": holders[fault.holder_kind, fault.holder],
            "holder_id": f"{fault.holder_kind}:{fault.holder}",
        }
        for fault in listed
    ]


@keys.command()
@data_option
@click.option("--name", required=True, help="What the coordinator types at sign-in.")
def renew(data: Path, name: str) -> None:
    """Renew what an officer who left could open, while the vault is in use. It may be stopped at any time."""
    password = click.prompt("Password", hide_input=True)
    code = click.prompt("Code from your authenticator app", hide_input=True)
    vault = RunningVault.start(load(data), wall_clock)
    try:
        who = signing_in.prove_at_terminal(vault, name, password, code, vault.now())
        if not who.may(Permission.RENEW_KEYS):
            raise RoleMayNot("Only a certified coordinator renews keys.")
        left = _renew_all(vault, who)
    except KeyboardInterrupt:
        raise click.ClickException(
            "Stopped. What was renewed stays renewed. Run the command again to go on."
        ) from None
    finally:
        vault.close()
    if left:
        click.echo(
            f"{left:,} sealed places could not be renewed by you. The page of keys says which.", err=True
        )
        sys.exit(1)
    click.echo("Every key is renewed. A copy of an old one opens nothing that is written now.")


def _renew_all(vault: RunningVault, who: Actor) -> int:
    """Renew with a bar; return how much is left that this officer cannot renew."""
    with vault.reading() as db:
        waiting = max(renewing.extent(db).total - len(renewal.beyond(db, who)), 0)
    with click.progressbar(length=waiting, label="Renewing", file=sys.stderr) as bar:
        renewal.renew(vault, who, bar.update)
    with vault.reading() as db:
        return renewing.extent(db).total
