"""A form with a file at its end, read as it arrives: no byte of the file is written down or kept in memory.

The web framework would put a file of any size into a temporary file before anybody is asked whether it may be
sent at all, in plain. Here the answers before the file are read, the officer and the answers are checked, and
only then the file is read, once and in order.
"""

from typing import cast

from flask import current_app, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.datastructures import FileStorage, ImmutableMultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData, Preamble

from vault.access.pieces import Source
from vault.papers.kinds import PaperKind, PaperRefused, Recogniser

MEBIBYTE = 1024 * 1024
READ_AT_ONCE = 64 * 1024
ANSWERS_LENGTH = 256 * 1024
"""What the answers before the file may take together, and what may lie in memory of a form at any time."""

MOST_PARTS = 20
LONGEST_BODY = 1024 * MEBIBYTE
"""A body beyond it is refused unread; one below it is read to its end, so that a browser shows the answer."""


class IncomingForm:
    """The parts of a form in the order in which they arrive."""

    def __init__(self, body: Source, boundary: bytes) -> None:
        self._body = body
        self._decoder = MultipartDecoder(boundary, ANSWERS_LENGTH, max_parts=MOST_PARTS)

    def next_event(self) -> Event:
        """What comes next. Raises BadRequest for what is no form and for one that breaks off."""
        try:
            while isinstance(event := self._decoder.next_event(), NeedData):
                self._decoder.receive_data(self._body.read(READ_AT_ONCE) or None)
        except ValueError:
            raise BadRequest from None
        return event

    def answers(self) -> tuple[list[tuple[str, str]], "tuple[str, FileStorage] | None"]:
        """Every answer up to the first file, and that file, of which nothing was read yet."""
        given: list[tuple[str, str]] = []
        length = 0
        name, words = "", b""
        while True:
            match self.next_event():
                case Field(name=name):
                    name, words = name or "", b""
                case Data(data=data, more_data=more):
                    words, length = words + data, length + len(data)
                    if length > ANSWERS_LENGTH:
                        raise RequestEntityTooLarge
                    if not more:
                        given.append((name, words.decode("utf-8", "replace")))
                case File(name=name, filename=filename):
                    return given, (name, FileStorage(IncomingFile(self), filename, name))  # type: ignore[arg-type]
                case Preamble():
                    continue
                case _:
                    return given, None


class IncomingFile:
    """The file at the end of a form; it can be read once, in order."""

    def __init__(self, form: IncomingForm) -> None:
        self._form = form
        self._ready = b""
        self._is_over = False

    def read(self, length: int, /) -> bytes:
        """At most so many bytes; none at the end. Raises BadRequest when the form breaks off."""
        while not self._ready and not self._is_over:
            event = self._form.next_event()
            if not isinstance(event, Data):
                raise BadRequest
            self._ready, self._is_over = event.data, not event.more_data
            if self._is_over and not isinstance(self._form.next_event(), Epilogue):
                raise BadRequest  # Answers behind the file would have been asked for before it.
        given, self._ready = self._ready[:length], self._ready[length:]
        return given

    def drain(self) -> None:
        """Read the rest and forget it, so that the browser has sent everything and shows what is answered."""
        while self.read(READ_AT_ONCE):
            pass


class Inspected:
    """A file on its way into the case: what it is, how long it is, and whether it is kept at all."""

    def __init__(self, source: Source, most: int) -> None:
        self._source, self._most = source, most
        self._recogniser = Recogniser()
        self.length = 0

    def read(self, length: int, /) -> bytes:
        """At most so many bytes; none at the end. Raises PaperRefused for what is not kept."""
        content = self._source.read(length)
        self.length += len(content)
        if self.length > self._most:
            raise too_long(self._most)
        self._recogniser.watch(content)
        return content

    def kind(self) -> PaperKind:
        """What the whole file was. Raises PaperRefused."""
        return self._recogniser.finish()


def too_long(most: int) -> PaperRefused:
    """How a file is refused that is larger than the setting allows."""
    return PaperRefused(f"Choose a file of {most // MEBIBYTE:,} MB or less, or send it in parts.")


def receive() -> None:
    """Read the answers of this request up to its file and check the form's token.

    The view then asks its form as any other does, and finds in the file question a stream that still arrives.
    Raises CSRFError for a missing or foreign token and BadRequest for what is no form.
    """
    if request.mimetype == "multipart/form-data":
        request.max_content_length = LONGEST_BODY
        boundary = request.mimetype_params.get("boundary", "").encode("ascii", "replace")
        if not boundary:
            raise BadRequest
        given, file = IncomingForm(request.stream, boundary).answers()
        request.form = ImmutableMultiDict(given)
        request.files = ImmutableMultiDict([file] if file else [])
    cast(CSRFProtect, current_app.extensions["csrf"]).protect()


def arriving(question: str) -> IncomingFile | None:
    """The file that this request still sends for a question; none when there is none."""
    sent = request.files.get(question)
    stream: object = sent.stream if sent is not None else None
    return stream if isinstance(stream, IncomingFile) else None
