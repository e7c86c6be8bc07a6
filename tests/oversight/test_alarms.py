"""Whatever keeps the ledger from being signed or written is said to people within the hour, and recorded."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit.refusals import forget_refusal, read_refusal, refusal_beside
from audit.tables import pending
from audit.witness import Witness
from tests.audit.test_faults import break_step, mend_step
from tests.audit.writing import an_entry
from tests.cast import CAST, Cast, Stage
from tests.keys.renewing import revoke
from tests.oversight.failing import cut_off, sign, told
from tests.oversight.log_machine import registered
from tests.oversight.test_alerts import raised
from tests.oversight.test_read import plain, size_of
from tests.programme import open_case
from vault.access.events import Event
from vault.access.once import MOST_NAMES, name_of
from vault.access.policy import Permission, may
from vault.commands import cli
from vault.oversight import alarms
from vault.oversight.alarms import AlarmKind
from vault.oversight.models import Rule
from vault.oversight.noticing import notice_refusal, tell_interruption
from vault.running import RunningVault, wall_clock
from vault.verification import verify

ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("stage", ["postgresql"], indirect=True)
SHOWN = {"ada", "dee", "aud", "max"}
REFUSES = "The notary refuses to sign the ledger since Nov 23, 2026"


def test_alarms_are_shown_to_those_who_can_do_something_about_them() -> None:
    assert {name for name, (_, role) in CAST.items() if may(role, Permission.SEE_ALARMS)} == SHOWN


def with_room(stage: Stage) -> None:
    """However full the disk is on which the tests run, it is not what is looked at."""
    stage.vault.settings = replace(stage.settings, alarm_below_free_percent=0)


def glance(stage: Stage) -> list[AlarmKind]:
    """What a page would show now."""
    with stage.vault.reading() as db:
        return [alarm.kind for alarm in alarms.at_a_glance(stage.vault, db, stage.clock.now)]


def sounding(stage: Stage) -> set[AlarmKind]:
    """Every alarm at the time of the test; PostgreSQL's clock is the machine's, and not the test's."""
    found = {alarm.kind for alarm in alarms.alarms(stage.vault, stage.clock.now)}
    return found - {AlarmKind.CLOCKS}


def test_a_ledger_that_was_cut_off_alarms_every_desk_that_can_act_once(cast: Cast) -> None:
    stage = cast.stage
    with_room(stage)
    # The auditor looks last, so that the entry that is cut off is one that was watched already.
    for name in [*sorted((SHOWN | {"ines", "fin"}) - {"aud"}), "aud"]:
        assert "notary refuses" not in cast[name].get("/desk").text
    cut_off(stage)
    for name in sorted(SHOWN | {"ines", "fin"}):
        page = plain(cast[name].get("/desk").text)
        sees = name in SHOWN
        assert (REFUSES in page) is sees, name
        assert ("entries were cut off. Call the auditor, and change nothing" in page) is sees, name
    (entry,) = told(cast, Event.NOTARY_REFUSED)
    assert (entry.officer, entry.subjects, entry.outcome) == (None, (), "done")
    assert entry.facts["since"] == stage.clock.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    (alert,) = [alert for alert in raised(cast) if alert.rule is Rule.NOTARY]
    aud = cast["aud"]
    assert "The notary refused to sign the ledger" in plain(aud.get(f"/ledger/alerts/{alert.id}").text)
    assert "The vault noticed that the notary refuses to sign" in plain(aud.get("/ledger").text)
    assert "entries were cut off" in aud.get(f"/ledger/{alert.first_index}").text, "sealed for auditors"
    checkpoint = plain(aud.get("/ledger/checkpoint").text)
    assert "The notary refuses to sign since Nov 23, 2026" in checkpoint
    assert "The ledger is smaller than the one that was signed: entries were cut off." in checkpoint
    forget_refusal(stage.settings.checkpoint)
    assert REFUSES not in plain(cast["ada"].get("/desk").text)
    assert "refuses to sign" not in plain(aud.get("/ledger/checkpoint").text)


def test_workers_that_notice_one_refusal_at_once_record_it_once(cast: Cast) -> None:
    stage = cast.stage
    cut_off(stage)
    others = [RunningVault.start(stage.settings, stage.clock) for _ in range(3)]
    with ThreadPoolExecutor(4) as pool:
        refusing = list(pool.map(lambda it: notice_refusal(it, stage.clock.now), [*others, stage.vault]))
    for vault in others:
        vault.close()
    assert all(said is not None and "cut off" in said.words for said in refusing)
    assert len(told(cast, Event.NOTARY_REFUSED)) == 1


