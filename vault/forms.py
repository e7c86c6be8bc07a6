"""The forms that officers fill in, and the questions that are answered from a list.

A question has no widget of its own: it can be shown only by the macros in `templates/macros/form.html`,
so every form carries its token, its labels and its errors in words. No error repeats what was typed.
"""

import re
import uuid
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, ClassVar

from flask import request
from flask_wtf import FlaskForm
from werkzeug.datastructures import FileStorage, MultiDict
from wtforms.validators import StopValidation

from vault.errors import Superseded
from vault.questions import (
    Code,
    Day,
    Line,
    Moment,
    Money,
    Question,
    Secret,
    Whole,
    Words,
    Yes,
    check_length,
    wording,
)  # fmt: skip

__all__ = [
    "Attachment", "Choice", "Choices", "Code", "Day", "FilterForm", "Line", "Moment", "Money",
    "Proof", "Question", "Reference", "Secret", "VaultForm", "Version", "Whole", "Words", "Yes",
]  # fmt: skip

NOT_LISTED = "Choose one of the answers in the list."


class Reference(Question):
    """A record's identifier carried by the page and not shown, as a `UUID`."""

    kind = "hidden"

    def read(self, text: str) -> uuid.UUID:
        try:
            return uuid.UUID(text)
        except ValueError:
            raise ValueError(NOT_LISTED) from None


class Version(Whole):
    """The version of the record that the officer was looking at, so that two tabs cannot undo each other."""

    kind = "hidden"

    def __init__(self, **wiring: Any) -> None:
        super().__init__("Version", 0, 2**31 - 1, **wiring)


class Proof(Code):
    """The second factor, as text: an app's six digits, a backup code, or a browser's answer for a passkey.

    The page sets `passkey_url`, where the browser asks what a passkey has to answer, and `backup`, whether
    the officer has backup codes left; without them the page offers neither. With `app` unset no app is asked.
    """

    kind = "proof"
    limit: ClassVar[int] = 16_384
    app = True
    backup = False
    passkey_url = ""
    makes_passkey = False

    def process_formdata(self, valuelist: list[Any]) -> None:
        # The page has a box for each way to answer, all of one name; a passkey's answer comes before typing.
        given = [str(text) for text in valuelist if str(text).strip()]
        super().process_formdata(sorted(given, key=lambda text: not text.startswith("{"))[:1])

    def read(self, text: str) -> str:
        check_length(text, self.limit)
        is_backup_code = len(re.sub(r"[\s-]", "", text)) in {18, 24}  # of an earlier version, and of now
        return text if text.startswith("{") or is_backup_code else super().read(text)


class Listed(Question):
    """A question answered from `options`, pairs of what is sent and the words that are read.

    The options of an enumeration are known; those of a `Pick` are set by the view before it validates.
    """

    few: ClassVar[int] = 6
    unchosen = "Choose"

    def __init__(
        self, label: str, source: type[StrEnum] | type[uuid.UUID] | type[str], **wiring: Any
    ) -> None:
        super().__init__(label, **wiring)
        self.source = source
        self.options: Sequence[tuple[str, str]] = ()
        if issubclass(source, StrEnum):
            self.options = [(member.value, getattr(member, "label", member.value)) for member in source]

    @staticmethod
    def default_ask(label: str) -> str:
        return wording("Choose", label)

    def read(self, text: str) -> Any:
        try:
            return self.source(text)
        except ValueError:
            raise ValueError(NOT_LISTED) from None

    def is_chosen(self, value: str) -> bool:
        """Whether the page shows this option as chosen."""
        return value == self.shown

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        values = {value for value, _ in self.options}
        if not {str(answer) for answer in self.answers()} <= values:
            raise StopValidation(NOT_LISTED)

    def answers(self) -> Iterable[Any]:
        """The answers that were given, none or one."""
        return () if self.data is None else (self.data,)


