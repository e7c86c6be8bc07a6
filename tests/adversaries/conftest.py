"""The vault in which a whole programme was lived."""

from tests.adversaries.lived import lived, programme

__all__ = ["lived", "programme"]
