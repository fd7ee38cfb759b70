"""How a robot foresees its own next seconds: one interface, behind it a closed form or a learned model."""