class Choice(Listed):
    """One member of an enumeration, or one record or word that the view lists.

    Shown as radio buttons; beyond six options, when optional or with `as_list`, as a list that opens.
    """

    def __init__(self, label: str, source: Any, *, as_list: bool = False, **wiring: Any) -> None:
        super().__init__(label, source, **wiring)
        self.as_list = as_list

    @property
    def kind(self) -> str:  # type: ignore[override]
        """How the page shows the options."""
        # A radio button cannot be taken back, so an optional answer is chosen from a list that opens.
        return "select" if self.as_list or self.optional or len(self.options) > self.few else "radios"


class Choices(Listed):
    """Any number of members of an enumeration, or of records or words that the view lists, as a tuple."""

    kind = "checks"
    empty = ()

    def process_data(self, value: Any) -> None:
        self.data = tuple(value or ())

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = ()
        self.data = tuple(dict.fromkeys(self.read(str(text)) for text in valuelist))

    def is_chosen(self, value: str) -> bool:
        return value in {str(answer) for answer in self.data}

    def answers(self) -> Iterable[Any]:
        return tuple(self.data)


class Attachment(Question):
    """A file, as a Werkzeug `FileStorage`; `accept` names its kinds as in "application/pdf"."""

    kind = "file"
    repeats = False

    def __init__(self, label: str, accept: Sequence[str], **wiring: Any) -> None:
        super().__init__(label, **wiring)
        self.accept = accept

    def process_formdata(self, valuelist: list[Any]) -> None:
        given = valuelist[0] if valuelist else None
        self.data = given if isinstance(given, FileStorage) and given.filename else None


def sent_body() -> MultiDict[str, Any]:
    """Return the answers and files of the present request."""
    return MultiDict([*request.form.items(multi=True), *request.files.items(multi=True)])


class VaultForm(FlaskForm):  # type: ignore[misc]
    """A form made only of questions, so that nothing is asked without a limit, a label and words for errors.

    :raises TypeError: when a field is a plain WTForms field.
    """

    def __init__(self, **wiring: Any) -> None:
        # Flask-WTF takes an empty body for no body, and would let the kept answers stand as given again.
        wiring.setdefault("formdata", sent_body() if self.is_submitted() else None)
        super().__init__(**wiring)
        for field in self.questions():
            if not isinstance(field, Question):
                raise TypeError(f"{type(self).__name__}.{field.short_name} is not a question of vault.forms")

    def questions(self) -> list[Any]:
        """Every field but the token, in the order in which they are asked."""
        return [field for field in self if field.type != "CSRFTokenField"]

    @property
    def failures(self) -> list[tuple[str, str]]:
        """What is wrong, as pairs of the box's id ("" for the whole form) and the words."""
        of_fields = [(field.id, words) for field in self for words in field.errors]
        return [("", words) for words in self.form_errors] + of_fields

    def refuse(self, words: str) -> None:
        """Say above the whole form why a rule forbids what was asked; the answers stay in their boxes."""
        self.form_errors.append(words)

    def is_stale(self, version: int) -> bool:
        """Whether the record has moved on; then the officer is told, and sending again saves over it."""
        if self.version.data == version:
            return False
        self.version.data, self.version.sent = version, str(version)
        self.refuse(Superseded().message)
        return True


class FilterForm(VaultForm):
    """A form sent in the address, to narrow a list; names are searched by POST, never here.

    :raises TypeError: when a question takes words, because addresses are kept by browsers and logs.
    """

    class Meta:
        csrf = False

    def __init__(self, sent: MultiDict[str, str], **wiring: Any) -> None:
        super().__init__(formdata=sent or None, **wiring)
        for field in self.questions():
            if isinstance(field, Line | Secret | Attachment):
                raise TypeError(f"{type(self).__name__}.{field.short_name} would put words into an address")
            field.optional, field.marks_optional, field.unchosen = True, False, "Any"
