"""Referrals from prosecutors, and the three decisions on each."""
