"""Questions read clean answers and say in words what to do about the others."""

import io
import unicodedata
import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from wtforms import StringField

from tests.look.gallery import Everything, Harm, Narrow, Need
from vault import forms
from vault.questions import UNPRINTABLE

CANARY = "Qx7-canary"


def read(app: Flask, question: Any, *sent: Any, options: Any = None) -> tuple[Any, list[str], str]:
    """Ask one question, send it what was given, and return the answer, the errors and what the box shows."""

    class One(forms.VaultForm):
        asked = question

    with app.test_request_context("/", method="POST", data={"unrelated": "1"}):
        form = One(formdata=MultiDict([("asked", value) for value in sent]), meta={"csrf": False})
        if options is not None:
            form.asked.options = options
        form.validate()
        return form.asked.data, list(form.asked.errors), form.asked.shown


def test_a_line_is_trimmed_and_composed(app: Flask) -> None:
    assert read(app, forms.Line("Name", 20), "  Zoe\u0308 ")[0] == "Zoë"


@pytest.mark.parametrize("planted", ["a\x00b", "a\x1bb", "a\nb", "a\tb", "a\u202eb", "a\ud800b"])
def test_a_line_refuses_what_cannot_be_printed_and_keeps_the_rest(app: Flask, planted: str) -> None:
    answer, errors, shown = read(app, forms.Line("Name", 20), planted)
    assert (answer, errors, shown) == ("", [UNPRINTABLE], "ab")


def test_words_keep_their_lines_in_one_form(app: Flask) -> None:
    assert read(app, forms.Words("Note", 50), "one\r\ntwo\rthree\n")[0] == "one\ntwo\nthree"


def test_words_refuse_a_nul(app: Flask) -> None:
    answer, errors, shown = read(app, forms.Words("Note", 50), "one\x00\ntwo")
    assert (answer, errors, shown) == ("", [UNPRINTABLE], "one\ntwo")


@given(st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_accepted_text_is_normal_printable_and_within_its_limit(app: Flask, text: str) -> None:
    answer, errors, _ = read(app, forms.Words("Note", 40, optional=True), text)
    assert len(answer) <= 40 or errors
    assert unicodedata.is_normalized("NFC", answer)
    assert all(character in "\n\t" or unicodedata.category(character) != "Cc" for character in answer)
    assert answer == answer.strip()


def test_a_text_at_its_limit_is_taken_and_one_character_more_is_refused(app: Flask) -> None:
    assert read(app, forms.Line("Name", 5), "abcde")[1] == []
    _, errors, shown = read(app, forms.Line("Name", 5), "abcdef")
    assert (errors, shown) == (["Shorten this to 5 characters or fewer."], "abcdef")


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("Docket number", "Enter the docket number."),
        ("SSN", "Enter the SSN."),
        ("The court's order", "Enter the court's order."),
        ("Why now?", "Answer “Why now?”."),
        ("When you met", "Answer “When you met”."),
    ],
)
def test_a_missing_answer_is_asked_for_in_the_words_of_its_label(app: Flask, label: str, words: str) -> None:
    assert read(app, forms.Line(label, 20), "   ")[1] == [words]


def test_an_optional_answer_may_be_missing_and_skips_the_validators(app: Flask) -> None:
    def never(form: Any, field: Any) -> None:
        raise AssertionError("an empty answer was judged")

    assert read(app, forms.Line("Alias", 20, optional=True, validators=[never]), "") == ("", [], "")
    assert read(app, forms.Day("Since", optional=True, validators=[never])) == (None, [], "")


@pytest.mark.parametrize("sent", ["2026-11-22", "11/22/2026", " 2026-11-22 "])
def test_a_day_is_read(app: Flask, sent: str) -> None:
    assert read(app, forms.Day("Since"), sent)[0] == date(2026, 11, 22)


