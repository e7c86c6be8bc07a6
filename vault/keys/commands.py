"""`python -m vault keys …`: the audit of seals, renewal, and changes of the root key and the notary's keys."""

import click


@click.group()
def keys() -> None:
    """Keys: who holds them, and how they are renewed."""
