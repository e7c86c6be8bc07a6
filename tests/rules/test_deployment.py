"""How the vault is run for real: what each database role may do, and what is set for the servers in front."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import sqlalchemy
from gunicorn.config import Config
from sqlalchemy.exc import DBAPIError, ProgrammingError

from audit.__main__ import main as audit_command
from audit.entries import Entry, new_entry_id
from audit.ledger import Ledger, create_all
from vault.oversight.ledger_commands import TRY_LATER

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
ROLES = ("vault", "vault-owner", "vault-notary")
INSUFFICIENT_PRIVILEGE = "42501"
LEDGER = ("ledger_entries", "ledger_subjects", "ledger_heads", "ledger_volumes")


def an_entry() -> Entry:
    """One look at one case."""
    return Entry(
        id=new_entry_id(NOW),
        at=NOW,
        event="record-opened",
        officer=None,
        session=None,
        subjects=("case:0192f0c4-0000-7000-8000-000000000001",),
        compartment=None,
        fields=(),
        reason=None,
        outcome="done",
        rows={},
        facts={},
        details=None,
    )


@pytest.fixture
def granted(postgres_url: str) -> Iterator[dict[str, sqlalchemy.Engine]]:
    """The ledger and one table of records, as granted; an engine for each role."""
    url = sqlalchemy.make_url(postgres_url)
    owner = sqlalchemy.create_engine(url)
    with owner.begin() as connection:
        for role in ROLES:
            known = connection.exec_driver_sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'").scalar()
            if not known:
                connection.exec_driver_sql(f'CREATE ROLE "{role}" LOGIN')
    create_all(owner)
    with owner.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE houses (id integer)")
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num text)")
    with owner.begin() as connection:
        connection.exec_driver_sql((ROOT / "deploy/grants.sql").read_text())
    owner.dispose()
    engines = {role: sqlalchemy.create_engine(url.set(username=role)) for role in ("vault", "vault-notary")}
    yield engines
    for engine in engines.values():
        engine.dispose()


def refused(engine: sqlalchemy.Engine, statement: str) -> bool:
    """Whether the role lacks the privilege; any other failure is raised."""
    with engine.connect() as connection:
        try:
            connection.exec_driver_sql(statement)
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) != INSUFFICIENT_PRIVILEGE:
                raise
            return True
    return False


def test_the_service_can_record_and_keep_records(granted: dict[str, sqlalchemy.Engine]) -> None:
    ledger = Ledger(granted["vault"])
    assert [receipt.index for receipt in ledger.weave([(an_entry(), None)], 10.0)] == [0]
    with granted["vault"].begin() as connection:
        pended = an_entry()
        ledger.pend(connection, pended, None)
        connection.exec_driver_sql("INSERT INTO houses VALUES (1)")
        connection.exec_driver_sql("UPDATE houses SET id = 2")
        connection.exec_driver_sql("DELETE FROM houses")
    assert [receipt.index for receipt in ledger.settle([pended.id], 10.0)] == [1]
    ledger.close()


@pytest.mark.parametrize("table", LEDGER)
@pytest.mark.parametrize("act", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_service_may_take_nothing_back_from_the_ledger(
    granted: dict[str, sqlalchemy.Engine], table: str, act: str
) -> None:
    column = {"ledger_heads": "size", "ledger_volumes": "number"}.get(table, '"index"')
    assert refused(granted["vault"], act.format(table, column, column))


def test_the_service_may_forget_details_that_are_five_years_old_and_no_younger_ones(
    granted: dict[str, sqlalchemy.Engine],
) -> None:
    service = granted["vault"]
    with service.begin() as connection:
        now = connection.exec_driver_sql("SELECT now()").scalar_one()
        young, old = (str(new_entry_id(now - timedelta(days=365.25 * years))) for years in (4.9, 5.1))
        for name in (young, old):
            connection.exec_driver_sql(f"INSERT INTO ledger_details VALUES ('{name}', 'sealed')")
    with service.begin() as connection:
        gone = connection.exec_driver_sql(f"DELETE FROM ledger_details WHERE id = '{old}'")
        assert gone.rowcount == 1
    for statement in (f"DELETE FROM ledger_details WHERE id = '{young}'", "DELETE FROM ledger_details"):
        with pytest.raises(DBAPIError, match="the ledger only grows"), service.begin() as connection:
            connection.exec_driver_sql(statement)
    assert refused(service, "UPDATE ledger_details SET sealed = 'other'")
    assert refused(service, "TRUNCATE ledger_details")
    assert refused(service, "ALTER TABLE ledger_details DISABLE TRIGGER ledger_details_kept")


def test_the_service_may_change_no_waiting_entry_and_no_migration(
    granted: dict[str, sqlalchemy.Engine],
) -> None:
    assert refused(granted["vault"], "UPDATE ledger_pending SET leaf = leaf")
    assert refused(granted["vault"], "UPDATE alembic_version SET version_num = version_num")
    assert refused(granted["vault"], "CREATE TABLE planted (id integer)")
    assert refused(granted["vault"], "ALTER TABLE ledger_entries DISABLE TRIGGER ALL")


def test_the_notary_reads_leaves_and_heads_and_nothing_else(granted: dict[str, sqlalchemy.Engine]) -> None:
    notary = granted["vault-notary"]
    assert not refused(notary, "SELECT leaf FROM ledger_entries")
    assert not refused(notary, "SELECT root FROM ledger_heads")
    assert not refused(notary, "SELECT first_index FROM ledger_volumes")
    for table in ("houses", "ledger_subjects", "ledger_details", "ledger_pending"):
        assert refused(notary, f"SELECT * FROM {table}")
    assert refused(notary, "DELETE FROM ledger_heads")


def test_gunicorn_knows_every_setting_and_opens_no_control_socket() -> None:
    chosen = {
        name: value
        for name, value in runpy.run_path(str(ROOT / "deploy/gunicorn.conf.py")).items()
        if not name.startswith("__")
    }
    config = Config()
    for name, value in chosen.items():
        config.set(name, value)  # Raises for a name or a value that gunicorn does not know.
    assert config.control_socket_disable
    assert not config.preload_app
    assert config.accesslog is None


def test_units_leave_nothing_writable_and_no_network() -> None:
    for name in ("vault", "vault-notary"):
        unit = (ROOT / f"deploy/systemd/{name}.service").read_text().splitlines()
        for line in ("ProtectSystem=strict", "NoNewPrivileges=yes", "PrivateNetwork=yes", "LimitCORE=0"):
            assert line in unit, f"{name}: {line}"
        assert [line for line in unit if line.startswith("User=")] == [f"User={name}"]


def test_the_witness_on_its_own_machine_listens_to_nobody_and_keeps_its_token_from_others() -> None:
    unit = (ROOT / "deploy/systemd/ledger-witness.service").read_text().splitlines()
    for line in (
        *("ProtectSystem=strict", "NoNewPrivileges=yes", "SocketBindDeny=any", "LimitCORE=0"),
        *("User=ledger-witness", "LoadCredential=token:/etc/ledger-witness/token", "StateDirectoryMode=0700"),
    ):
        assert line in unit, line
    (command,) = (line.partition("-m audit ")[2].split() for line in unit if line.startswith("ExecStart="))
    known = {option for parameter in audit_command.commands[command[0]].params for option in parameter.opts}
    assert {word for word in command if word.startswith("--")} <= known


def unit(name: str) -> list[str]:
    """The lines of a unit of systemd."""
    return (ROOT / f"deploy/systemd/{name}").read_text().splitlines()


def test_alarms_are_asked_for_within_the_hour_and_page_somebody_who_sees_no_record() -> None:
    (every,) = [line for line in unit("vault-alarms.timer") if line.startswith("OnCalendar=")]
    assert every == "OnCalendar=*:0/15"
    for name in ("vault.service", "vault-alarms.service", "vault-notary.service"):
        assert "OnFailure=vault-page@%n.service" in unit(name)
    assert "User=vault" in unit("vault-alarms.service")
    service = unit("vault.service")
    confined = service[service.index("NoNewPrivileges=yes") : service.index("[Install]")]
    assert set(confined) <= set(unit("vault-alarms.service"))
    assert "ReadWritePaths=/var/lib/vault" in unit("vault-alarms.service")
    assert not any(line.startswith(("User=", "ReadWritePaths=")) for line in unit("vault-page@.service"))
    assert "ProtectSystem=strict" in unit("vault-page@.service")


@pytest.mark.parametrize(
    ("name", "when", "command"),
    [
        ("vault-ledger-volume", "OnCalendar=*-01-02 03:20", "ledger new-volume"),
        ("vault-ledger-details", "OnCalendar=*-*-03 03:40", "ledger forget-details"),
    ],
)
def test_volumes_and_old_details_are_seen_to_by_timers_that_call_nobody_when_nothing_is_due(
    name: str, when: str, command: str
) -> None:
    assert {when, "Persistent=yes"} <= set(unit(f"{name}.timer"))
    service = unit(f"{name}.service")
    assert f"ExecStart=/opt/vault/.venv/bin/python -m vault {command}" in service
    assert {"OnFailure=vault-page@%n.service", "User=vault", f"SuccessExitStatus={TRY_LATER}"} <= set(service)
    served = unit("vault.service")
    assert set(served[served.index("NoNewPrivileges=yes") : served.index("[Install]")]) <= set(service)


def test_unused_accounts_are_put_off_each_night_by_a_unit_as_narrow_as_the_service() -> None:
    assert {"OnCalendar=*-*-* 03:10", "Persistent=yes"} <= set(unit("vault-unused-accounts.timer"))
    service = unit("vault-unused-accounts.service")
    assert "ExecStart=/opt/vault/.venv/bin/python -m vault officer sweep" in service
    assert {"OnFailure=vault-page@%n.service", "User=vault"} <= set(service)
    served = unit("vault.service")
    assert set(served[served.index("NoNewPrivileges=yes") : served.index("[Install]")]) <= set(service)


def release(folder: Path, style: str) -> Path:
    """A release of the design system with that stylesheet and three pictures."""
    for name in (
        "js/uswds.min.js",
        "js/uswds-init.min.js",
        "img/sprite.svg",
        "img/used.svg",
        "img/spare.svg",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "css").mkdir()
    (folder / "css/uswds.min.css").write_text(style)
    return folder


def copied(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Runs the copying as make does."""
    script = ROOT / "deploy/setup/design_system.py"
    return subprocess.run(
        [sys.executable, script, source, target, "a stamp"], capture_output=True, text=True, check=False
    )


