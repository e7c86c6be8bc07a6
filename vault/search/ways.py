"""The ways in which a person is looked for, and how each compares."""

from collections.abc import Mapping

from vault.access.listings import Comparison
from vault.vocabulary import Labelled


class Way(Labelled):
    """What an officer knows of the person they look for."""

    PART = "part-of-a-name", "Part of a name"
    WHOLE = "whole-name", "A whole name"
    SOUND = "sound-of-a-name", "A name that sounds like this"
    BORN = "birth-date", "A date of birth"
    NUMBER = "number", "A document or other number"
    TELEPHONE = "telephone", "The telephone of a household"


COMPARED: Mapping[Way, Comparison] = {
    Way.PART: "substring",
    Way.WHOLE: "exact",
    Way.SOUND: "sounds-like",
    Way.BORN: "birth-date",
    Way.NUMBER: "number",
    Way.TELEPHONE: "number",
}
