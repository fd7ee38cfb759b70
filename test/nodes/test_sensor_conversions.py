import math

import numpy as np
import pytest
from geometry_msgs.msg import TwistStamped
from hypothesis import given
from hypothesis import strategies as st
from nav_msgs.msg import Odometry as OdometryMsg
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import LaserScan

from ewm_ros.errors import InputError
from ewm_ros.geometry import Pose2D
from ewm_ros.nodes import sensor_conversions as sensors
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.robot import incoming
from ewm_ros.robot.command_bytes import command_bytes
from ewm_ros.robot.sensor_bytes import odometry_bytes, scan_bytes
from ewm_ros.sensing import Odometry, Scan, Velocity

coordinates = st.floats(-1000.0, 1000.0)
headings = st.floats(-3.14, 3.14)
speeds = st.floats(-2.0, 2.0)


def odometry_msg(odometry: Odometry, frame: str = "map") -> OdometryMsg:
    return deserialize_message(odometry_bytes(odometry, frame), OdometryMsg)


@given(st.integers(0, 2 * 10**15))
def test_times_keep_their_microseconds(microseconds):
    assert incoming.seconds(sensors.to_stamp(microseconds * 1e-6)) == pytest.approx(microseconds * 1e-6, abs=1e-6)


@given(coordinates, coordinates, headings, speeds, speeds)
def test_odometry_arrives_as_it_was_sent(x, y, yaw, v, w):
    got = incoming.odometry_from(odometry_msg(Odometry(1.5, Pose2D(x, y, yaw), v, w)))
    assert (got.stamp, got.pose.x, got.pose.y, got.v, got.w) == (1.5, x, y, v, w)
    assert got.pose.yaw == pytest.approx(yaw)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e9])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda msg, value: setattr(msg.pose.pose.position, "x", value),
        lambda msg, value: setattr(msg.pose.pose.orientation, "z", value),
        lambda msg, value: setattr(msg.twist.twist.linear, "x", value),
        lambda msg, value: setattr(msg.twist.twist.angular, "z", value),
    ],
)
def test_odometry_with_an_impossible_number_is_refused(spoil, value):
    msg = odometry_msg(Odometry(0.0, Pose2D(0.0, 0.0, 0.0), 0.0, 0.0))
    spoil(msg, value)
    with pytest.raises(InputError, match="odometry"):
        incoming.odometry_from(msg)


def test_odometry_with_a_zero_quaternion_is_refused():
    msg = odometry_msg(Odometry(0.0, Pose2D(0.0, 0.0, 0.0), 0.0, 0.0))
    msg.pose.pose.orientation.w = 0.0
    with pytest.raises(InputError, match="quaternion"):
        incoming.odometry_from(msg)


def test_odometry_in_another_frame_is_refused_unless_that_is_the_wanted_one():
    msg = odometry_msg(Odometry(0.0, Pose2D(0.0, 0.0, 0.0), 0.0, 0.0), "odom")
    with pytest.raises(InputError, match="'odom'"):
        incoming.odometry_from(msg)
    incoming.odometry_from(msg, "odom")


def scan_msg(ranges) -> LaserScan:
    scan = Scan(2.5, -math.pi, 0.1, 8.0, np.asarray(ranges, dtype=np.float64))
    return deserialize_message(scan_bytes(scan, 0.1), LaserScan)


def test_a_scan_arrives_as_it_was_sent():
    got = incoming.scan_from(scan_msg([1.0, 2.5, 8.0]))
    assert (got.stamp, got.range_max) == (2.5, 8.0)
    assert (got.angle_min, got.angle_increment) == pytest.approx((-math.pi, 0.1))
    np.testing.assert_allclose(got.ranges, [1.0, 2.5, 8.0])


def test_a_ray_that_met_nothing_reads_the_maximum_and_one_too_close_reads_zero():
    got = incoming.scan_from(scan_msg([math.inf, -math.inf, 9.0]))
    np.testing.assert_allclose(got.ranges, [8.0, 0.0, 8.0])


