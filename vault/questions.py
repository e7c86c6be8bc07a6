"""What officers are asked in writing: questions that read only clean answers.

Pages and features import these from `vault.forms`. No error repeats what was typed.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from flask import current_app
from wtforms import Field
from wtforms.validators import StopValidation

# Marks that reorder the text around them can make a name read as another one, so they are refused.
REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
UNPRINTABLE = "Some characters here cannot be printed and were left out. Read it through, then send it again."


def normal(text: str) -> str:
    """Return the text in Unicode form C with one kind of line end."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


def printable(text: str, *, many_lines: bool) -> str:
    """Return the text without control characters, halves of surrogate pairs and reordering marks."""
    allowed = "\n\t" if many_lines else ""
    return "".join(
        character
        for character in text
        if character in allowed
        or (character not in REORDERING and unicodedata.category(character) not in ("Cc", "Cs"))
    )


def check_length(text: str, limit: int) -> None:
    """Raise ValueError when the text has more than `limit` characters."""
    if len(text) > limit:
        raise ValueError(f"Shorten this to {limit:,} characters or fewer.")


def wording(verb: str, label: str) -> str:
    """Say what to do with a question, as "Enter the docket number."; a whole sentence is only quoted."""
    if re.match(r"(When|Where|What|Who|Why|How)\b", label) or label.endswith("?"):
        return f"Answer “{label}”."
    first = label[0].lower() if label[1:2].islower() else label[:1]
    words = f"{first}{label[1:]}"
    return f"{verb} {words}." if words.startswith("the ") else f"{verb} the {words}."


class Question(Field):
    """One thing that an officer is asked; it must be answered unless it is marked optional.

    `ask` is what the officer reads when the answer is missing: it says what to do, as in
    "Enter the street". Validators run only on an answer that was given and could be read.
    """

    kind: ClassVar[str]
    empty: ClassVar[Any] = None
    marks_optional = True
    repeats: ClassVar[bool] = True

    def __init__(
        self,
        label: str,
        *,
        hint: str = "",
        ask: str = "",
        optional: bool = False,
        validators: Sequence[Any] = (),
        **wiring: Any,
    ) -> None:
        super().__init__(label, list(validators), description=hint, **wiring)
        self.hint = hint
        self.optional = optional
        self.ask = ask or self.default_ask(label)
        self.sent = ""

    @staticmethod
    def default_ask(label: str) -> str:
        """Say what to do when the answer is missing, in the words of the label."""
        return wording("Enter", label)

    def read(self, text: str) -> Any:
        """Turn what was sent, which is not empty, into the answer; ValueError says what to do instead."""
        return text

    def write(self, answer: Any) -> str:
        """Turn a kept answer into what the page shows in the box."""
        return str(answer)

    @property
    def shown(self) -> str:
        """What stands in the box: what was sent, unless it is never repeated, or else the kept answer."""
        if not self.repeats:
            return ""
        if self.raw_data is not None:
            return self.sent
        return "" if self.data is None else self.write(self.data)

    def process_data(self, value: Any) -> None:
        self.data = self.empty if value is None else value

    def take(self, valuelist: list[Any], *, many_lines: bool) -> str:
        """Return what was sent, normal and printable; ValueError when something had to be left out."""
        whole = normal(str(valuelist[0])) if valuelist else ""
        self.sent = printable(whole, many_lines=many_lines)
        if self.sent != whole:
            raise ValueError(UNPRINTABLE)
        return self.sent

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = self.empty
        text = self.take(valuelist, many_lines=False).strip()
        if text:
            self.data = self.read(text)

    def pre_validate(self, form: Any) -> None:
        if self.process_errors:
            raise StopValidation
        if self.data == self.empty:
            raise StopValidation("" if self.optional else self.ask)


class Line(Question):
    """One line of words, at most `limit` characters; an empty optional answer is ""."""

    kind = "line"
    empty = ""
    many_lines: ClassVar[bool] = False

    def __init__(self, label: str, limit: int, **wiring: Any) -> None:
        super().__init__(label, **wiring)
        self.limit = limit

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = ""
        text = self.take(valuelist, many_lines=self.many_lines).strip()
        check_length(text, self.limit)
        self.data = text


