"""The worlds, and the grid world of the reference paper, as PettingZoo environments."""
