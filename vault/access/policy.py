"""Roles, permissions, compartments and the disclosure matrix: the page an auditor prints is this page.

Sources: the programme's own rules in Conn. Gen. Stat. 54-82t and the job class of the coordinator;
separation of duties after CJIS Security Policy AC-5.
"""

from enum import StrEnum

from vault.vocabulary import Labelled


class Role(Labelled):
    """What an officer is in the programme."""

    COORDINATOR = "coordinator", "Programme coordinator"
    INSPECTOR = "inspector", "Field inspector"
    CLERK = "clerk", "Unit clerk"
    DEPUTY = "deputy", "Deputy Chief State's Attorney"
    FINANCE = "finance", "Fiscal officer"
    PROSECUTOR = "prosecutor", "Prosecutor"
    LIAISON = "liaison", "Parole liaison"
    AUDITOR = "auditor", "Auditor"
    ADMINISTRATOR = "administrator", "System administrator"


class Compartment(Labelled):
    """One kind of secret about one subject; each has a lockbox of its own."""

    INTAKE = "intake", "Referral narrative"
    IDENTITY = "identity", "Identity"
    COVER = "cover", "Protected name and papers"
    LOCATION = "location", "Location"
    THREAT = "threat", "Threat"
    CASEWORK = "casework", "Case notes"
    HEALTH = "health", "Health"
    SUPERVISION = "supervision", "Supervision"
    FINANCE = "finance", "Payment details"
    DISCLOSURE = "disclosure", "Disclosure worksheet"
    HOUSE_AREA = "house-area", "House area"
    HOUSE_ADDRESS = "house-address", "House address"
    DIRECTORY = "directory", "Directory of names"
    EMERGENCY = "emergency", "Emergency request"


class Hold(StrEnum):
    """How a role comes to hold a compartment's lockboxes."""

    ALL = "A"  # The role's circle holds every one.
    NAMED = "N"  # Only officers named on the case (or, for the liaison, on the person).
    OWN = "own"  # Only what this officer sent or asked for, while it is open to them.
    NEVER = "–"


_ROLES = (
    Role.COORDINATOR,
    Role.INSPECTOR,
    Role.CLERK,
    Role.DEPUTY,
    Role.FINANCE,
    Role.PROSECUTOR,
    Role.LIAISON,
)


def _row(words: str) -> dict[Role, Hold]:
    """One printed row of the matrix; auditor and administrator are never in it."""
    row = dict(zip(_ROLES, (Hold(word) for word in words.split()), strict=True))
    return row | {Role.AUDITOR: Hold.NEVER, Role.ADMINISTRATOR: Hold.NEVER}


MATRIX: dict[Compartment, dict[Role, Hold]] = {
    #                                   coord insp clerk dep fin  pros liaison
    Compartment.INTAKE: _row("            A    N    A     A   –    own  –"),
    Compartment.IDENTITY: _row("          A    N    N     –   –    –    –"),
    Compartment.COVER: _row("             A    N    –     –   –    –    –"),
    Compartment.LOCATION: _row("          A    N    –     –   –    –    –"),
    Compartment.THREAT: _row("            A    N    –     A   –    –    –"),
    Compartment.CASEWORK: _row("          A    N    N     –   –    –    –"),
    Compartment.HEALTH: _row("            A    N    –     –   –    –    –"),
    Compartment.SUPERVISION: _row("       A    N    –     –   –    –    N"),
    Compartment.FINANCE: _row("           A    –    N     A   A    –    –"),
    Compartment.DISCLOSURE: _row("        A    –    –     A   –    own  –"),
    Compartment.HOUSE_AREA: _row("        A    A    –     –   –    –    –"),
    Compartment.HOUSE_ADDRESS: _row("     A    A    –     –   –    –    –"),
    Compartment.DIRECTORY: _row("         A    –    –     –   –    –    –"),
    # Whoever asks seals it and does not hold it; their cell says only that they may make one.
    Compartment.EMERGENCY: _row("         A    N    own   A   –    own  own"),
}

STEP_UP = frozenset(
    {
        Compartment.IDENTITY,
        Compartment.COVER,
        Compartment.LOCATION,
        Compartment.HOUSE_ADDRESS,
        Compartment.DIRECTORY,
    }
)
"""Each opening of these asks for the second factor again within five minutes."""

CIRCLES = frozenset(role for row in MATRIX.values() for role, hold in row.items() if hold is Hold.ALL) | {
    Role.AUDITOR
}
"""Roles that share a key: those that hold whole compartments, and the auditors for the ledger's details."""


def hold(compartment: Compartment, role: Role) -> Hold:
    """How this role comes to hold this compartment."""
    return MATRIX[compartment][role]