def plant(cast: Cast, turn: int, waits: bool) -> None:
    """The database's owner learnt under which name a refusal will be told, and is there first."""
    stage = cast.stage
    refusing = read_refusal(stage.settings.checkpoint)
    assert refusing is not None
    assert refusing.since is not None
    name = name_of(stage.vault, Event.NOTARY_REFUSED, refusing.since, refusing.words, turn)
    planted = replace(an_entry(event="signed-out", facts={"vouched": "0" * 32}), id=name)
    if waits:
        with stage.vault.database.engine.begin() as thief:
            thief.execute(pending.insert().values(id=name, leaf=planted.canonical(), details=None))
    else:
        stage.vault.ledger.weave([(planted, None)], 30.0)


@ON_SQLITE
@pytest.mark.parametrize("waits", [True, False])
def test_entries_planted_under_its_name_keep_no_refusal_from_being_told(cast: Cast, waits: bool) -> None:
    stage = cast.stage
    cut_off(stage)
    for turn in range(3):
        plant(cast, turn, waits)
    for _ in range(2):
        notice_refusal(stage.vault, stage.clock.now)
    assert len(told(cast, Event.NOTARY_REFUSED)) == 1
    assert not tell_interruption(stage.vault, stage.clock.now)


@ON_SQLITE
def test_where_every_name_is_taken_it_counts_as_not_recorded(cast: Cast) -> None:
    stage = cast.stage
    cut_off(stage)
    for turn in range(MOST_NAMES):
        plant(cast, turn, waits=False)
    assert notice_refusal(stage.vault, stage.clock.now) is not None
    assert told(cast, Event.NOTARY_REFUSED) == []
    assert tell_interruption(stage.vault, stage.clock.now)
    (interrupted,) = told(cast, Event.RECORDING_INTERRUPTED)
    assert interrupted.facts["refused"] == 1


@ON_SQLITE
def test_another_refusal_is_another_entry(cast: Cast) -> None:
    stage = cast.stage
    cut_off(stage)
    notice_refusal(stage.vault, stage.clock.now)
    stage.clock.forward(minutes=5)
    refusal_beside(stage.settings.checkpoint).write_bytes(b"?")
    for _ in range(2):
        assert notice_refusal(stage.vault, stage.clock.now) is not None
    assert len(told(cast, Event.NOTARY_REFUSED)) == 2


def test_acts_that_could_not_be_recorded_are_told_to_the_ledger_once_it_can_be_written(cast: Cast) -> None:
    case, ada, aud, stage = open_case(cast, named=[]), cast["ada"], cast["aud"], cast.stage
    engine, since = stage.vault.database.engine, stage.clock.now
    ada.get(f"/cases/{case.id}/add/note")
    break_step(engine, "ledger_heads", "INSERT")
    assert aud.get("/ledger").status_code == 503
    assert aud.get("/ledger/checkpoint").status_code == 503
    assert AlarmKind.NOT_RECORDING in sounding(stage)
    stage.clock.forward(minutes=2)
    assert ada.post(f"/cases/{case.id}/add/note", kind="note", text="Moved.").status_code == 503
    assert told(cast, Event.RECORDING_INTERRUPTED) == []
    until = stage.clock.now
    stage.clock.forward(seconds=90)
    assert AlarmKind.ENTRIES_WAIT in glance(stage)
    mend_step(engine, "ledger_heads")
    before = size_of(cast)
    assert AlarmKind.NOT_RECORDING not in sounding(stage)
    assert aud.get("/ledger").status_code == 200
    (entry,) = told(cast, Event.RECORDING_INTERRUPTED)
    assert before < size_of(cast)
    stamps = [at.isoformat(timespec="milliseconds").replace("+00:00", "Z") for at in (since, until)]
    facts = {name: entry.facts[name] for name in ("since", "until", "refused", "delayed")}
    assert facts == {"since": stamps[0], "until": stamps[1], "refused": 2, "delayed": 1}
    assert aud.get("/ledger").status_code == 200
    assert len(told(cast, Event.RECORDING_INTERRUPTED)) == 1
    (alert,) = [alert for alert in raised(cast) if alert.rule is Rule.RECORDING]
    assert alert.number == 3
    assert "refused or delayed: 3" in plain(aud.get("/ledger/alerts").text)
    assert AlarmKind.ENTRIES_WAIT not in glance(stage)
    sign(stage)
    assert verify(stage.vault, lambda _count: None).findings == ()


