"""Choosing notices, and putting into the outbox what is due by the clock or because something new waits."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from crypto.encoding import enc
from crypto.errors import Refused
from crypto.root_ring import RootRing
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.database import RecordedSession
from vault.errors import RuleForbids
from vault.notices.models import Frequency, Notice, NoticeChoice, NoticeMark
from vault.notices.schedule import last_due
from vault.officers.models import Officer, OfficerState
from vault.running import RunningVault
from vault.settings import Settings

PADDED = 128
MARK = 8


def _context(officer: UUID) -> bytes:
    return enc("vault/notice-address/v1", officer)


def lock_address(root: RootRing, officer: UUID, address: str) -> bytes:
    """An address of at most 127 bytes under the root key, all of one length."""
    plain = address.encode("ascii")
    return root.wrap(bytes([len(plain)]) + plain.ljust(PADDED - 1, b"\0"), _context(officer))


def unlock_address(root: RootRing, choice: NoticeChoice) -> str:
    """Where this officer is written to. Raises crypto.errors.Refused for an address moved or altered."""
    if choice.address is None:
        raise Refused
    plain = root.unwrap(choice.address, _context(choice.id))
    return plain[1 : 1 + plain[0]].decode("ascii")


def rewrap_address(choice: NoticeChoice, root: RootRing) -> bool:
    """Put an address under the newest root key; return whether it changed."""
    try:
        fresh = None if choice.address is None else root.rewrap(choice.address, _context(choice.id))
    except Refused:
        return False
    choice.address = fresh or choice.address
    return fresh is not None


def choose(
    db: RecordedSession, vault: RunningVault, who: Actor, frequency: Frequency, address: str, now: datetime
) -> None:
    """Keep what an officer chose; an empty address leaves the one of before, and "never" forgets it.

    Raises RuleForbids when nothing can be sent from here, or no address is known.
    """
    if frequency is not Frequency.NONE and not vault.settings.smtp_host:
        raise RuleForbids("Notices are not set up here. Ask the administrator.")
    choice = db.get(NoticeChoice, who.officer)
    if frequency is not Frequency.NONE and not address and (choice is None or choice.address is None):
        raise RuleForbids("Enter the address that notices shall go to.")
    if choice is None:
        choice = NoticeChoice(id=who.officer, frequency=frequency, address=None)
        db.add(choice)
    choice.frequency = frequency
    if address:
        choice.address = lock_address(vault.root, who.officer, address)
    if frequency is Frequency.NONE:
        choice.address = None
        for notice in db.scalars(select(Notice).where(Notice.officer == who.officer)):
            db.delete(notice)
    mark = db.get(NoticeMark, who.officer)
    if mark is not None:
        db.delete(mark)  # It begins anew: nothing that is due already is sent for the past.
    record(
        db,
        Event.NOTICES_CHOSEN,
        who=who,
        now=now,
        subjects=[f"officer:{who.officer}"],
        facts={"frequency": str(frequency)},
    )


def chosen(db: RecordedSession) -> list[tuple[NoticeChoice, Officer]]:
    """Everybody who is written to and may still sign in."""
    query = (
        select(NoticeChoice, Officer)
        .join(Officer, Officer.id == NoticeChoice.id)
        .where(NoticeChoice.frequency != Frequency.NONE, Officer.state == OfficerState.ACTIVE)
        .order_by(NoticeChoice.id)
    )
    return [(choice, officer) for choice, officer in db.execute(query)]


def due_by_the_clock(settings: Settings, choice: NoticeChoice, now: datetime) -> datetime:
    """The newest moment of this officer's schedule."""
    zone = ZoneInfo(settings.time_zone)
    return last_due(choice.frequency, now, zone, settings.notices_day, settings.notices_hour)


def note_waiting(
    db: RecordedSession, vault: RunningVault, choice: NoticeChoice, waiting: Sequence[str], now: datetime
) -> bool:
    """Compare what waits with what waited before, and the schedule with the clock; return whether to write.

    The first look only remembers. `waiting` names what waits, for those alone who are told at once.
    """
    due = due_by_the_clock(vault.settings, choice, now)
    marks = sorted(
        vault.root.mac(enc("vault/notice-mark/v1", choice.id, item))[:MARK] for item in set(waiting)
    )
    mark = db.scalars(select(NoticeMark).where(NoticeMark.id == choice.id).with_for_update()).first()
    if mark is None:
        db.add(NoticeMark(id=choice.id, scheduled_at=due, told=b"".join(marks)))
        return False
    told = {mark.told[start : start + MARK] for start in range(0, len(mark.told), MARK)}
    is_new = choice.frequency is Frequency.AT_ONCE and not told.issuperset(marks)
    is_due = mark.scheduled_at < due
    if marks != sorted(told):
        mark.told = b"".join(marks)
    if is_due:
        mark.scheduled_at = due
    return is_new or is_due


def put_out(db: RecordedSession, officer: UUID, now: datetime) -> None:
    """Let one notice wait to be sent; one that waits already is enough."""
    waits = select(Notice.id).where(Notice.officer == officer, Notice.given_up_at.is_(None))
    if db.scalar(waits) is None:
        db.add(Notice(id=uuid4(), officer=officer, made_at=now, next_at=now, tries=0, given_up_at=None))


def given_up(db: RecordedSession) -> int:
    """How many notices could not be sent within a day; they are forgotten after a week."""
    query = select(func.count()).select_from(Notice).where(Notice.given_up_at.is_not(None))
    return db.scalars(query).one()
