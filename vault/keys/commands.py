"""`python -m vault keys …`: the audit of seals, renewal, and new keys for the root and the notary."""

import click


@click.group()
def keys() -> None:
    """Keys: who holds them, and how they are renewed."""
