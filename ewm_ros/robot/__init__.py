"""What one robot does by itself: follow a route, foresee its own motion, and never drive into anything."""
