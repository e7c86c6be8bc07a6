"""Who may do and see what: the policy, the guard that applies it, the keys that enforce it."""
