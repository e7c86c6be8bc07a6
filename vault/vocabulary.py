"""Words the programme chooses from, each with the label that a person reads.

Where the Connecticut text could not be read (Conn. Gen. Stat. 54-82t(c)-(d)) the lists of other states
stand in.
"""

from enum import StrEnum
from typing import Self


class Labelled(StrEnum):
    """A word kept in the record and the label shown for it."""

    label: str
    """What a person reads."""

    def __new__(cls, word: str, label: str = "") -> Self:
        """Make a member; every one names its label, and looking a word up needs none."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.label = label
        return member


class Harm(Labelled):
    """What is feared or has happened (Conn. Gen. Stat. 54-82t)."""

    INTIMIDATION = "intimidation", "Intimidation"
    HARASSMENT = "harassment", "Harassment"
    THREAT = "threat", "Threat"
    RETALIATION = "retaliation", "Retaliation"
    VIOLENCE = "violence", "Violence"


class HarmBasis(Labelled):
    """Whether harm has occurred or is likely."""

    OCCURRED = "has-occurred", "It has happened"
    LIKELY = "reasonably-likely", "It is reasonably likely"


class Flag(Labelled):
    """What calls for special consideration."""

    CHILD = "child", "A child is a witness"
    ELDERLY = "elderly", "An elderly person"
    DISABLED = "disabled", "A person with a disability"
    ORGANISED_CRIME = "organised-crime", "Organised crime"
    GANG = "gang", "Gang"
    DRUGS = "drugs", "Drug trade"


class DecisionKind(Labelled):
    """The three decisions on a referral, stored apart (Conn. Gen. Stat. 54-82t(b))."""

    AT_RISK = "at-risk", "At risk of harm"
    CRITICAL = "critical", "Critical to the prosecution"
    CERTIFIED = "certified", "Certified for protection"


class DecisionOutcome(Labelled):
    """How one of the three decisions was made."""

    YES = "yes", "Yes"
    SERVICES = "services", "Yes, for services"
    RELOCATION = "services-with-relocation", "Yes, for services with temporary relocation"
    NO = "no", "No"


class ReferralState(Labelled):
    """How far a referral has come."""

    RECEIVED = "received", "Received"
    AT_RISK = "at-risk", "At risk"
    CRITICAL = "critical", "Critical witness"
    CERTIFIED = "certified", "Certified"
    DECLINED = "declined", "Not certified"


class CaseState(Labelled):
    """How far a case has come, from certification to its end."""

    CERTIFIED = "certified", "Certified"
    OFFERED = "offered", "Services offered"
    AGREED = "agreed", "Agreement signed"
    DECLINED = "declined", "Services declined"
    ACTIVE = "active", "Active"
    ENDING = "ending", "Ending"
    CLOSED = "closed", "Closed"
    DESTROYED = "destroyed", "Records destroyed"


NEXT_CASE_STATES: dict[CaseState, tuple[CaseState, ...]] = {
    CaseState.CERTIFIED: (CaseState.OFFERED,),
    CaseState.OFFERED: (CaseState.AGREED, CaseState.DECLINED),
    CaseState.AGREED: (CaseState.ACTIVE,),
    CaseState.DECLINED: (CaseState.OFFERED, CaseState.CLOSED),
    CaseState.ACTIVE: (CaseState.ENDING,),
    CaseState.ENDING: (CaseState.ACTIVE, CaseState.CLOSED),
    CaseState.CLOSED: (),
    CaseState.DESTROYED: (),  # Two approvals lead here, not a move.
}


class Position(Labelled):
    """Who a protected person is in the household."""

    WITNESS = "witness", "Witness"
    PARTNER = "partner", "Spouse or partner"
    CHILD = "child", "Child"
    PARENT = "parent", "Parent"
    SIBLING = "sibling", "Brother or sister"
    OTHER = "other", "Other family member"


class NoteKind(Labelled):
    """What a case note tells of."""

    NOTE = "note", "Note"
    CONTACT = "contact", "Contact with the person"
    VISIT = "visit", "Visit"
    CALL = "call", "Telephone call"
    SERVICE = "service", "Service arranged"
    BREACH = "breach", "Breach of the agreement"


class ThreatLevel(Labelled):
    """An officer's judgement of the danger; no machine decides it."""

    LOW = "low", "Low"
    MODERATE = "moderate", "Moderate"
    HIGH = "high", "High"
    EXTREME = "extreme", "Extreme"


