"""The yearly review of access: who may do what, and whether each still needs it."""
