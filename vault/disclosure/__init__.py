"""Disclosure: requests, worksheets, decisions, packets and the accounting of each."""
