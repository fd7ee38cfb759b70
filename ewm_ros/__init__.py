"""Embodied world models for multi-robot coordination on ROS 2."""

import os

__version__ = "0.1.0"

# ONNX Runtime's wheels keep a device's id and count events from their import on, unless they are told not to before.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
