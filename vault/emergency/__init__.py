"""Break-glass: one compartment of one case, opened for minutes to an officer outside the matrix."""
