"""What this package raises; every message is a constant sentence and never carries what was sealed."""


class CryptoError(Exception):
    """The root of everything this package raises on purpose."""


class Refused(CryptoError):
    """Bytes that must not open: a wrong key, tag, place, commitment or signature."""


class Malformed(Refused):
    """Bytes that are not of the format they are said to be of."""


class Unapproved(Refused):
    """An algorithm that the profile in use does not allow; the sentence says what to do instead."""


class Unsealable(CryptoError, ValueError):
    """A value or an identifier that cannot be sealed because it is not of the kind its place holds."""


class BadKeyFile(CryptoError):
    """The root key file is missing, readable by others, or of the wrong length."""


class WrongPassword(CryptoError):
    """The password or the recovery code does not open the officer's seed."""


class NotCertified(CryptoError):
    """A holder of keys whose public keys nobody entitled has certified."""


class NotRecovered(CryptoError):
    """Recovery shares that do not give back the recovery key they are said to be of."""
