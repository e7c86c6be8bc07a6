"""The packet that leaves the house: tagged pages marked for one recipient, encrypted, and nothing more.

Every page says for whom it was made, and carries a hidden mark: a square of up to 64 pale dots of 0.4
points, eight rows of eight, most significant bit first, that stands for the release. `read_marks` finds it in
the PDF; on paper it is read with a lens or a scanner. It does not survive copying the text out, redrawing the
pages, or a recipient who knows of it and paints it over.
"""

import base64
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import typst
from anyascii import anyascii

TEMPLATE = Path(__file__).with_name("packet.typ")
NOTICE = "Confidential. Do not copy or disclose to anyone else. Whoever passes this on can be traced."
SPELLED = "Some words written in another script are spelled here in Latin letters."

MARK_BYTES = 8
PASSWORD_BYTES = 15

_MARK_LEFT, _MARK_TOP, _MARK_STEP = 18, 792 - 18, 3
_BASIC_LATIN = 0x250  # Beyond these letters a font may lack what PDF/UA insists on.


def contents(
    code: str, recipient: str, agency: str, authority: str, return_by: str, snapshot: dict[str, Any]
) -> dict[str, Any]:
    """All the words of a packet: what the preview shows is what the pages say."""
    opening = [
        f"Released to {recipient}, {agency}, and to nobody else. Authority: {authority.lower()}.",
        "It is given for the purpose stated in the request and for no other.",
    ]
    if return_by:
        opening.append(f"Return or destroy it by {return_by}, and tell the programme.")
    return {
        "title": f"Disclosure {code}",
        "code": code,
        "marked": f"For {recipient}, {agency}. Disclosure {code}. Do not re-disclose.",
        "notice": NOTICE,
        "opening": opening,
        "groups": snapshot["groups"],
    }


def legible(words: dict[str, Any]) -> dict[str, Any]:
    """The words as the pages can say them: PDF/UA refuses a letter that no font at hand can draw.

    Then every such letter is spelled in Latin ones, and the pages say so.
    """
    try:
        pages(words, "0")
    except typst.TypstError:
        spelled: dict[str, Any] = _in_latin(words)
        return {**spelled, "opening": [*spelled["opening"], SPELLED]}
    return words


def pages(words: dict[str, Any], mark: str) -> bytes:
    """The pages as tagged PDF/UA-1, unencrypted, in memory only. `mark` is 16 hex digits."""
    return _typeset({**words, "bits": [int(bit) for bit in f"{int(mark, 16):064b}"]})


def _typeset(given: dict[str, Any]) -> bytes:
    return typst.compile(
        TEMPLATE.read_bytes(),
        format="pdf",
        pdf_standards=["ua-1"],
        ignore_system_fonts=True,
        sys_inputs={"packet": json.dumps(given)},
        timestamp=0,
    )


def _in_latin(value: Any) -> Any:
    match value:
        case str():
            return "".join(letter if ord(letter) < _BASIC_LATIN else anyascii(letter) for letter in value)
        case list():
            return [_in_latin(item) for item in value]
        case dict():
            return {name: _in_latin(item) for name, item in value.items()}
        case _:
            return value


_METADATA = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">'
    "{title}</rdf:li></rdf:Alt></dc:title><pdfuaid:part>1</pdfuaid:part></rdf:Description></rdf:RDF>"
    '</x:xmpmeta><?xpacket end="r"?>'
)
"""The title and the PDF/UA sign are all that the standard asks for (ISO 14289-1, 5 and 7.1)."""


def protect(pdf: bytes, title: str, password: str, owner: str) -> bytes:
    """Strip every word about the making of the pages, then encrypt them with AES-256 under the password."""
    with pikepdf.open(BytesIO(pdf)) as document:
        if "/Info" in document.trailer:
            del document.trailer.Info
        metadata = document.make_stream(_METADATA.format(title=title).encode())
        metadata.Type, metadata.Subtype = pikepdf.Name.Metadata, pikepdf.Name.XML
        document.Root.Metadata = metadata
        allowed = pikepdf.Permissions(
            accessibility=True,
            extract=False,
            modify_annotation=False,
            modify_assembly=False,
            modify_form=False,
            modify_other=False,
        )
        sink = BytesIO()
        document.save(
            sink,
            encryption=pikepdf.Encryption(user=password, owner=owner, R=6, allow=allowed, metadata=True),
        )
    return sink.getvalue()


def password_of(secret: bytes) -> str:
    """Random bytes as groups of four letters and digits that can be read out over the telephone."""
    letters = base64.b32encode(secret).decode().rstrip("=")
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def read_marks(pdf: bytes, password: str) -> list[str]:
    """The hidden mark of each page of a leaked packet, as 16 hex digits."""
    with pikepdf.open(BytesIO(pdf), password=password) as document:
        return [_mark_on(page) for page in document.pages]


def _mark_on(page: pikepdf.Page) -> str:
    bits = 0
    behind = False
    for instruction in pikepdf.parse_content_stream(page):
        operands = instruction.operands
        match str(instruction.operator):
            case "BDC":
                behind = "/Background" in repr(operands[1])
            case "EMC":
                behind = False
            case "cm" if behind:
                column, row = (
                    round((float(operands[4]) - _MARK_LEFT) / _MARK_STEP),
                    round((_MARK_TOP - float(operands[5])) / _MARK_STEP),
                )
                if 0 <= column < 8 and 0 <= row < 8:
                    bits |= 1 << (63 - (row * 8 + column))
    return f"{bits:016x}"
