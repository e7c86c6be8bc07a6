"""The auditor's bench: the web face of audit."""
