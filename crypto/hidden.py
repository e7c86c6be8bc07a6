"""Objects that hold key material: they print nothing of it and cannot be pickled or copied."""

from typing import NoReturn


class Hidden:
    """Keeps key material out of logs, tracebacks, caches and pickles."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("Key material is never pickled or copied.")
