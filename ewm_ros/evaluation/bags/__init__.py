"""Rosbags: what is on disk, what it says of its run, what is left of a broken one."""