def test_an_erroneous_ray_takes_the_shorter_one_of_its_neighbours_around_the_turn():
    got = incoming.scan_from(scan_msg([math.nan, 3.0, math.nan, math.nan, 1.0, 2.0, math.nan]))
    np.testing.assert_allclose(got.ranges, [2.0, 3.0, 1.0, 1.0, 1.0, 2.0, 2.0])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"ranges": []}, "0 rays"),
        ({"ranges": [math.nan, math.nan]}, "no valid ray"),
        ({"angle_increment": 0.0}, "angle_increment"),
        ({"angle_increment": math.nan}, "angle_increment"),
        ({"angle_min": math.inf}, "angle_min"),
        ({"range_max": 0.0}, "range_max"),
    ],
)
def test_an_impossible_scan_is_refused(changes, complaint):
    msg = scan_msg([1.0, 2.0])
    for key, value in changes.items():
        setattr(msg, key, value)
    with pytest.raises(InputError, match=complaint):
        incoming.scan_from(msg)


@given(st.integers(1, 12), st.integers(1, 12), st.randoms(use_true_random=False))
def test_a_map_arrives_as_it_was_sent(rows, columns, random):
    occupied = np.array([[random.random() < 0.5 for _ in range(columns)] for _ in range(rows)])
    got = incoming.grid_from(sensors.grid_to(OccupancyGrid(0.5, (-3.0, 2.0), occupied), 0.0))
    assert (got.resolution, got.origin) == (0.5, (-3.0, 2.0))
    np.testing.assert_array_equal(got.occupied, occupied)


def test_unknown_cells_of_a_map_count_as_occupied():
    msg = sensors.grid_to(OccupancyGrid(0.5, (0.0, 0.0), np.zeros((1, 3), dtype=bool)), 0.0)
    msg.data = [0, -1, 60]
    assert incoming.grid_from(msg).occupied.tolist() == [[False, True, True]]


def test_a_map_whose_sizes_do_not_fit_its_data_is_refused():
    msg = sensors.grid_to(OccupancyGrid(0.5, (0.0, 0.0), np.zeros((2, 3), dtype=bool)), 0.0)
    msg.info.width = 4
    with pytest.raises(InputError, match="4 x 2 cells has 6 values"):
        incoming.grid_from(msg)


def test_a_goal_is_named_after_its_place():
    goal = incoming.goal_from(sensors.goal_to(3.04, -2.5, 0.0))
    assert (goal.name, goal.x, goal.y) == ("3.0,-2.5", 3.04, -2.5)


def test_a_goal_that_is_nowhere_or_in_another_frame_is_refused():
    with pytest.raises(InputError, match="goal is nan"):
        incoming.goal_from(sensors.goal_to(math.nan, 0.0, 0.0))
    msg = sensors.goal_to(1.0, 0.0, 0.0)
    msg.header.frame_id = "base_link"
    with pytest.raises(InputError, match="'base_link'"):
        incoming.goal_from(msg)


@given(speeds, speeds)
def test_a_command_arrives_as_it_was_sent(v, w):
    msg = deserialize_message(command_bytes(Velocity(v, w), 1.5), TwistStamped)
    assert incoming.velocity_from(msg.twist) == Velocity(v, w)
    assert (msg.header.frame_id, incoming.seconds(msg.header.stamp)) == ("base_link", 1.5)


def test_a_command_that_is_not_finite_is_refused():
    with pytest.raises(InputError, match="command"):
        incoming.velocity_from(sensors.twist_to(Velocity(math.nan, 0.0)))


def test_a_path_has_the_headings_that_it_is_given():
    msg = sensors.path_to(np.array([[0.0, 0.0, 0.0], [1.0, 2.0, math.pi / 2]]), 3.0)
    last = msg.poses[-1].pose
    assert (last.position.x, last.position.y) == (1.0, 2.0)
    assert (last.orientation.z, last.orientation.w) == pytest.approx((math.sqrt(0.5), math.sqrt(0.5)))
    assert msg.header.frame_id == "map"


@given(st.lists(st.tuples(coordinates, coordinates), max_size=5))
def test_sightings_arrive_as_they_were_sent(places):
    got = incoming.sightings_from(sensors.sightings_to(np.array(places).reshape(-1, 2), 1.5))
    assert got.tolist() == [list(place) for place in places]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda msg: setattr(msg.header, "frame_id", "odom"), "sightings is in frame 'odom'"),
        (lambda msg: setattr(msg.poses[0].position, "x", math.nan), "sightings has a coordinate that is not a number"),
        (lambda msg: setattr(msg, "poses", 101 * list(msg.poses)), "sightings has 101 entries: at most 100"),
    ],
)
def test_impossible_sightings_are_refused(spoil, complaint):
    msg = sensors.sightings_to(np.array([(1.0, 2.0)]), 0.0)
    spoil(msg)
    with pytest.raises(InputError, match=complaint):
        incoming.sightings_from(msg)
