"""The kinds of document that a case keeps, told by their bytes; what a browser says is not believed."""

import codecs

from vault.errors import VaultError
from vault.vocabulary import Labelled


class PaperKind(Labelled):
    """What a document is: its media type."""

    PDF = "application/pdf", "PDF"
    JPEG = "image/jpeg", "JPEG picture"
    PNG = "image/png", "PNG picture"
    TIFF = "image/tiff", "TIFF picture"
    TEXT = "text/plain", "Plain text"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Word document"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Excel workbook"


EXTENSIONS = {
    PaperKind.PDF: "pdf",
    PaperKind.JPEG: "jpg",
    PaperKind.PNG: "png",
    PaperKind.TIFF: "tif",
    PaperKind.TEXT: "txt",
    PaperKind.DOCX: "docx",
    PaperKind.XLSX: "xlsx",
}
"""How a downloaded document's name ends."""

OFFERED = [*(f".{ending}" for ending in EXTENSIONS.values()), ".jpeg", ".tiff"]
"""What the browser lets an officer choose from."""

_MAGIC = (
    (b"%PDF-", PaperKind.PDF),
    (b"\xff\xd8\xff", PaperKind.JPEG),
    (b"\x89PNG\r\n\x1a\n", PaperKind.PNG),
    (b"II*\x00", PaperKind.TIFF),
    (b"MM\x00*", PaperKind.TIFF),
)
_ARCHIVE = b"PK\x03\x04"
_INSIDE = ((b"word/document.xml", PaperKind.DOCX), (b"xl/workbook.xml", PaperKind.XLSX))
_MACROS = b"vbaProject.bin"
_LONGEST_INSIDE = max(len(name) for name in (*(name for name, _ in _INSIDE), _MACROS))
_HEAD_LENGTH = 16
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\f\r") + b"\x7f"


class PaperRefused(VaultError):
    """What was sent is not kept; the message says what to send instead."""

    status = 422


def _unknown() -> PaperRefused:
    return PaperRefused(
        "Choose a PDF, a picture (JPEG, PNG or TIFF), a Word or Excel file, or plain text. "
        "Save anything else as a PDF first."
    )


class Recogniser:
    """Watches a document pass by and tells at its end what it is."""

    def __init__(self) -> None:
        self._head = b""
        self._settled: PaperKind | None = None
        self._tail = b""
        self._text = codecs.getincrementaldecoder("utf-8")()

    def watch(self, content: bytes) -> None:
        """Look at the next bytes. Raises PaperRefused as soon as they can be no document that is kept."""
        if len(self._head) < _HEAD_LENGTH:
            # What settles the kind may be cut in two, so a short head is looked at again with what follows.
            content, self._head = self._head + content, (self._head + content)[:_HEAD_LENGTH]
            if len(self._head) < _HEAD_LENGTH:
                return
        self._look(content)

    def finish(self) -> PaperKind:
        """What it is. Raises PaperRefused for nothing at all and for what is not kept."""
        if not self._head:
            raise PaperRefused("This file is empty. Choose another.")
        if len(self._head) < _HEAD_LENGTH:
            self._look(self._head)
        if self._is_archive():
            if self._settled is None:
                raise _unknown()
            return self._settled
        kind = self._by_magic()
        if kind is None:
            self._read_text(b"", is_last=True)
        return kind or PaperKind.TEXT

    def _look(self, content: bytes) -> None:
        if self._is_archive():
            self._look_inside(content)
        elif self._by_magic() is None:
            self._read_text(content, is_last=False)

    def _is_archive(self) -> bool:
        return self._head.startswith(_ARCHIVE)

    def _by_magic(self) -> PaperKind | None:
        return next((kind for magic, kind in _MAGIC if self._head.startswith(magic)), None)

    def _look_inside(self, content: bytes) -> None:
        """An archive is an office document when a part of that name is listed in it."""
        seen = self._tail + content
        if _MACROS in seen:
            raise PaperRefused("This file contains macros. Save it without them, or as a PDF.")
        for name, kind in _INSIDE:
            if name in seen:
                self._settled = self._settled or kind
        self._tail = seen[-_LONGEST_INSIDE:]

    def _read_text(self, content: bytes, *, is_last: bool) -> None:
        if content.translate(None, _CONTROLS) != content:
            raise _unknown()
        try:
            self._text.decode(content, is_last)
        except UnicodeDecodeError:
            raise _unknown() from None
