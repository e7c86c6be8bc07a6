"""Fields and rows of an entry are told in words, whatever is sealed or kept later."""

import pytest

from crypto.columns import sealed_columns
from housing import models as housing
from vault.database import Base
from vault.oversight.fields import FIELDS, KINDS, TABLES, field_words, row_words

MODELS = sorted(
    (
        one.class_
        for base in (Base, housing.Base)
        for one in base.registry.mappers
        if one.class_.__module__.startswith(("vault.", "housing."))
    ),
    key=lambda model: str(model.__name__),
)


def test_every_kind_of_sealed_row_has_a_word_and_no_word_is_of_nothing() -> None:
    assert {model.__name__.lower() for model in MODELS if sealed_columns(model)} == set(KINDS)
    assert set(TABLES) <= {str(model.__tablename__) for model in MODELS}
    assert set(FIELDS) <= {column for model in MODELS for column in sealed_columns(model)}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_name_of_the_database_is_shown(model: type[Base | housing.Base]) -> None:
    for column in sealed_columns(model):
        words = field_words([f"{model.__name__.lower()}.{column}"])
        assert set("._") & set(words) == set()
        assert " of " in words
    words, ident = row_words(f"{model.__tablename__}/123")
    assert set("._/") & set(words) == set()
    assert words[0].isupper()
    assert ident == "123"


def test_a_field_and_a_row_read_as_a_person_says_them() -> None:
    assert field_words(["person.legal_name"]) == "legal name of a person"
    many = ["person.aliases", "person.birth_date", "person.social_security", "dangerarea.radius_miles"]
    assert field_words(many) == (
        "aliases, birth date and social security number of a person; radius in miles of a danger area"
    )
    assert field_words(["ghost.last_word"]) == "last word"
    assert field_words([]) == ""
    assert row_words("threat_assessments/7") == ("Threat assessments", "7")
