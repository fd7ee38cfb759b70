"""Simulated worlds: files that describe them, physics, sensors and pictures. Only this room knows PyBullet."""
