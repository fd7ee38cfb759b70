"""Two sides of runs beside each other, and what may be believed of the difference."""
