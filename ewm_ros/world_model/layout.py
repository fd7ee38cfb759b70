"""What stands where in the state vector, the actions and the outputs of the world model. Shared by robots and training.

The vector's numbers are explained in robot/state_vector.py, which makes them.
"""

from __future__ import annotations

LAYOUT = 1  # counts changes; weights name the one that they were trained for

STATE_DIM = 256
BASE_S = slice(0, 25)  # nominal progress at every second step, in s at full speed
BASE_YAW = slice(25, 50)  # nominal turn at every second step, rad
FREE = slice(50, 60)  # nominal progress every 0.5 s if nothing holds the robot
STATUS = slice(60, 85)  # own motion, limits, right of way, times
HISTORY = slice(85, 95)  # velocities of the last second
PREVIEW = slice(95, 115)  # bends and speed limits of the route ahead
SECTORS = slice(115, 151)  # lidar
PEERS_AT = 156  # five numbers before are free
PEERS, PEER = 5, 20  # other robots, and numbers for each
NEAR = 12.0  # m; robots further away are left out

# What changes its sign when left and right are exchanged, as places in the vector; sectors change places instead.
MIRRORED = (*range(25, 50), 61, 62, 63, *range(90, 95), *range(95, 105))

OUTPUTS = 5  # of each step: progress (s at full speed), m beside, rad turned, and log of two radii
PROGRESS, BESIDE, TURNED, MEDIAN, RADIUS = range(OUTPUTS)
ACTION_DIM = 2  # commanded velocities: v / max_speed and w / max_turn_rate
