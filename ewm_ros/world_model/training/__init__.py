"""Training of the world model with torch. Nothing that runs on a robot imports this room."""
