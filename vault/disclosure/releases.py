"""A packet's way out: released by one officer on another's decision, fetched once, acknowledged, kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from crypto.columns import put
from vault.access import custody, seals
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.policy import Compartment, Role
from vault.announcing.actions import Announced, Weighty, announce
from vault.database import RecordedSession
from vault.disclosure.actions import check_state, decision_on
from vault.disclosure.models import Accounting, DisclosureRequest, Packet
from vault.errors import NotKnown, RuleForbids
from vault.running import RunningVault, Trust
from vault.vocabulary import DisclosureOutcome, DisclosureState

COMPARTMENT = Compartment.DISCLOSURE


def packet_of(db: Session, request: DisclosureRequest) -> Packet | None:
    """The packet that is out, or None."""
    return db.scalars(
        select(Packet).where(Packet.request == request.id, Packet.taken_back_at.is_(None))
    ).first()


def check_may_release(db: Session, who: Actor, request: DisclosureRequest) -> None:
    """Raise RuleForbids unless another officer granted it and no packet is out."""
    check_state(request, DisclosureState.DECIDED)
    decision = decision_on(db, request)
    if decision is None or decision.outcome is DisclosureOutcome.REFUSED:
        raise RuleForbids("The deputy refused this request, so there is nothing to release.")
    if who.officer in {decision.decided_by, request.requester}:
        raise RuleForbids("You decided on this request or asked for it, so another officer releases it.")


def announce_release(vault: RunningVault, who: Actor, request: DisclosureRequest, now: datetime) -> Announced:
    """Announce that a packet is about to be released, and wait until that is signed.

    Raises RuleForbids when it may not be, and NotConfirmed when nobody signed it in time.
    """
    with vault.reading() as db:
        check_may_release(db, who, request)
    subjects = [request.subject, f"case:{request.case}", f"officer:{request.requester}"]
    return announce(vault, who, Weighty.RELEASE, subjects, now)


def release(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    request: DisclosureRequest,
    released: Sequence[str],
    document: bytes,
    mark: str,
    account: Mapping[str, str],
    announced: Announced,
    now: datetime,
) -> Packet:
    """Seal the encrypted pages into a lockbox of their own and name their one recipient on it.

    `account` gives recipient, address, description and purpose for the accounting. `announced` shows that
    `announce_release` was waited for.
    """
    check_may_release(db, who, request)
    packet = Packet(id=uuid4(), request=request.id, released_by=who.officer, released_at=now, mark=mark)
    packet.released = list(released)
    sealer = seals.new_lockbox(db, who, trust, packet.subject, request.case, COMPARTMENT, now)
    put(packet, "document", document, sealer)
    db.add(packet)
    db.flush()
    seals.name_officer(db, who, trust, packet.subject, request.requester, Role.PROSECUTOR, now)
    _account(db, who, trust, request, packet, account)
    request.move(DisclosureState.RELEASED)
    record(
        db,
        Event.DISCLOSURE_RELEASED,
        who=who,
        now=now,
        subjects=[request.subject, packet.subject, f"case:{request.case}", f"officer:{request.requester}"],
        compartment=COMPARTMENT,
        fields=list(released),
        facts={"code": request.code, "mark": mark, "fields": len(released), "announced": announced.index},
        details={"recipient": account["recipient"], "address": account["address"]},
    )
    return packet


def _account(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    request: DisclosureRequest,
    packet: Packet,
    account: Mapping[str, str],
) -> None:
    """Write the line of the accounting that is kept for good."""
    accounting = Accounting(id=uuid4(), request=request.id, packet=packet.id, at=packet.released_at)
    sealer = custody.sealer(db, who, trust, request.subject, COMPARTMENT)
    for name, words in account.items():
        put(accounting, name, words, sealer)
    db.add(accounting)


def take_back(db: RecordedSession, who: Actor, request: DisclosureRequest, now: datetime) -> None:
    """Take an unfetched packet back, so that it can be released anew with another password and mark."""
    packet = packet_of(db, request)
    if request.state is not DisclosureState.RELEASED or packet is None or packet.fetched_at is not None:
        raise RuleForbids("The packet was fetched already, or none is out.")
    packet.taken_back_at = now
    request.move(DisclosureState.DECIDED)
    seals.unname_officer(db, packet.subject, request.requester, now)
    record(
        db,
        Event.DISCLOSURE_TAKEN_BACK,
        who=who,
        now=now,
        subjects=[request.subject, packet.subject],
        facts={"code": request.code, "mark": packet.mark},
    )


def waiting_packet(db: Session, who: Actor, request: DisclosureRequest) -> Packet:
    """The packet that its recipient has not fetched. Raises NotKnown for others, RuleForbids for none."""
    if who.officer != request.requester:
        raise NotKnown
    packet = packet_of(db, request)
    if packet is None:
        raise RuleForbids("No packet is ready for you.")
    if packet.fetched_at is not None:
        raise RuleForbids(
            "This packet was downloaded already, and it is given out once. If the file is lost, ask anew."
        )
    return packet


def fetch(db: RecordedSession, who: Actor, request: DisclosureRequest, now: datetime) -> None:
    """Hand the packet over, once: its recipient holds its key no longer."""
    packet = waiting_packet(db, who, request)
    packet.fetched_at = now
    request.move(DisclosureState.RELEASED)
    seals.unname_officer(db, packet.subject, who.officer, now)
    record(
        db,
        Event.DISCLOSURE_FETCHED,
        who=who,
        now=now,
        subjects=[request.subject, packet.subject],
        facts={"code": request.code, "mark": packet.mark},
    )


def acknowledge(db: RecordedSession, who: Actor, request: DisclosureRequest, now: datetime) -> None:
    """Take the recipient's word that the packet arrived and will not be passed on."""
    packet = packet_of(db, request)
    if who.officer != request.requester:
        raise NotKnown
    check_state(request, DisclosureState.RELEASED)
    if packet is None or packet.fetched_at is None:
        raise RuleForbids("Download the packet first, then acknowledge it.")
    packet.acknowledged_at = now
    request.move(DisclosureState.ACKNOWLEDGED)
    record(
        db,
        Event.DISCLOSURE_ACKNOWLEDGED,
        who=who,
        now=now,
        subjects=[request.subject, packet.subject],
        facts={"code": request.code},
    )


def accounted(db: Session) -> list[tuple[Accounting, DisclosureRequest, Packet]]:
    """Every release that was not taken back, newest first."""
    rows = db.execute(
        select(Accounting, DisclosureRequest, Packet)
        .join(DisclosureRequest, DisclosureRequest.id == Accounting.request)
        .join(Packet, Packet.id == Accounting.packet)
        .where(Packet.taken_back_at.is_(None), DisclosureRequest.destroyed_on.is_(None))
        .order_by(Accounting.at.desc())
    ).all()
    return [(accounting, request, packet) for accounting, request, packet in rows]
