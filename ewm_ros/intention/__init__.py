"""What robots tell each other: trajectories compressed to few knots, and their strict byte format on the wire."""
