"""Keys: their renewal, the audit of seals, and the recovery and destruction that need two approvals."""