@pytest.mark.parametrize("sent", ["2026-02-30", "22.11.2026", "tomorrow", "2026-11-22T10:00", "٢٠٢٦-11-22x"])
def test_what_is_no_day_is_refused(app: Flask, sent: str) -> None:
    _, errors, shown = read(app, forms.Day("Since"), sent)
    assert (errors, shown) == (["Enter a date like 2026-11-22 or 11/22/2026."], sent)


def test_a_moment_is_read_on_the_unit_s_clock(app: Flask) -> None:
    assert read(app, forms.Moment("Met"), "2026-11-22T14:05")[0] == datetime(2026, 11, 22, 19, 5, tzinfo=UTC)
    assert read(app, forms.Moment("Met"), "2026-07-04 14:05")[0] == datetime(2026, 7, 4, 18, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "sent", ["2026-03-08T02:30", "2026-11-22", "2026-11-22T25:00", "2026-11-22T14:05-nonsense"]
)
def test_what_is_no_moment_is_refused(app: Flask, sent: str) -> None:
    answer, errors, _ = read(app, forms.Moment("Met"), sent)
    assert answer is None
    assert len(errors) == 1


@pytest.mark.parametrize(
    ("sent", "cents"),
    [("1,250.50", 125050), ("$1,250.5", 125050), ("1250", 125000), ("0.05", 5), ("999,999,999", 99999999900)],
)
def test_a_sum_is_read_in_cents(app: Flask, sent: str, cents: int) -> None:
    assert read(app, forms.Money("Amount"), sent)[0] == cents


@pytest.mark.parametrize(
    "sent", ["1.234", "-5", "1,25", "1e3", "12,50.00", ".50", "١٢", "1 250", "1,250.", "1,000,000,000"]
)
def test_what_is_no_sum_is_refused(app: Flask, sent: str) -> None:
    assert read(app, forms.Money("Amount"), sent)[:2] == (None, ["Enter dollars and cents like 1,250.50."])


@given(st.integers(min_value=0, max_value=99_999_999_999))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_sum_that_is_shown_reads_as_itself(app: Flask, cents: int) -> None:
    assert read(app, forms.Money("Amount"), f"{cents // 100:,}.{cents % 100:02d}")[0] == cents


@pytest.mark.parametrize(("sent", "answer"), [("1", 1), ("20", 20), ("0", None), ("21", None), ("1.0", None)])
def test_a_whole_number_stays_within_its_bounds(app: Flask, sent: str, answer: int | None) -> None:
    assert read(app, forms.Whole("People", 1, 20), sent)[0] == answer


@pytest.mark.parametrize(("sent", "answer"), [("123 456", "123456"), ("12345", None), ("١٢٣٤٥٦", None)])
def test_a_code_is_six_digits_and_is_never_shown_again(app: Flask, sent: str, answer: str | None) -> None:
    found, _, shown = read(app, forms.Code("Code"), sent)
    assert (found, shown) == (answer, "")


def test_a_password_is_taken_as_typed_and_never_shown_again(app: Flask) -> None:
    assert read(app, forms.Secret("Password", 128, new=False), " with spaces ") == (" with spaces ", [], "")
    assert read(app, forms.Secret("Password", 5, new=False), "longer")[0] == ""


def test_a_choice_is_a_member_of_its_enumeration(app: Flask) -> None:
    assert read(app, forms.Choice("Harm", Harm), "threat")[0] is Harm.THREAT
    assert read(app, forms.Choice("Harm", Harm), "arson")[:2] == (None, [forms.NOT_LISTED])


def test_choices_are_members_once_each(app: Flask) -> None:
    assert read(app, forms.Choices("Needs", Need), "pets", "step-free", "pets")[0] == (
        Need.PETS,
        Need.STEP_FREE,
    )
    assert read(app, forms.Choices("Needs", Need), "pets", "pool")[:2] == ((), [forms.NOT_LISTED])
    assert read(app, forms.Choices("Needs", Need))[1] == ["Choose the needs."]