class ExpenseCategory(Labelled):
    """What support money is spent on (725 ILCS 173/15; MGL c. 263A; Colorado's programme)."""

    LODGING = "emergency-lodging", "Emergency lodging"
    RENT = "rent", "Rent"
    SECURITY_DEPOSIT = "security-deposit", "Security deposit"
    UTILITY_DEPOSIT = "utility-deposit", "Utility deposit"
    UTILITIES = "utilities", "Utilities"
    MOVING = "moving-and-storage", "Moving and storage"
    FOOD = "food-and-subsistence", "Food and subsistence"
    TRANSPORT = "transport", "Transport"
    HEALTH = "health", "Health"
    MENTAL_HEALTH = "mental-health", "Mental health"
    CLOTHING = "clothing", "Clothing"
    CHILDCARE = "childcare-and-school", "Childcare and school"
    PHONE = "phone", "Phone"
    DOCUMENTS = "identity-documents", "Identity documents"
    WAGES = "lost-wages", "Lost wages"
    SECURITY = "security-equipment", "Security equipment"
    TESTIMONY = "travel-to-testify", "Travel to testify"
    OTHER = "other", "Other (say what in the justification)"


class PaymentState(Labelled):
    """How far a request for support money has come."""

    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Waiting for approval"
    APPROVED = "approved", "Approved"
    IN_PART = "approved-in-part", "Approved in part"
    RETURNED = "returned", "Returned for changes"
    DENIED = "denied", "Denied"
    PAID = "paid", "Paid"
    RECEIPTED = "receipted", "Receipt attached"
    RECONCILED = "reconciled", "Reconciled"


class PaymentAnswer(Labelled):
    """What an officer who decides on a payment says."""

    APPROVE = "approve", "Approve the amounts below"
    RETURN = "return", "Return it for changes"
    DENY = "deny", "Deny it"


class DisclosureAuthority(Labelled):
    """On what authority a disclosure is asked for."""

    CONSENT = "consent", "Written consent of the protected person"
    COURT_ORDER = "court-order", "Court order"
    LAW_ENFORCEMENT = "law-enforcement", "Request of a law enforcement agency"
    DEFENCE = "defence-discovery", "Defence discovery"
    CREDITOR = "civil-creditor", "Civil creditor (18 USC 3523)"
    PARENT = "parent", "Parent seeking contact or custody (18 USC 3524)"
    PUBLIC_RECORDS = "public-records", "Public records request"


class DisclosureState(Labelled):
    """How far a request for disclosure has come."""

    ASKED = "asked", "Asked for"
    PREPARING = "preparing", "Being prepared"
    PREPARED = "prepared", "Waiting for the deputy"
    DECIDED = "decided", "Decided"
    RELEASED = "released", "Packet released"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    WITHDRAWN = "withdrawn", "Withdrawn"


class DisclosureOutcome(Labelled):
    """What the deputy decided."""

    GRANTED = "granted", "Granted"
    IN_PART = "granted-in-part", "Granted in part"
    REFUSED = "refused", "Refused"


class WitnessHeard(Labelled):
    """Whether the protected person was told of the disclosure and heard (Canada, WPPA s. 11)."""

    HEARD = "told-and-heard", "Told, and heard"
    TOLD = "told", "Told, and did not answer"
    NOT_TOLD = "not-told", "Not told"


class AgencyKind(Labelled):
    """What a partner agency is to the programme."""

    POLICE = "police", "Police department"
    STATE_POLICE = "state-police", "State police"
    FEDERAL = "federal", "Federal agency"
    PROSECUTION = "prosecution", "Prosecutor's office"
    COURT = "court", "Court"
    CORRECTION = "correction", "Correction or parole"
    VICTIM_SERVICES = "victim-services", "Victim services"
    CHILD_WELFARE = "child-welfare", "Children and families"
    HOUSING = "housing", "Housing authority or shelter"
    HEALTH = "health", "Health or mental health"
    SCHOOL = "school", "School district"
    OTHER = "other", "Other"


class MemorandumState(Labelled):
    """How a memorandum of understanding stands today; derived from its dates, never stored."""

    DRAFT = "draft", "Draft"
    SIGNED = "signed", "Signed"
    EXPIRED = "expired", "Expired"
