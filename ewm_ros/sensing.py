"""What a robot senses and what it commands, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from ewm_ros.geometry import FloatArray, Pose2D


@dataclass(frozen=True, slots=True)
class Odometry:
    """Pose in the map frame and velocity in base_link.

    Attributes:
        stamp: s.
        v: m/s forward.
        w: rad/s to the left.
    """

    stamp: float
    pose: Pose2D
    v: float
    w: float


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """One turn of a planar lidar, in base_link.

    Attributes:
        stamp: s.
        angle_min: rad, direction of the first ray.
        angle_increment: rad between rays.
        range_max: m; a ray that met nothing reads this (or inf).
        ranges: (R,) m.
    """

    stamp: float
    angle_min: float
    angle_increment: float
    range_max: float
    ranges: FloatArray


@dataclass(frozen=True, slots=True)
class Observation:
    """The newest odometry and scan of one robot."""

    odometry: Odometry
    scan: Scan | None


@dataclass(frozen=True, slots=True)
class Velocity:
    """A velocity command or a measured velocity in base_link: m/s forward, rad/s to the left."""

    v: float
    w: float


STANDSTILL = Velocity(0.0, 0.0)
