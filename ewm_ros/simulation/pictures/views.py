"""From where a floor can be looked at."""

from __future__ import annotations

import math

PITCHES = {"above": math.radians(90.0), "perspective": math.radians(66.0)}  # of the camera, down from the horizon
