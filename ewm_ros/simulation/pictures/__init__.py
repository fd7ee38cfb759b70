"""Pictures of worlds and of what robots tell each other."""
