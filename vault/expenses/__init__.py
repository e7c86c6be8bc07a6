"""Support expenses: requests, decisions, payments and receipts."""