class Reason(Labelled):
    """Why a sealed place is opened; chosen from a list so that an auditor can count it."""

    CASE_WORK = "case-work", "Working on the case"
    VISIT = "visit", "Preparing or making a visit"
    PLACEMENT = "placement", "Finding or arranging housing"
    EMERGENCY = "emergency", "Emergency: someone is in danger now"
    DECISION = "decision", "Deciding a request or referral"
    PAYMENT = "payment", "Preparing or checking a payment"
    DISCLOSURE = "disclosure", "Preparing a disclosure"
    COURT = "court", "Court appearance or order"
    CORRECTION = "correction", "Correcting the record"
    REVIEW = "review", "Scheduled case review"


class Permission(Labelled):
    """What a route asks for; the label goes on from "may"."""

    USE_VAULT = "use-vault", "use their own desk, sessions and account"
    REFER = "refer", "refer a witness to the programme"
    SEE_REFERRALS = "see-referrals", "see referrals"
    DECIDE_REFERRAL = "decide-referral", "decide on referrals"
    SEE_CASES = "see-cases", "see cases that they may know of"
    CHANGE_RECORD = "change-record", "write into records that they may open"
    MANAGE_CASE = "manage-case", "open cases, add people and name officers on them"
    MOVE_CASE = "move-case", "move a case to another state"
    SEE_HOUSING = "see-housing", "look for housing"
    PLACE = "place", "hold beds and place people"
    KEEP_HOUSES = "keep-houses", "keep the list of places"
    SEE_EXPENSES = "see-expenses", "see support payments"
    REQUEST_PAYMENT = "request-payment", "ask for a payment"
    DECIDE_PAYMENT = "decide-payment", "decide on payments"
    PAY = "pay", "pay and reconcile"
    SEE_DISCLOSURE = "see-disclosure", "see requests for disclosure"
    ASK_DISCLOSURE = "ask-disclosure", "ask for a disclosure"
    PREPARE_DISCLOSURE = "prepare-disclosure", "prepare a disclosure"
    DECIDE_DISCLOSURE = "decide-disclosure", "decide on a disclosure"
    ACCOUNT_DISCLOSURE = "account-disclosure", "account for what was disclosed"
    SEE_AGENCIES = "see-agencies", "see partner agencies"
    KEEP_AGENCIES = "keep-agencies", "keep partner agencies and memoranda"
    READ_LEDGER = "read-ledger", "read the ledger"
    SEE_ALARMS = "see-alarms", "see alarms"
    SEE_OFFICERS = "see-officers", "see the list of officers"
    KEEP_OFFICERS = "keep-officers", "add officers, release locked ones and ask them to enrol again"
    END_ACCESS = "end-access", "end an officer's access"
    RUN_VAULT = "run-vault", "see health, settings, sessions and locks of the vault"
    CERTIFY_OFFICERS = "certify-officers", "certify officers"
    FIND_PERSON = "find-person", "find a person by name"
    RENEW_KEYS = "renew-keys", "renew keys"
    SEE_KEYS = "see-keys", "see how keys stand"
    ASK_KEY_ACT = "ask-key-act", "ask for a recovery of keys or a destruction"
    DECIDE_KEY_ACT = "decide-key-act", "approve a recovery of keys or a destruction"
    SEE_KEY_ACTS = "see-key-acts", "see recoveries and destructions"
    SEE_ABSENCES = "see-absences", "see absences and who stands in"
    ASK_ABSENCE = "ask-absence", "ask for a stand-in for their own absence"
    ARRANGE_ABSENCE = "arrange-absence", "arrange who stands in for whom"
    REVIEW_ACCESS = "review-access", "review once a year who has access"
    SEE_EMERGENCIES = "see-emergencies", "see emergency access"
    ASK_EMERGENCY = "ask-emergency", "ask for emergency access"
    GRANT_EMERGENCY = "grant-emergency", "give a colleague emergency access"
    REVIEW_EMERGENCY = "review-emergency", "review emergency access"


