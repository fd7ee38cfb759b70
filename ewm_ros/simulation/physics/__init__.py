"""The physical world: bodies, wheels, people, sensors, and what makes robots differ from each other."""
