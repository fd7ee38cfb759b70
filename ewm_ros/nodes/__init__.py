"""The ROS 2 nodes: thin adapters, message in, value type, one call into a plain object, value type, message out.

This is the only room that imports rclpy and generated messages.
"""
