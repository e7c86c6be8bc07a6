"""Invented people, places and words. No name, street, number or town in it is anybody's."""

from datetime import date, timedelta
from random import Random

_FIRST = (
    "Jane", "John", "Janet", "Jon", "Joan", "Jack", "Jill", "June", "Jay", "Joy", "Jean", "Jules",
    "Joanna", "Jonah", "Jasper", "Jessamy",
)  # fmt: skip
_LAST = ("Roe", "Doe", "Poe", "Coe", "Noe", "Loe", "Goe", "Voe")
_TOWNS = ("Samplebury", "Example Falls", "Mockton", "Specimen Green", "Placeholder Ferry", "Nowhere Hill")
_STREETS = ("Example Street", "Sample Avenue", "Specimen Lane", "Placeholder Road", "Mockup Court")
_FELONIES = ("Murder", "Robbery in the first degree", "Assault in the first degree", "Arson", "Kidnapping",
             "Sale of narcotics", "Racketeering")  # fmt: skip
_NARRATIVES = (
    (
        "{witness} saw the shooting from a window and picked {defendant} out of photographs. Two men "
        "have since waited outside the house and asked the neighbours about {first}."
    ),
    (
        "{witness} kept the books for {defendant} and will testify to the payments. A message lay on the "
        "doorstep: “We know what you said.”"
    ),
    (
        "{witness} was in the car when {defendant} drove to the robbery. A cousin of the accused has offered "
        "money, and then said what happens to people who talk."
    ),
    (
        "{witness} treated the victim and heard the last words, which name {defendant}. The tyres of their "
        "car were cut on the night after the statement was served."
    ),
    "{witness} is the only one who can place {defendant} at the fire. Silent calls come every night.",
)
_NOTES = (
    "Met {first} at the office. Sleeps badly, eats little; agreed to counselling. Next talk on Thursday.",
    "{first} asks when the children can go back to school. Explained what the transfer needs; forms sent.",
    "Called the prosecutor's office: the trial date stands. {first} was told, and is calm about it.",
    "{first} reports an unknown car in the street. Plate taken; the patrol has been asked to pass by.",
    "Went through the undertakings once more. {first} understood and had two questions about the telephone.",
    "Brought groceries and the prepaid telephone. The household is well. Nobody was met on the stairs.",
)
_CAPABILITY = (
    "Two relatives at large, one with a record for assault. They know the old address and the place of work.",
    "Access to money, and to people who make threats for it. No sign that they know the new town.",
    "Acts alone, is in custody, and writes letters. Others of the group have shown no interest so far.",
)


class Inventor:
    """Makes up facts by one seeded chance, so that every demonstration tells the same stories."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance

    def pick(self, options: tuple[str, ...]) -> str:
        """One of several."""
        return self.chance.choice(options)

    def surname(self) -> str:
        """A family's name."""
        return self.pick(_LAST)

    def given(self) -> str:
        """A first name with a middle initial, so that fifty households stay apart."""
        return f"{self.pick(_FIRST)} {self.chance.choice('ABCDEFGHKLMPRSTW')}."

    def name(self) -> str:
        """A full name."""
        return f"{self.given()} {self.surname()}"

    def phone(self) -> str:
        """A number of the range kept for fiction."""
        return f"555-01{self.chance.randint(0, 99):02}"

    def social_security(self) -> str:
        """A number that begins with 9 was never issued."""
        digits = [self.chance.randint(1, most) for most in (99, 99, 9999)]
        return f"9{digits[0]:02}-{digits[1]:02}-{digits[2]:04}"

    def town(self) -> str:
        """A town that is on no map."""
        return self.pick(_TOWNS)

    def street(self) -> str:
        """A house in a street that is nowhere."""
        return f"{self.chance.randint(1, 199)} {self.pick(_STREETS)}"

    def birth(self, minor: bool, today: date) -> date:
        """A date of birth."""
        years = self.chance.uniform(1, 17) if minor else self.chance.uniform(19, 71)
        return today - timedelta(days=int(years * 365.25))

    def docket(self) -> str:
        """A docket number."""
        return f"CR-26-{self.chance.randint(1, 9999):04}"

    def felony(self) -> str:
        """What the accused is charged with."""
        return self.pick(_FELONIES)

    def narrative(self, witness: str, defendant: str) -> str:
        """Why the witness is at risk."""
        first = witness.split(maxsplit=1)[0]
        return self.pick(_NARRATIVES).format(witness=witness, defendant=defendant, first=first)

    def note(self, witness: str) -> str:
        """What an inspector or a clerk writes down."""
        return self.pick(_NOTES).format(first=witness.split(maxsplit=1)[0])

    def capability(self) -> str:
        """What those who threaten are able to do."""
        return self.pick(_CAPABILITY)