def test_a_vault_that_is_well_has_no_alarm_and_looking_keeps_nothing(cast: Cast) -> None:
    stage = cast.stage
    with_room(stage)
    open_case(cast, named=[])
    sign(stage)
    before = size_of(cast)
    assert alarms.alarms(stage.vault, wall_clock()) == []
    assert size_of(cast) == before
    sign(stage)
    assert verify(stage.vault, lambda _count: None).findings == ()


def unsigned(cast: Cast) -> None:
    open_case(cast, named=[])
    cast.stage.clock.forward(minutes=11)


def forged(cast: Cast) -> None:
    cast.stage.settings.checkpoint.write_text("nonsense")


def full(cast: Cast) -> None:
    cast.stage.vault.settings = replace(cast.stage.settings, alarm_below_free_percent=101)


def overdue(cast: Cast) -> None:
    open_case(cast, named=["ivo"])
    sign(cast.stage)
    revoke(cast, "ivo")
    cast.stage.clock.forward(hours=25)
    sign(cast.stage)


def late(cast: Cast) -> None:
    witness = Witness(cast.stage.settings.data / "witness", cast.stage.settings.origin)
    with witness.alone():
        registered(cast, witness.key()[1].to_text(), "laptop in the audit office")
    cast.stage.clock.forward(hours=25)
    sign(cast.stage)


@ON_SQLITE
@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (unsigned, AlarmKind.NOT_SIGNED),
        (forged, AlarmKind.CHECKPOINT),
        (full, AlarmKind.DISK),
        (overdue, AlarmKind.KEYS),
        (late, AlarmKind.WITNESS_LATE),
    ],
)
def test_each_harm_sounds_its_own_alarm(cast: Cast, harm: Callable[[Cast], None], kind: AlarmKind) -> None:
    with_room(cast.stage)
    cast["aud"].get("/desk")
    sign(cast.stage)
    assert sounding(cast.stage) == set()
    harm(cast)
    assert kind in sounding(cast.stage)


@ON_SQLITE
def test_entries_are_not_signed_late_before_ten_minutes(cast: Cast) -> None:
    with_room(cast.stage)
    sign(cast.stage)
    cast["ada"].get("/desk")
    cast.stage.clock.forward(minutes=9)
    assert glance(cast.stage) == []
    cast.stage.clock.forward(minutes=2)
    assert glance(cast.stage) == [AlarmKind.NOT_SIGNED]
    assert "The notary has not signed since" in plain(cast["max"].get("/desk").text)


@ON_POSTGRESQL
def test_clocks_that_differ_by_more_than_five_minutes_are_an_alarm(stage: Stage) -> None:
    with_room(stage)
    sign(stage)
    for minutes in (-6, 6):
        found = alarms.alarms(stage.vault, wall_clock() + timedelta(minutes=minutes))
        assert AlarmKind.CLOCKS in {alarm.kind for alarm in found}


def run(stage: Stage, **environment: str) -> tuple[int, str]:
    """`python -m vault alarms`."""
    env = {"VAULT_ALARM_BELOW_FREE_PERCENT": "1", **environment}
    done = CliRunner().invoke(cli, ["alarms", "--data", str(stage.settings.data)], env=env)
    return done.exit_code, done.output


def test_the_command_ends_with_1_and_a_line_for_each_alarm_or_with_0(cast: Cast) -> None:
    stage = cast.stage
    cast["ada"].get("/desk")
    sign(stage)
    assert run(stage) == (0, "No alarm.\n")
    cut_off(stage)
    status, lines = run(stage)
    assert status == 1
    assert "The notary refuses to sign the ledger since 2026-11-23" in lines
    assert len(told(cast, Event.NOTARY_REFUSED)) == 1, "whoever looks first tells the ledger"


@ON_SQLITE
def test_the_command_alarms_when_the_database_is_away(stage: Stage, tmp_path: Path) -> None:
    sign(stage)
    status, lines = run(stage, VAULT_DATABASE=f"sqlite:///{tmp_path / 'absent' / 'vault.db'}")
    assert status == 1
    assert "Nothing can be recorded" in lines
    assert str(tmp_path) not in lines
