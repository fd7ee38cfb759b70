"""What one robot does by itself: plan a route, follow it, foresee its own motion, and never drive into anything."""
