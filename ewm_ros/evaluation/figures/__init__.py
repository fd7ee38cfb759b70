"""What a run comes to: its figures, and how they are asked for, gated and drawn."""
