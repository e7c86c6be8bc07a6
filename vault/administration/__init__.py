"""The administrator's pages: how the vault runs, who is signed in, what is set, and never a record."""