class Words(Line):
    """Several lines of words, at most `limit` characters."""

    kind = "words"
    many_lines = True


class Secret(Question):
    """A password: never trimmed, never shown again, at most `limit` characters; `new` while choosing one.

    With `least` the page counts up to that many characters while they are typed.
    """

    kind = "secret"
    empty = ""
    repeats = False

    def __init__(self, label: str, limit: int, *, new: bool, least: int = 0, **wiring: Any) -> None:
        super().__init__(label, **wiring)
        self.limit, self.least = limit, least
        self.autocomplete = "new-password" if new else "current-password"

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = ""
        text = self.take(valuelist, many_lines=False)
        check_length(text, self.limit)
        self.data = text


class Code(Question):
    """The six digits from an authenticator, as text; spaces between them are ignored, never shown again."""

    kind = "code"
    repeats = False

    def read(self, text: str) -> str:
        digits = re.sub(r"[\s-]", "", text)
        if not re.fullmatch(r"[0-9]{6}", digits):
            raise ValueError("Enter the six digits that your authenticator shows now.")
        return digits


class Day(Question):
    """A calendar day, as a `date`."""

    kind = "day"

    def read(self, text: str) -> date:
        for form in ("%Y-%m-%d", "%m/%d/%Y"):
            try:
                return datetime.strptime(text, form).replace(tzinfo=UTC).date()
            except ValueError:
                continue
        raise ValueError("Enter a date like 2026-11-22 or 11/22/2026.")

    def write(self, answer: date) -> str:
        return answer.isoformat()


class Moment(Question):
    """A day and time on the unit's clock, as a UTC `datetime`."""

    kind = "moment"

    @property
    def zone(self) -> ZoneInfo:
        """The unit's time zone, as `vault.templating.install` was given it."""
        zone: ZoneInfo = current_app.extensions["vault.zone"]
        return zone

    def read(self, text: str) -> datetime:
        try:
            local = datetime.strptime(text.replace(" ", "T"), "%Y-%m-%dT%H:%M").replace(tzinfo=self.zone)
        except ValueError:
            raise ValueError("Enter a date and time like 2026-11-22 14:05.") from None
        moment = local.astimezone(UTC)
        if moment.astimezone(self.zone).replace(tzinfo=None) != local.replace(tzinfo=None):
            raise ValueError("Enter another time: the clocks went forward over this one.")
        return moment

    def write(self, answer: datetime) -> str:
        return answer.astimezone(self.zone).strftime("%Y-%m-%dT%H:%M")


class Whole(Question):
    """A whole number from `least` to `most`."""

    kind = "whole"

    def __init__(self, label: str, least: int, most: int, **wiring: Any) -> None:
        super().__init__(label, **wiring)
        self.least, self.most = least, most

    def read(self, text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,12}", text) or not self.least <= int(text) <= self.most:
            raise ValueError(f"Enter a whole number from {self.least:,} to {self.most:,}.")
        return int(text)


class Money(Question):
    """A sum in dollars, as integer cents."""

    kind = "money"
    PATTERN = re.compile(r"\$? ?([0-9]{1,3}(?:,[0-9]{3}){1,2}|[0-9]{1,9})(?:\.([0-9]{1,2}))?")

    def read(self, text: str) -> int:
        found = self.PATTERN.fullmatch(text)
        if not found:
            raise ValueError("Enter dollars and cents like 1,250.50.")
        dollars, cents = found.groups()
        return int(dollars.replace(",", "")) * 100 + int((cents or "0").ljust(2, "0"))

    def write(self, answer: int) -> str:
        return f"{answer // 100:,}.{answer % 100:02d}"


class Yes(Question):
    """One box to tick; ticking is optional unless `optional=False`, as for an acknowledgement."""

    kind = "yes"
    empty = False

    def __init__(self, label: str, *, optional: bool = True, **wiring: Any) -> None:
        super().__init__(label, optional=optional, **wiring)

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = "yes" in valuelist
