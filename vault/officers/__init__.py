"""Officers: who they are, how they prove it, their sessions, and who vouched for their keys."""
