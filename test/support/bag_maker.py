"""Writes rosbags as robots, ours and others', would have recorded them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer

from ewm_ros.bag_types import message_types
from ewm_ros.geometry import Polyline, Pose2D
from ewm_ros.intention.codec import encode_payload
from ewm_ros.messages import DirectiveSet, GoalState, Intention, Route
from ewm_ros.sensing import Odometry, Scan, Velocity

TYPES = message_types()
TICK = 1_000_000  # ns of the recorder between two messages, so that they keep their order


class BagMaker:
    """A bag being written; use it in a `with`.

    Args:
        folder: of the bag.
        storage: of its messages.
        clock: s that the robots' clocks show at the time 0 of the test.
        facts: custom data of the bag.
    """

    def __init__(
        self,
        folder: Path,
        storage: StoragePlugin = StoragePlugin.MCAP,
        clock: float = 0.0,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        self._writer = Writer(folder, version=9, storage_plugin=storage)
        for key, value in (facts or {}).items():
            self._writer.set_custom_data(key, value)
        self._connections: dict[tuple[str, str], Any] = {}
        self._clock = clock
        self._time = 1_700_000_000_000_000_000

    def __enter__(self) -> BagMaker:
        self._writer.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, topic: str, msg: Any) -> None:
        """Record a message of any type."""
        self.write_bytes(topic, msg.__msgtype__, TYPES.serialize_cdr(msg, msg.__msgtype__))

    def write_bytes(self, topic: str, kind: str, data: bytes | memoryview) -> None:
        """Record what is said to be a message of a type."""
        key = topic, kind
        if key not in self._connections:
            self._connections[key] = self._writer.add_connection(*key, typestore=TYPES)
        self._time += TICK
        self._writer.write(self._connections[key], self._time, data)

    def odometry(self, robot: str, odometry: Odometry, frame: str = "map") -> None:
        pose = self._make(
            "geometry_msgs/msg/PoseWithCovariance", pose=self._pose(odometry.pose), covariance=np.zeros(36)
        )
        twist = self._make(
            "geometry_msgs/msg/TwistWithCovariance",
            twist=self._twist(Velocity(odometry.v, odometry.w)),
            covariance=np.zeros(36),
        )
        header = self._header(odometry.stamp, frame)
        msg = self._make("nav_msgs/msg/Odometry", header=header, child_frame_id="base_link", pose=pose, twist=twist)
        self.write(f"{robot}/odom", msg)

    def scan(self, robot: str, scan: Scan) -> None:
        msg = self._make(
            "sensor_msgs/msg/LaserScan",
            header=self._header(scan.stamp, "base_link"),
            angle_min=scan.angle_min,
            angle_max=scan.angle_min + (len(scan.ranges) - 1) * scan.angle_increment,
            angle_increment=scan.angle_increment,
            time_increment=0.0,
            scan_time=0.1,
            range_min=0.0,
            range_max=scan.range_max,
            ranges=scan.ranges.astype(np.float32),
            intensities=np.empty(0, np.float32),
        )
        self.write(f"{robot}/scan", msg)

    def command(self, robot: str, velocity: Velocity, stamp: float | None = None) -> None:
        """As Twist, or as TwistStamped if it has a stamp."""
        msg = self._twist(velocity)
        if stamp is not None:
            msg = self._make("geometry_msgs/msg/TwistStamped", header=self._header(stamp, "base_link"), twist=msg)
        self.write(f"{robot}/cmd_vel", msg)

    def goal(self, robot: str, x: float, y: float, frame: str = "map") -> None:
        self.write(f"{robot}/goal_pose", self._pose_stamped(x, y, frame))

    def plan(self, robot: str, points: Sequence[tuple[float, float]], frame: str = "map") -> None:
        poses = [self._pose_stamped(x, y, frame) for x, y in points]
        self.write(f"{robot}/plan", self._make("nav_msgs/msg/Path", header=self._header(0.0, frame), poses=poses))

    def transform(self, parent: str, child: str, pose: Pose2D) -> None:
        placed = self._pose(pose)
        place = self._make("geometry_msgs/msg/Vector3", x=placed.position.x, y=placed.position.y, z=placed.position.z)
        moved = self._make("geometry_msgs/msg/Transform", translation=place, rotation=placed.orientation)
        stamped = self._make(
            "geometry_msgs/msg/TransformStamped",
            header=self._header(0.0, parent),
            child_frame_id=child,
            transform=moved,
        )
        self.write("/tf", self._make("tf2_msgs/msg/TFMessage", transforms=[stamped]))

    def intention(self, intention: Intention) -> None:
        payload = np.frombuffer(encode_payload(intention.plan, intention.standing), np.uint8)
        header = self._header(intention.stamp, "map")
        robot, boot, seq = intention.robot, intention.boot, intention.seq
        msg = self._make("ewm_ros/msg/Intention", header=header, robot=robot, boot=boot, seq=seq, payload=payload)
        self.write("/intentions", msg)

    def route(self, route: Route) -> None:
        msg = self._make(
            "ewm_ros/msg/Route",
            header=self._header(route.stamp, "map"),
            robot=route.robot,
            boot=route.boot,
            route=route.route,
            radius=route.radius,
            max_speed=route.max_speed,
            max_acceleration=route.max_acceleration,
            priority=route.priority,
            x=_column(route.path, 0),
            y=_column(route.path, 1),
        )
        self.write("/routes", msg)

    def directives(self, directives: DirectiveSet) -> None:
        orders = [
            self._make(
                "ewm_ros/msg/Directive",
                robot=d.robot,
                boot=d.boot,
                answered=d.answered,
                route=d.route,
                hold=d.hold,
                grants=[
                    self._make("ewm_ros/msg/Grant", region=g.region, enter=g.enter, leave=g.leave) for g in d.grants
                ],
                take_route=d.take_route,
                take_x=_column(d.take_path, 0),
                take_y=_column(d.take_path, 1),
                speed_limit=d.speed_limit,
                waits_for=list(d.waits_for),
                expected_wait=d.expected_wait,
            )
            for d in directives.directives
        ]
        msg = self._make(
            "ewm_ros/msg/DirectiveSet",
            header=self._header(directives.stamp, "map"),
            coordinator=directives.coordinator,
            epoch=directives.epoch,
            lease=directives.lease,
            directives=orders,
        )
        self.write("/directives", msg)

    def goal_state(self, told: GoalState) -> None:
        msg = self._make(
            "ewm_ros/msg/GoalState",
            header=self._header(told.stamp, "map"),
            robot=told.robot,
            boot=told.boot,
            number=told.number,
            sent=self._make("builtin_interfaces/msg/Time", sec=0, nanosec=0),
            status=int(told.status),
            x=told.x,
            y=told.y,
            distance_remaining=told.distance_remaining,
            eta=told.eta,
            waiting_for=list(told.waiting_for),
            text=told.text,
        )
        self.write(f"/{told.robot}/goal_state", msg)

    def status(self, name: str, values: Mapping[str, str]) -> None:
        """One node's word on /diagnostics."""
        pairs = [self._make("diagnostic_msgs/msg/KeyValue", key=key, value=value) for key, value in values.items()]
        status = self._make(
            "diagnostic_msgs/msg/DiagnosticStatus", level=0, name=name, message="", hardware_id=name, values=pairs
        )
        msg = self._make("diagnostic_msgs/msg/DiagnosticArray", header=self._header(0.0, ""), status=[status])
        self.write("/diagnostics", msg)

    def _make(self, kind: str, **fields: Any) -> Any:
        return TYPES.types[kind](**fields)

    def _header(self, stamp: float, frame: str) -> Any:
        micros = round((stamp + self._clock) * 1e6)
        time = self._make("builtin_interfaces/msg/Time", sec=micros // 1_000_000, nanosec=micros % 1_000_000 * 1000)
        return self._make("std_msgs/msg/Header", stamp=time, frame_id=frame)

    def _pose(self, pose: Pose2D) -> Any:
        place = self._make("geometry_msgs/msg/Point", x=pose.x, y=pose.y, z=0.0)
        half = pose.yaw / 2.0
        turn = self._make("geometry_msgs/msg/Quaternion", x=0.0, y=0.0, z=math.sin(half), w=math.cos(half))
        return self._make("geometry_msgs/msg/Pose", position=place, orientation=turn)

    def _pose_stamped(self, x: float, y: float, frame: str) -> Any:
        pose = self._pose(Pose2D(x, y, 0.0))
        return self._make("geometry_msgs/msg/PoseStamped", header=self._header(0.0, frame), pose=pose)

    def _twist(self, velocity: Velocity) -> Any:
        linear = self._make("geometry_msgs/msg/Vector3", x=velocity.v, y=0.0, z=0.0)
        angular = self._make("geometry_msgs/msg/Vector3", x=0.0, y=0.0, z=velocity.w)
        return self._make("geometry_msgs/msg/Twist", linear=linear, angular=angular)


def _column(path: Polyline | None, k: int) -> np.ndarray:
    """One coordinate of all points of a path; empty for none."""
    return np.zeros(0, dtype=np.float32) if path is None else path.points[:, k].astype(np.float32)
