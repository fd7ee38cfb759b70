"""Embodied world models for multi-robot coordination on ROS 2."""

__version__ = "0.1.0"
