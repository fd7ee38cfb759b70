"""What the recorder node is made of, without the node."""
