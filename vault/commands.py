"""The terminal's commands: found, serve, demonstrate, migrate, add an officer, export, verify."""

import json
import os
import socket
import sys
from pathlib import Path

import click

from audit.entries import Fact
from audit.errors import Damaged, NotVerified
from audit.exporting import kept_in
from audit.tiles import TILE_WIDTH
from crypto.root_ring import RootRing, has_root_key
from vault import migrations, verification
from vault.access import adoption
from vault.access.events import Event, record_apart
from vault.access.policy import Role
from vault.administration.commands import settings as show_settings
from vault.announcing.actions import Weighty, announce
from vault.database import connect
from vault.demonstration import making, showing
from vault.desk.telling import notices
from vault.keys import rotation_commands
from vault.keys.commands import keys
from vault.notarising import extend_export, vault_size, write_export
from vault.officers import admission
from vault.officers import commands as officer_commands
from vault.officers.founding import Founder, found
from vault.officers.strength import check_strength, words_of
from vault.oversight import ledger_commands
from vault.oversight.commands import alarms, notary
from vault.running import RunningVault, wall_clock
from vault.settings import Settings, load
from vault.terminal import Plain, data_option
from vault.vouching import adopt_vouching_key


@click.group(cls=Plain)
def cli() -> None:
    """The witness programme's vault."""


cli.add_command(keys)
cli.add_command(notary)
cli.add_command(alarms)
cli.add_command(show_settings)
cli.add_command(notices)
keys.add_command(rotation_commands.rotate_root)
keys.add_command(rotation_commands.rotate_notary)


@cli.command()
@data_option
def init(data: Path) -> None:
    """Found a vault: keys, recovery shares and its first three officers."""
    founders = []
    for role in (Role.COORDINATOR, Role.AUDITOR, Role.ADMINISTRATOR):
        click.echo(f"\n{role.label}")
        full_name = click.prompt("  Full name")
        name = click.prompt("  Name for signing in")
        password = click.prompt(
            "  Password (15 characters or more)", hide_input=True, confirmation_prompt=True
        )
        check_strength(password, words_of(name, full_name))
        founders.append(Founder(name, full_name, role, password))
    result = found(load(data), founders, wall_clock())
    click.echo(
        "\nThe vault is founded. Each officer puts their secret, shown once, into an authenticator app:"
    )
    for officer in result.officers:
        click.echo(f"  {officer.full_name}: {officer.totp_secret}   recovery code {officer.recovery_code}")
    click.echo(
        "\nThe recovery key's five shares, shown once. Give each to another person; any three restore it:"
    )
    for number, share in enumerate(result.shares, 1):
        click.echo(f"\n  Share {number}: {share}")


@cli.command()
@data_option
def migrate(data: Path) -> None:
    """Bring the database to this version's shape."""
    settings = load(data)
    # The account that owns the tables sees no keys; what needs them is left to the vault's own account.
    root = RootRing.open(settings.keys, settings.token) if has_root_key(settings.keys) else None
    engine = connect(settings.database_url)
    migrations.upgrade(engine)
    if root is None:
        engine.dispose()
        click.echo("The database has this version's shape. If the vault was founded before, run this once")
        click.echo("more as the account that runs the vault, which alone sees its keys.")
        return
    adopt_vouching_key(engine, root, wall_clock())
    engine.dispose()
    vault = RunningVault.start(settings, wall_clock)
    try:
        adopted = adoption.adopt_keys(vault)
    finally:
        vault.close()
    if adopted.taken:
        click.echo(f"{adopted.taken:,} keys and lockboxes of an earlier version were taken over.")
        click.echo("Ask a coordinator to renew the keys that are due.")
    if adopted.left:
        click.echo(
            f"{adopted.left:,} are not as the ledger tells of them, and nothing of them opens.", err=True
        )
        click.echo("Look at each with: python -m vault verify", err=True)
    click.echo("The database has this version's shape.")


@cli.command()
@data_option
@click.option("--port", type=int, default=8000, show_default=True)
def serve(data: Path, port: int) -> None:
    """Serve the vault on this machine, with gunicorn."""
    check_port(port)
    vault = RunningVault.start(load(data), wall_clock)
    vault.trust.voucher.reread()  # Another vault's root key is told here, before anybody is served.
    vault.close()
    serve_with_gunicorn(data, port)