def test_only_what_is_served_of_the_design_system_is_copied(tmp_path: Path) -> None:
    source = release(tmp_path / "dist", 'a{background:url(../img/used.svg)}b{src:url("../fonts/x.woff")}')
    assert copied(source, tmp_path / "served").returncode == 0
    names = {str(path.relative_to(tmp_path / "served")) for path in (tmp_path / "served").rglob("*.*")}
    assert names == {
        ".locked",
        "css/uswds.min.css",
        "img/sprite.svg",
        "img/used.svg",
        "js/uswds-init.min.js",
        "js/uswds.min.js",
    }


def test_a_release_that_lacks_a_served_file_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served/kept").touch()
    source = release(tmp_path / "dist", "a{background:url(../img/missing.svg)}")
    assert copied(source, tmp_path / "served").returncode != 0
    assert (tmp_path / "served/kept").exists()


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("sys.version_info", "Python 3.11 or newer is needed"),
        ("ensurepip", "python3-venv is missing. As root: apt-get install python3-venv"),
    ],
)
def test_a_machine_that_lacks_something_is_told_in_one_line(question: str, told: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    lacking = tmp_path / "python3"
    lacking.write_text(f'#!/bin/sh\ncase "$*" in *{question}*) exit 1;; esac\n')
    lacking.chmod(0o755)
    done = subprocess.run(
        [tmp_path / "deploy/setup/prepare.sh", "runtime"],
        env={"PATH": os.environ["PATH"], "PYTHON": str(lacking)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(told)
    assert not (tmp_path / ".venv").exists()


def test_nginx_counts_no_visitor_by_a_whole_ipv6_address() -> None:
    text = (ROOT / "deploy/nginx.conf").read_text()
    network = re.search(
        r'map \$binary_remote_addr \$vault_visitor \{[^}]*?"~(\S+)" \$(\w+);', text, re.DOTALL
    )
    assert network is not None, "visitors are counted by something else"
    # What nginx tells of an address is its bytes; PCRE writes the name of a group without Python's P.
    form = re.compile(network[1].replace("(?<", "(?P<").encode())

    def counted_as(address: str) -> bytes:
        told = ip_address(address).packed
        found = form.search(told)
        return told if found is None else found[network[2]]

    assert counted_as("2001:db8:0:10a::1") == counted_as("2001:db8:0:10a:ffff:0:0:a")
    assert counted_as("2001:db8:0:10a::1") != counted_as("2001:db8:0:10b::1")
    assert counted_as("192.0.2.1") != counted_as("192.0.2.2")
    assert text.count("$binary_remote_addr") == network[0].count("$binary_remote_addr") == 2
