"""A notice on its way to the mail server: always the same words, by verified TLS, later again if it fails."""

import logging
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from crypto.errors import CryptoError
from crypto.root import read_private
from vault.notices.actions import unlock_address
from vault.notices.models import Frequency, Notice, NoticeChoice
from vault.running import RunningVault
from vault.settings import Settings

SUBJECT = "Notice"
WORDS = "Something may wait for you in the vault. Sign in and look at your desk.\n"
GIVE_UP_AFTER = timedelta(days=1)
FORGET_AFTER = timedelta(days=7)
PATIENCE_SECONDS = 20.0
_LOG = logging.getLogger("vault.notices")


def message(settings: Settings, address: str, notice: UUID, now: datetime) -> EmailMessage:
    """The notice: nothing in it but the address and the time differs from any other."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = settings.smtp_from, address, SUBJECT
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{notice}@{settings.smtp_from.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(WORDS)
    return mail


def trusted(settings: Settings) -> ssl.SSLContext:
    """What is believed of the mail server: its name, and who signed its certificate."""
    context = ssl.create_default_context(cafile=settings.smtp_ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextmanager
def connected(settings: Settings) -> Iterator[smtplib.SMTP]:
    """A signed-in connection to the mail server. Raises OSError, smtplib.SMTPException, CryptoError."""
    where = (settings.smtp_host, settings.smtp_port)
    if settings.smtp_tls == "implicit":
        server: smtplib.SMTP = smtplib.SMTP_SSL(*where, timeout=PATIENCE_SECONDS, context=trusted(settings))
    else:
        server = smtplib.SMTP(*where, timeout=PATIENCE_SECONDS)
    with server:
        if settings.smtp_tls == "starttls":
            server.starttls(context=trusted(settings))  # Raises where the server offers none.
        if settings.smtp_username:
            password = read_private(Path(settings.smtp_password_file), "mail password", 1024)
            server.login(settings.smtp_username, password.decode().strip())
        yield server


def again_after(tries: int) -> timedelta:
    """How long after so many failures the next try is: a minute, twice as long each time, an hour at most."""
    return timedelta(minutes=min(2 ** (tries - 1), 60))


def _take(vault: RunningVault, now: datetime) -> list[UUID]:
    """Those that are due; each is put off first, so that another process does not send it too."""
    with vault.writing() as db:
        for old in db.scalars(select(Notice).where(Notice.given_up_at < now - FORGET_AFTER)):
            db.delete(old)
        due = select(Notice).where(Notice.given_up_at.is_(None), Notice.next_at <= now)
        taken = []
        for notice in db.scalars(due.order_by(Notice.next_at, Notice.id).with_for_update()):
            notice.tries += 1
            notice.next_at = now + again_after(notice.tries)
            taken.append(notice.id)
    return taken


def send_due(vault: RunningVault, now: datetime) -> int:
    """Send what is due; return how many were sent. A failure is kept for later and never raised."""
    taken = _take(vault, now)
    sent = 0
    for notice in taken:
        try:
            sent += _send(vault, notice, now)
        except (OSError, smtplib.SMTPException, CryptoError, UnicodeError) as error:
            _LOG.warning("", extra={"event": "notice-not-sent", "error": type(error).__name__})
            _give_up_if_old(vault, notice, now)
    return sent


def _send(vault: RunningVault, notice: UUID, now: datetime) -> bool:
    with vault.reading() as db:
        row = db.get(Notice, notice)
        choice = None if row is None else db.get(NoticeChoice, row.officer)
        wanted = choice is not None and choice.frequency is not Frequency.NONE
        address = unlock_address(vault.root, choice) if choice is not None and wanted else ""
    if address:
        with connected(vault.settings) as server:
            server.send_message(message(vault.settings, address, notice, now))
    with vault.writing() as db:
        row = db.get(Notice, notice)
        if row is not None:
            db.delete(row)
    return bool(address)


def _give_up_if_old(vault: RunningVault, notice: UUID, now: datetime) -> None:
    with vault.writing() as db:
        row = db.get(Notice, notice)
        if row is not None and now - row.made_at >= GIVE_UP_AFTER:
            row.given_up_at = now