def test_a_record_is_chosen_only_from_what_the_view_listed(app: Flask) -> None:
    listed, other = uuid.uuid4(), uuid.uuid4()
    options = [(str(listed), "Ines Bell")]
    question = forms.Choice("Inspector", uuid.UUID)
    assert read(app, question, str(listed), options=options)[:2] == (listed, [])
    assert read(app, question, str(other), options=options)[1] == [forms.NOT_LISTED]
    assert read(app, question, "no uuid", options=options)[1] == [forms.NOT_LISTED]


def test_a_reference_is_a_uuid(app: Flask) -> None:
    case = uuid.uuid4()
    assert read(app, forms.Reference("Case"), str(case))[0] == case
    assert read(app, forms.Reference("Case"), "../../etc")[1] == [forms.NOT_LISTED]


def test_a_box_that_must_be_ticked_is_asked_for(app: Flask) -> None:
    assert read(app, forms.Yes("Told"))[:2] == (False, [])
    assert read(app, forms.Yes("I have read this", optional=False, ask="Tick the box."))[1] == [
        "Tick the box."
    ]
    assert read(app, forms.Yes("Told"), "yes")[0] is True


@pytest.mark.parametrize(
    "question",
    [
        forms.Line("Name", 3),
        forms.Words("Note", 3),
        forms.Day("Since"),
        forms.Moment("Met"),
        forms.Whole("People", 1, 2),
        forms.Money("Amount"),
        forms.Code("Code"),
        forms.Secret("Password", 3, new=True),
        forms.Choice("Harm", Harm),
        forms.Choices("Needs", Need),
        forms.Reference("Case"),
    ],
    ids=lambda question: question.field_class.__name__,
)
def test_no_error_repeats_what_was_typed(app: Flask, question: Any) -> None:
    _, errors, _ = read(app, question, CANARY)
    assert errors
    assert CANARY not in " ".join(errors)


def test_a_file_comes_as_it_was_sent(app: Flask) -> None:
    sent = {"order": (io.BytesIO(b"%PDF-"), "order.pdf")}
    with app.test_request_context("/", method="POST", data=sent):
        assert Everything().order.data.read() == b"%PDF-"
    with app.test_request_context("/", method="POST", data={"order": (io.BytesIO(b""), "")}):
        assert Everything().order.data is None


def test_an_empty_body_does_not_let_the_kept_answers_stand_as_given(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    with app.test_request_context("/", method="POST"):
        form = Everything(docket="kept", amount=5)
        assert not form.validate_on_submit()
        assert "Enter the docket number." in form.docket.errors


def test_the_second_of_two_tabs_is_told_and_may_then_save(app: Flask) -> None:
    with app.test_request_context("/", method="POST", data={"version": "3", "docket": "mine"}):
        form = Everything()
        assert not form.is_stale(3)
        assert form.is_stale(4)
        assert form.version.shown == "4"
        assert form.docket.shown == "mine"
        assert [words for box, words in form.failures if not box]


def test_a_form_without_a_version_is_stale(app: Flask) -> None:
    with app.test_request_context("/", method="POST", data={"docket": "mine"}):
        assert Everything().is_stale(0)


def test_a_plain_field_is_refused(app: Flask) -> None:
    class Careless(forms.VaultForm):
        name = StringField("Name")

    with app.test_request_context("/"), pytest.raises(TypeError, match="is not a question"):
        Careless()


def test_words_are_refused_in_a_form_that_is_sent_in_the_address(app: Flask) -> None:
    class Careless(forms.FilterForm):
        name = forms.Line("Name", 20)

    with app.test_request_context("/"), pytest.raises(TypeError, match="into an address"):
        Careless(MultiDict())


def test_a_filter_needs_no_answer_and_refuses_a_wrong_one(app: Flask) -> None:
    with app.test_request_context("/"):
        assert Narrow(MultiDict()).validate()
        chosen = Narrow(MultiDict({"harm": "threat"}))
        assert chosen.validate()
        assert chosen.harm.data is Harm.THREAT
        assert not Narrow(MultiDict({"harm": "arson"})).validate()
