"""The vault in which a whole programme was lived, for the matrix of who is named on what."""

from tests.adversaries.lived import lived, programme

__all__ = ["lived", "programme"]