PERMISSIONS: dict[Permission, frozenset[Role]] = {
    Permission.USE_VAULT: frozenset(Role),
    Permission.REFER: frozenset({Role.PROSECUTOR}),
    Permission.SEE_REFERRALS: frozenset({Role.COORDINATOR, Role.CLERK, Role.DEPUTY, Role.PROSECUTOR}),
    Permission.DECIDE_REFERRAL: frozenset({Role.COORDINATOR}),
    Permission.SEE_CASES: frozenset(
        {Role.COORDINATOR, Role.INSPECTOR, Role.CLERK, Role.DEPUTY, Role.LIAISON}
    ),
    Permission.CHANGE_RECORD: frozenset({Role.COORDINATOR, Role.INSPECTOR, Role.CLERK, Role.LIAISON}),
    Permission.MANAGE_CASE: frozenset({Role.COORDINATOR}),
    Permission.MOVE_CASE: frozenset({Role.COORDINATOR, Role.DEPUTY}),
    Permission.SEE_HOUSING: frozenset({Role.COORDINATOR, Role.INSPECTOR}),
    Permission.PLACE: frozenset({Role.COORDINATOR, Role.INSPECTOR}),
    Permission.KEEP_HOUSES: frozenset({Role.COORDINATOR}),
    Permission.SEE_EXPENSES: frozenset({Role.COORDINATOR, Role.CLERK, Role.DEPUTY, Role.FINANCE}),
    Permission.REQUEST_PAYMENT: frozenset({Role.COORDINATOR, Role.CLERK}),
    Permission.DECIDE_PAYMENT: frozenset({Role.COORDINATOR, Role.DEPUTY}),
    Permission.PAY: frozenset({Role.FINANCE}),
    Permission.SEE_DISCLOSURE: frozenset({Role.COORDINATOR, Role.DEPUTY, Role.PROSECUTOR, Role.AUDITOR}),
    Permission.ASK_DISCLOSURE: frozenset({Role.PROSECUTOR}),
    Permission.PREPARE_DISCLOSURE: frozenset({Role.COORDINATOR}),
    Permission.DECIDE_DISCLOSURE: frozenset({Role.DEPUTY}),
    Permission.ACCOUNT_DISCLOSURE: frozenset({Role.COORDINATOR, Role.DEPUTY}),
    Permission.SEE_AGENCIES: frozenset({Role.COORDINATOR, Role.INSPECTOR, Role.CLERK, Role.DEPUTY}),
    Permission.KEEP_AGENCIES: frozenset({Role.COORDINATOR}),
    Permission.READ_LEDGER: frozenset({Role.AUDITOR}),
    Permission.SEE_ALARMS: frozenset({Role.COORDINATOR, Role.DEPUTY, Role.AUDITOR, Role.ADMINISTRATOR}),
    Permission.SEE_OFFICERS: frozenset({Role.COORDINATOR, Role.ADMINISTRATOR}),
    Permission.KEEP_OFFICERS: frozenset({Role.ADMINISTRATOR}),
    Permission.END_ACCESS: frozenset({Role.COORDINATOR, Role.ADMINISTRATOR}),
    Permission.RUN_VAULT: frozenset({Role.ADMINISTRATOR}),
    Permission.CERTIFY_OFFICERS: frozenset({Role.COORDINATOR}),
    Permission.FIND_PERSON: frozenset({Role.COORDINATOR, Role.INSPECTOR, Role.CLERK}),
    Permission.RENEW_KEYS: frozenset({Role.COORDINATOR}),
    Permission.SEE_KEYS: frozenset({Role.COORDINATOR, Role.AUDITOR}),
    Permission.ASK_KEY_ACT: frozenset({Role.COORDINATOR, Role.DEPUTY}),
    Permission.DECIDE_KEY_ACT: frozenset({Role.COORDINATOR, Role.DEPUTY}),
    Permission.SEE_KEY_ACTS: frozenset({Role.COORDINATOR, Role.DEPUTY, Role.AUDITOR}),
    Permission.SEE_ABSENCES: frozenset({Role.COORDINATOR, Role.INSPECTOR, Role.CLERK, Role.LIAISON}),
    Permission.ASK_ABSENCE: frozenset({Role.INSPECTOR, Role.CLERK, Role.LIAISON}),
    Permission.ARRANGE_ABSENCE: frozenset({Role.COORDINATOR}),
    Permission.REVIEW_ACCESS: frozenset({Role.COORDINATOR, Role.DEPUTY}),
    Permission.SEE_EMERGENCIES: frozenset(Role) - {Role.FINANCE, Role.ADMINISTRATOR},
    # Not the coordinator, who holds everything that can be asked for; finance meets no witness.
    Permission.ASK_EMERGENCY: frozenset(
        {Role.INSPECTOR, Role.CLERK, Role.DEPUTY, Role.PROSECUTOR, Role.LIAISON}
    ),
    Permission.GRANT_EMERGENCY: frozenset({Role.COORDINATOR, Role.INSPECTOR, Role.DEPUTY}),
    Permission.REVIEW_EMERGENCY: frozenset({Role.COORDINATOR, Role.DEPUTY}),
}


def may(role: Role, permission: Permission) -> bool:
    """Whether officers of this role may use routes that ask for this permission."""
    return role in PERMISSIONS[permission]


def compartments_of(role: Role) -> tuple[Compartment, ...]:
    """The compartments this role may ever open, in the matrix's order."""
    return tuple(compartment for compartment in MATRIX if hold(compartment, role) is not Hold.NEVER)