def check_port(port: int) -> None:
    """Raise click.ClickException when another program listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise click.ClickException(
                f"Port {port} is in use. Stop the program that uses it, or choose another: "
                "--port NUMBER, or make run PORT=NUMBER."
            ) from None


def serve_with_gunicorn(data: Path, port: int) -> None:
    """Become gunicorn. It ends when it is told to stop."""
    environment = os.environ | {"VAULT_DATA": str(data.absolute())}
    arguments = ["--bind", f"127.0.0.1:{port}", "--config", "python:vault.serving", "vault.wsgi:app"]
    os.execve(  # nosec B606 - the same program, no shell
        sys.executable, [sys.executable, "-m", "gunicorn", *arguments], environment
    )


@cli.command()
@data_option
@click.option("--port", type=int, default=8000, show_default=True)
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--no-serve", is_flag=True, help="Make it and say who can sign in, then end.")
def demo(data: Path, port: int, is_json: bool, no_serve: bool) -> None:
    """Make a vault of invented people, once, say who can sign in, and serve it on this machine."""
    if not no_serve:
        check_port(port)
    logins = making.logins_of(data)
    if logins is None:
        say = "Making the demonstration, once"
        with click.progressbar(length=making.STEPS, label=say, file=sys.stderr) as bar:
            logins = making.make(data, wall_clock(), bar.update)
    url = f"http://localhost:{port}"
    if is_json:
        click.echo(showing.as_json(url, logins))
    else:
        python = os.path.relpath(sys.executable)
        again = f"{python} -m vault demo --data {data} --no-serve"
        click.echo(f"\n{showing.as_table(logins, wall_clock())}\n")
        click.echo(showing.explanation(url, again, not no_serve))
    sys.stdout.flush()
    if not no_serve:
        # Passkeys are bound to a name, and a browser takes none for the number of this machine.
        os.environ["VAULT_PUBLIC_ORIGIN"] = url
        serve_with_gunicorn(data, port)


@cli.group()
def officer() -> None:
    """Officers' accounts."""


officer.add_command(officer_commands.release)
officer.add_command(officer_commands.sweep)


@officer.command("add")
@data_option
@click.option("--name", required=True, help="What the officer types at sign-in.")
@click.option("--full-name", required=True)
@click.option("--role", type=click.Choice([str(role.value) for role in Role]), required=True)
def add_officer(data: Path, name: str, full_name: str, role: str) -> None:
    """Open an account and print its one-time enrolment code."""
    vault = RunningVault.start(load(data), wall_clock)
    try:
        with vault.writing() as db:
            _, code = admission.add(db, None, name, full_name, Role(role), vault.now())
    finally:
        vault.close()
    click.echo(f"Give this code to {full_name}; it is good once, for three days: {code}")


@officer.command("enrol-again")
@data_option
@click.option("--name", required=True, help="What the officer types at sign-in.")
def enrol_again(data: Path, name: str) -> None:
    """Ask an officer to enrol again in the same role: the way back when no administrator is left."""
    vault = RunningVault.start(load(data), wall_clock)
    try:
        with vault.writing() as db:
            lost = admission.get_by_name(db, name)
            code = admission.invite_again(db, None, lost, lost.role, vault.now())
    finally:
        vault.close()
    click.echo(
        f"The old keys are gone. Give this code to {lost.full_name}; it is good for three days: {code}"
    )


@cli.group()
def ledger() -> None:
    """The ledger of every access."""


def _size_or_last(given: str) -> int | None:
    """How many entries to keep; None for as many as there are."""
    if given == "last":
        return None
    if not given.isascii() or not given.isdigit():
        raise click.BadParameter("Give a number of entries, or the word last.")
    return int(given)


ledger.add_command(ledger_commands.new_volume)
ledger.add_command(ledger_commands.forget_details)


@ledger.command("export")
@data_option
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--since", metavar="SIZE|last", help="Keep the export in DIRECTORY and add only what is new.")
def export(data: Path, directory: Path, since: str | None) -> None:
    """Write the ledger to DIRECTORY, for anybody to verify without the vault."""
    vault = RunningVault.start(load(data), wall_clock)
    try:
        kept = None if since is None else kept_in(directory, _size_or_last(since))
        announced = announce(vault, None, Weighty.EXPORT, [], vault.now())
        facts: dict[str, Fact] = {"announced": announced.index}
        record_apart(vault, Event.LEDGER_EXPORTED, who=None, now=vault.now(), subjects=[], facts=facts)
        new = vault_size(vault) - (kept or 0) // TILE_WIDTH * TILE_WIDTH
        with click.progressbar(length=new, label="Exporting", file=sys.stderr) as bar:
            if kept is None:
                count = write_export(vault, directory, bar.update)
            else:
                count = extend_export(vault, directory, kept, bar.update)
    except (Damaged, NotVerified) as error:
        click.echo(f"Not exported. {error}", err=True)
        sys.exit(1)
    finally:
        vault.close()
    ed25519 = (directory / "notary.vkey").read_text().splitlines()[0]
    click.echo(f"Exported {count:,} entries to {directory}.")
    click.echo(f"Verify with: python -m audit verify {directory} --key {directory / 'notary.vkey'}")
    click.echo("Compare the keys in that file with those pinned on the auditor's own machine. The first is")
    click.echo(ed25519)


@cli.command()
@data_option
def verify(data: Path) -> None:
    """Find what was altered, removed or planted past the vault; exit with 1 on any finding."""
    vault = RunningVault.start(load(data), wall_clock)
    try:
        with click.progressbar(length=verification.work(vault), label="Verifying", file=sys.stderr) as bar:
            result = verification.verify(vault, bar.update)
    finally:
        vault.close()
    for finding in result.findings:
        click.echo(finding)
    if result.findings:
        click.echo("Not verified. Keep this list, tell the auditor, and change nothing until then.", err=True)
        sys.exit(1)
    click.echo(
        f"Verified: {result.entries:,} entries and {result.rows:,} rows are as the officers left them."
    )


def settings_file(data: Path, **given: object) -> Settings:
    """Write a vault.toml with these settings and load it."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = [f"{name} = {json.dumps(value)}" for name, value in given.items()]
    (data / "vault.toml").write_text("\n".join(lines) + "\n")
    return load(data)
