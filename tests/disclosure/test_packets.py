"""The packet by itself: exactly the words given, marked, tagged, stripped, and shut without its password."""

from io import BytesIO
from typing import Any

import pikepdf
import pytest

from tests.disclosure.errands import text_of
from vault.disclosure import packets

MARK = "8badf00ddeadbe01"
PASSWORD = "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF"


def made(value: str, mark: str = MARK) -> bytes:
    items = [{"key": "person-1.legal_name", "label": "Legal name", "value": value}]
    snapshot = {"groups": [{"heading": "Person 1, witness", "items": items}]}
    words = packets.contents(
        "D-2026-0001", "Pat Pepper", "State's Attorney", "Court order", "December 1, 2026", snapshot
    )
    return packets.protect(
        packets.pages(packets.legible(words), mark), words["title"], PASSWORD, "another-owner-password"
    )


def opened(pdf: bytes) -> pikepdf.Pdf:
    return pikepdf.open(BytesIO(pdf), password=PASSWORD)


def test_the_pages_say_the_value_its_recipient_and_that_it_may_not_be_passed_on() -> None:
    text = text_of(made("Jane Roe"), PASSWORD)
    for words in ("Jane Roe", "Legal name", "Pat Pepper", "D-2026-0001", "Do not re-disclose", "December 1"):
        assert words in text


def test_every_page_carries_the_mark_of_its_release() -> None:
    marks = packets.read_marks(made("word " * 2000), PASSWORD)
    assert len(marks) > 2
    assert set(marks) == {MARK}


@pytest.mark.parametrize("mark", ["0000000000000000", "ffffffffffffffff", "8000000000000001"])
def test_any_mark_is_read_back_as_it_was_made(mark: str) -> None:
    assert packets.read_marks(made("Jane Roe", mark), PASSWORD) == [mark]


def test_what_a_record_says_is_never_markup() -> None:
    hostile = '#panic("x") *bold* $x$ <label> @ref \\ // #read("/etc/passwd") = heading'
    assert hostile in text_of(made(hostile), PASSWORD)


def test_a_name_in_a_script_no_font_has_is_spelled_and_the_page_says_so() -> None:
    text = text_of(made("王 Mueller"), PASSWORD)
    assert "Wang" in text
    assert "Mueller" in text
    assert packets.SPELLED in text


def test_a_name_in_cyrillic_is_printed_as_it_is() -> None:
    text = text_of(made("Жанна Łoś"), PASSWORD)
    assert "Жанна Łoś" in text
    assert packets.SPELLED not in text


def test_the_packet_is_shut_without_its_password_and_forbids_copying() -> None:
    pdf = made("Jane Roe")
    for wrong in ("", PASSWORD.lower()):
        with pytest.raises(pikepdf.PasswordError):
            pikepdf.open(BytesIO(pdf), password=wrong)
    assert b"Jane" not in pdf
    with opened(pdf) as document:
        assert document.encryption.R == 6
        assert document.allow.accessibility
        assert not document.allow.extract


def test_the_packet_is_tagged_and_says_nothing_of_how_or_when_it_was_made() -> None:
    with opened(made("Jane Roe")) as document:
        assert "/Info" not in document.trailer
        metadata = document.Root.Metadata.read_bytes().decode()
        assert bool(document.Root.MarkInfo.Marked)
        assert str(document.Root.Lang) == "en"
        assert "/StructTreeRoot" in document.Root
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    for word in ("Typst", "CreateDate", "ModifyDate", "DocumentID", "CreatorTool"):
        assert word not in metadata


def test_a_password_has_as_many_letters_as_its_bytes_need() -> None:
    zero = packets.password_of(bytes(packets.PASSWORD_BYTES))
    assert zero == "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA"
    other: Any = packets.password_of(bytes([255]) * packets.PASSWORD_BYTES)
    assert other != zero
