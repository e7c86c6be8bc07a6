"""An officer is away for a time, and a colleague of the same role stands in."""
