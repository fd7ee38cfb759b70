"""Right of way: where routes conflict, who may go first, and the protocol that keeps this safe under delay and loss.

The coordinator's side is `Coordinator`, a robot's side is `RightOfWay`; both are plain objects that are told the time.
"""
