"""A bag's messages handed to those who make figures of them, each topic read in the cheapest way that will do."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from ewm_ros import diagnostics_keys as keys
from ewm_ros import names
from ewm_ros.errors import InputError
from ewm_ros.evaluation.bags import bag_wire
from ewm_ros.evaluation.bags.bag_files import BagMessages
from ewm_ros.evaluation.bags.bag_frames import Frames, plain
from ewm_ros.evaluation.bags.bag_scene import DIAGNOSTICS, ODOMETRY, ROUTE, Scene
from ewm_ros.evaluation.figures.conflict_figures import ConflictFigures
from ewm_ros.evaluation.figures.driving_figures import DrivingFigures
from ewm_ros.evaluation.figures.fleet_figures import FleetFigures
from ewm_ros.evaluation.figures.journeys import Journeys
from ewm_ros.evaluation.figures.link_figures import LinkFigures
from ewm_ros.geometry import Pose2D
from ewm_ros.intention.wire import intention_in
from ewm_ros.robot import incoming
from ewm_ros.robot.sensor_bytes import odometry_and_frame

OWN_TYPE = f"{names.PACKAGE}/msg/{{}}"
ARBITRATION = OWN_TYPE.format("Arbitration")
GOAL = "geometry_msgs/msg/PoseStamped"
TRANSFORMS = "tf2_msgs/msg/TFMessage"
STRIDE = 2000  # messages between two tellings of progress
NS = 1e-9

Taker = Callable[[bytes], None]


class BagReading:
    """One pass over a bag.

    Args:
        messages: of the open bag.
        scene: what the run was.

    Attributes:
        referee: who judges the run.
        fleet, links, conflicts, driving: what makes figures of the messages.
        arbitrations_recorded: whether the bag would hold questions to the adviser, if there were any.
        simulation: what the simulation said last; empty if there is none.
        odometries: how many poses were taken, by robot.
        strangers: how many intentions came from robots that are not of the scene, by name.
        lost_frames: the frame of a robot's odometry that nothing tells the place of, by robot.
        refused: how many messages were impossible, by the line that says why.
        begin: s, stamp of the first odometry; nan if there is none.
    """

    def __init__(self, messages: BagMessages, scene: Scene) -> None:
        self._messages, self._scene = messages, scene
        self.referee = referee = scene.referee()
        self._journeys = referee if isinstance(referee, Journeys) else None
        self.driving = DrivingFigures(referee)
        self.links = LinkFigures(scene.robots)
        self.conflicts = ConflictFigures(scene.robots, scene.radii)
        self.fleet = FleetFigures(referee, scene.radii, (self.conflicts.poses, self.driving.step))
        self.simulation: dict[str, str] = {}
        self.odometries: Counter[str] = Counter()
        self.strangers: Counter[str] = Counter()
        self.lost_frames: dict[str, str] = {}
        self.refused: Counter[str] = Counter()
        self.begin = math.nan
        self.arbitrations_recorded = (names.ARBITRATIONS, ARBITRATION) in messages.topics
        self._frames: dict[str, Frames] = {}  # robots may all have frames of the same names, on topics of their own
        self._shared_frames = Frames()
        self._goals: dict[str, tuple[float, float]] = {}  # m, told before the first odometry
        self._robots = {robot.encode(): robot for robot in scene.robots}
        self._robot_statuses = {keys.ROBOT_STATUS.format(robot=robot) for robot in scene.robots}

    def read(self, progress: Callable[[float], None] | None = None) -> None:
        """Read all messages.

        Args:
            progress: is told which share has been read, 0 to 1.

        Raises:
            InputError: the bag is damaged.
        """
        takers, (first, last) = self._takers(), self._messages.span
        count = self.links.message
        for number, (key, heard, data) in enumerate(self._messages.raw()):
            if progress is not None and number % STRIDE == 0:
                progress((heard - first) / max(last - first, 1))
            count(key[0], (heard - first) * NS, len(data))
            take = takers.get(key)
            if take is None:
                continue
            try:
                take(data)
            except InputError as error:  # as every robot would have refused it
                self.refused[str(error)] += 1
        self.fleet.steps.flush()
        if progress is not None:
            progress(1.0)

    @property
    def unseen(self) -> list[str]:
        """Robots of which it is not known where they were."""
        return [robot for robot in self._scene.robots if not self.odometries[robot]]

    def _takers(self) -> Mapping[tuple[str, str], Taker]:
        """What takes the messages, by topic and type; others are only counted."""
        own = {
            (names.ROUTES, ROUTE): self._route,
            (names.CONFLICTS, OWN_TYPE.format("ConflictArray")): self._conflicts,
            (names.ARBITRATIONS, ARBITRATION): self._arbitration,
            (names.DIAGNOSTICS, DIAGNOSTICS): self._diagnostics,
        }
        takers: dict[tuple[str, str], Taker] = {key: self._decoded(key[1], take) for key, take in own.items()}
        takers[names.INTENTIONS, OWN_TYPE.format("Intention")] = self._intention
        takers[names.DIRECTIVES, OWN_TYPE.format("DirectiveSet")] = self._directives
        for topic, robot in self._scene.odometry.items():
            takers[topic, ODOMETRY] = partial(self._odometry, robot)
            if self._journeys is not None:
                space = topic.removesuffix(f"/{names.ODOM}")
                takers.update(self._own_takers(space, robot, self._journeys))
        return takers

    def _own_takers(self, space: str, robot: str, journeys: Journeys) -> dict[tuple[str, str], Taker]:
        """What takes the goals of a robot that nothing else tells them of, and the frames in which they are told."""
        state = OWN_TYPE.format("GoalState")
        takers: dict[tuple[str, str], Taker] = {
            (f"{space}/{names.GOAL_POSE}", GOAL): self._decoded(GOAL, partial(self._goal, robot, journeys)),
            (f"{space}/{names.GOAL_STATE}", state): self._decoded(state, partial(self._goal_state, robot, journeys)),
        }
        frames = self._frames[robot] = Frames()
        for topic in (names.TF, names.TF_STATIC):
            takers[f"{space}/{topic}", TRANSFORMS] = self._decoded(TRANSFORMS, frames.hear)
            takers[f"/{topic}", TRANSFORMS] = self._decoded(TRANSFORMS, self._shared_frames.hear)
        return takers

    def _decoded(self, kind: str, take: Callable[[Any], None]) -> Taker:
        def taker(data: bytes) -> None:
            take(self._messages.decode(kind, data))

        return taker

    def _odometry(self, robot: str, data: bytes) -> None:
        read = odometry_and_frame(data)
        if read is None:
            msg = self._messages.decode(ODOMETRY, data)
            frame = msg.header.frame_id
            read = incoming.odometry_from(msg, plain(frame)), frame
        odometry, frame = read
        stamp, pose = odometry.stamp, odometry.pose
        if frame != names.MAP_FRAME:
            placed = self._on_map(robot, (pose.x, pose.y), frame)
            if placed is None:
                self.lost_frames[robot] = frame
                return
            pose = Pose2D(*placed, pose.yaw)  # nobody here asks for the heading
        if math.isnan(self.begin):
            self.begin = stamp
            self._send_all()
        self.odometries[robot] += 1
        self.fleet.odometry(robot, stamp, pose)

    def _on_map(self, robot: str, place: tuple[float, float], frame: str) -> tuple[float, float] | None:
        """A place (m) on the map; None if nothing tells where its frame is."""
        points = np.array([place])
        for frames in (self._frames.get(robot), self._shared_frames):
            placed = None if frames is None else frames.convert(points, frame, names.MAP_FRAME)
            if placed is not None:
                x, y = placed[0].tolist()
                return x, y
        return place if plain(frame) == names.MAP_FRAME else None

    def _intention(self, data: bytes) -> None:
        intention = intention_in(data)
        if intention is None:
            intention = incoming.intention_from(self._messages.decode(OWN_TYPE.format("Intention"), data))
        if intention.robot not in self.fleet.robots:
            self.strangers[intention.robot] += 1
            return
        self.fleet.intention(intention, len(data))
        self.links.sent(intention.robot, intention.boot, intention.seq, intention.stamp)

    def _directives(self, data: bytes) -> None:
        read = bag_wire.answers(data)
        if read is None:
            told = incoming.directives_from(self._messages.decode(OWN_TYPE.format("DirectiveSet"), data))
            self.links.directives(told.stamp, told)
            return
        stamp, found = read
        answered, robots = self.links.answered, self._robots
        for name, boot, seq in found:
            robot = robots.get(name)
            if robot is not None:
                answered(stamp, robot, boot, seq)

    def _route(self, msg: Any) -> None:
        self.driving.route(incoming.route_from(msg))

    def _conflicts(self, msg: Any) -> None:
        self.conflicts.conflicts(*incoming.conflicts_from(msg))

    def _arbitration(self, msg: Any) -> None:
        told = incoming.arbitration_from(msg)
        self.fleet.arbitration(told)
        self.conflicts.arbitration(told)

    def _diagnostics(self, msg: Any) -> None:
        for status in msg.status:
            values = {pair.key: pair.value for pair in status.values}
            try:
                self.fleet.diagnostics(status.name, values)
                if status.name in self._robot_statuses:
                    self.conflicts.cycle(keys.split_samples(values[keys.CYCLE_MS]))
                elif status.name == keys.COORDINATOR_STATUS:
                    self.conflicts.decide(keys.split_samples(values[keys.DECIDE_MS]))
                elif status.name == keys.SIMULATION_STATUS:
                    self.simulation = values
            except (LookupError, ValueError) as error:
                raise InputError(f"the status of {status.name!r} lacks or has wrong: {error}") from error

    def _goal(self, robot: str, journeys: Journeys, msg: Any) -> None:
        frame = msg.header.frame_id
        goal = incoming.goal_from(msg, plain(frame))
        placed = self._on_map(robot, (goal.x, goal.y), frame)
        if placed is None:
            raise InputError(f"a goal of {robot} is in frame {frame!r}, and no transform tells where that is")
        if math.isnan(self.begin):
            self._goals[robot] = placed
        else:
            journeys.send(self.fleet.robots[robot].index, self.fleet.time, placed)

    def _send_all(self) -> None:
        """Goals that were told before the clock was known: since they are latched, they may be older than the bag."""
        for robot, goal in self._goals.items():
            if self._journeys is not None:
                self._journeys.send(self.fleet.robots[robot].index, self.begin, goal)

    def _goal_state(self, robot: str, journeys: Journeys, msg: Any) -> None:
        told = incoming.goal_state_from(msg)
        if told.robot == robot:
            journeys.state(self.fleet.robots[robot].index, told)
