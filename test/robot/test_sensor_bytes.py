"""Sensor messages read from and written as bytes say what rclpy and rosbags make of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_typestore

from ewm_ros.errors import InputError
from ewm_ros.geometry import Pose2D
from ewm_ros.robot import incoming
from ewm_ros.robot.sensor_bytes import odometry_and_frame, odometry_bytes, odometry_in, scan_bytes, scan_in
from ewm_ros.sensing import Odometry, Scan

STORE = get_typestore(Stores.ROS2_JAZZY)
TYPES = STORE.types
ODOMETRY, SCAN = "nav_msgs/msg/Odometry", "sensor_msgs/msg/LaserScan"


def message(kind: str, **parts):
    return TYPES[kind](**parts)


def header(frame: str, sec: int = 12, nanosec: int = 345_000_000):
    stamp = message("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)
    return message("std_msgs/msg/Header", stamp=stamp, frame_id=frame)


def vector(x: float = 0.0, y: float = 0.0, z: float = 0.0):
    return message("geometry_msgs/msg/Vector3", x=x, y=y, z=z)


def odometry(x: float, y: float, yaw: float, v: float, w: float, frame: str = "map", child: str = "base_link"):
    turned = message("geometry_msgs/msg/Quaternion", x=0.0, y=0.0, z=math.sin(yaw / 2.0), w=math.cos(yaw / 2.0))
    place = message("geometry_msgs/msg/Point", x=x, y=y, z=7.0)
    noise = np.linspace(1.0, 2.0, 36)
    pose = message("geometry_msgs/msg/Pose", position=place, orientation=turned)
    twist = message("geometry_msgs/msg/Twist", linear=vector(v, 5.0, 6.0), angular=vector(3.0, 4.0, w))
    return message(
        ODOMETRY,
        header=header(frame),
        child_frame_id=child,
        pose=message("geometry_msgs/msg/PoseWithCovariance", pose=pose, covariance=noise),
        twist=message("geometry_msgs/msg/TwistWithCovariance", twist=twist, covariance=noise),
    )


def scan(ranges: list[float], frame: str = "base_link"):
    return message(
        SCAN,
        header=header(frame),
        angle_min=-1.5,
        angle_max=1.5,
        angle_increment=0.25,
        time_increment=0.5,
        scan_time=0.1,
        range_min=0.05,
        range_max=8.0,
        ranges=np.array(ranges, np.float32),
        intensities=np.arange(3, dtype=np.float32),
    )


def raw(msg, kind: str, little_endian: bool = True) -> bytes:
    return bytes(STORE.serialize_cdr(msg, kind, little_endian=little_endian))


places = st.floats(-9_000.0, 9_000.0)
speeds = st.floats(-20.0, 20.0)


@given(places, places, st.floats(-3.1, 3.1), speeds, speeds, st.text("abcdefgh", max_size=9))
def test_odometry_is_read_as_its_message_would_be(x, y, yaw, v, w, child) -> None:
    msg = odometry(x, y, yaw, v, w, child=child)
    assert odometry_in(raw(msg, ODOMETRY)) == incoming.odometry_from(msg)


@given(
    st.lists(st.floats(0.0, 9.0, width=32) | st.just(math.inf), min_size=1, max_size=40),
    st.sampled_from(["", "s", "lidar_9"]),
)
def test_a_scan_is_read_as_its_message_would_be(ranges: list[float], frame: str) -> None:
    msg = scan(ranges, frame)
    got, wanted = scan_in(raw(msg, SCAN)), incoming.scan_from(msg)
    assert got is not None
    assert (got.stamp, got.angle_min, got.angle_increment, got.range_max) == (
        wanted.stamp,
        wanted.angle_min,
        wanted.angle_increment,
        wanted.range_max,
    )
    assert got.ranges.tolist() == wanted.ranges.tolist()


def test_a_ray_that_is_no_number_takes_its_neighbours_range() -> None:
    got = scan_in(raw(scan([2.0, math.nan, 3.0]), SCAN))
    assert got is not None and got.ranges.tolist() == [2.0, 2.0, 3.0]


def test_a_negative_range_reads_as_none_and_one_too_far_as_the_farthest() -> None:
    got = scan_in(raw(scan([2.0, -1.0, math.inf, math.nan]), SCAN))
    assert got is not None and got.ranges.tolist() == [2.0, 0.0, got.range_max, 2.0]


@pytest.mark.parametrize(
    ("msg", "complaint"),
    [
        (odometry(math.nan, 0.0, 0.0, 0.0, 0.0), "x of the odometry"),
        (odometry(0.0, 0.0, 0.0, math.inf, 0.0), "forward speed"),
        (odometry(0.0, 0.0, 0.0, 0.0, 0.0, frame="odom"), "frame 'odom'"),
    ],
)
def test_impossible_odometry_is_refused(msg, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        odometry_in(raw(msg, ODOMETRY))


@pytest.mark.parametrize("frame", ["map", "odom", "/odom", "robot_1/odom", ""])
def test_odometry_of_any_frame_can_be_read_with_its_frame(frame: str) -> None:
    data = raw(odometry(1.0, 2.0, 0.3, 0.4, 0.5, frame=frame), ODOMETRY)
    read = odometry_and_frame(data)
    assert read is not None
    assert read == (odometry_in(data, frame.lstrip("/")), frame)
    assert odometry_and_frame(data[:40]) is None


@pytest.mark.parametrize(("ranges", "complaint"), [([], "0 rays"), ([math.nan], "no valid ray")])
def test_an_impossible_scan_is_refused(ranges: list[float], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        scan_in(raw(scan(ranges), SCAN))


def test_what_is_encoded_otherwise_is_left_to_others() -> None:
    place, turn = odometry(1.0, 2.0, 0.0, 0.0, 0.0), scan([1.0])
    assert odometry_in(raw(place, ODOMETRY, little_endian=False)) is None
    assert scan_in(raw(turn, SCAN, little_endian=False)) is None


@given(st.integers(0, 400))
def test_what_breaks_off_is_left_to_others(length: int) -> None:
    whole = raw(odometry(1.0, 2.0, 0.0, 0.0, 0.0), ODOMETRY)
    assert odometry_in(whole[:length]) is None
    turn = raw(scan([1.0] * 100), SCAN)
    assert scan_in(turn[:length]) is None


@given(places, places, st.floats(-3.1, 3.1), speeds, speeds, st.sampled_from(["map", "odom", "robot_1/odom"]))
def test_odometry_is_written_as_its_message_would_be(x, y, yaw, v, w, frame) -> None:
    data = odometry_bytes(Odometry(12.5, Pose2D(x, y, yaw), v, w), frame)
    msg = STORE.deserialize_cdr(data, ODOMETRY)
    assert raw(msg, ODOMETRY) == data
    assert (msg.header.frame_id, msg.child_frame_id) == (frame, "base_link")
    got = incoming.odometry_from(msg, frame)
    assert (got.stamp, got.pose.x, got.pose.y, got.v, got.w) == (12.5, x, y, v, w)
    assert got.pose.yaw == pytest.approx(yaw)
    assert not np.any([msg.pose.covariance, msg.twist.covariance])


@given(st.lists(st.floats(0.0, 8.0, width=32), min_size=1, max_size=40))
def test_a_scan_is_written_as_its_message_would_be(ranges: list[float]) -> None:
    data = scan_bytes(Scan(2.5, -1.5, 0.25, 8.0, np.array(ranges)), 0.1)
    msg = STORE.deserialize_cdr(data, SCAN)
    assert raw(msg, SCAN) == data
    assert (msg.header.frame_id, msg.angle_min, msg.angle_increment) == ("base_link", -1.5, 0.25)
    assert (msg.angle_max, msg.range_min, msg.range_max) == (-1.5 + 0.25 * (len(ranges) - 1), 0.0, 8.0)
    assert (msg.time_increment, len(msg.intensities)) == (0.0, 0)
    assert msg.scan_time == pytest.approx(0.1)
    assert incoming.scan_from(msg).ranges.tolist() == ranges
