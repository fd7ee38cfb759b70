"""Turns rosbags, of physical robots too, into windows of a data set: the same that a simulated run is recorded as.

A robot is a namespace with `odom` and `cmd_vel`; `scan`, `goal_pose`, `plan` and the system's own /intentions, /routes
and /directives tell more of what it knew. Scans are taken to be in base_link, as robots take them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ewm_ros import names
from ewm_ros.errors import InputError
from ewm_ros.evaluation.bags.bag_files import BagMessages, content_hash, find_bags, open_bag
from ewm_ros.evaluation.bags.bag_frames import Frames, plain
from ewm_ros.evaluation.bags.bag_replay import RobotReplay
from ewm_ros.robot import incoming
from ewm_ros.robot_type import RobotType, load_robot_type
from ewm_ros.world_model.data_set import DataSet, Windows

WORLD = "bag"  # what the manifest says in place of a world's name
DEFAULT_TYPE = "tinybot"
ROOT = "robot"  # name of a robot whose topics are in no namespace

ODOMETRY = "nav_msgs/msg/Odometry"
COMMAND = "geometry_msgs/msg/Twist"
STAMPED_COMMAND = "geometry_msgs/msg/TwistStamped"
COMMANDS = (COMMAND, STAMPED_COMMAND)
SCAN = "sensor_msgs/msg/LaserScan"
GOAL = "geometry_msgs/msg/PoseStamped"
PLAN = "nav_msgs/msg/Path"
TRANSFORMS = "tf2_msgs/msg/TFMessage"
OWN_TYPE = f"{names.PACKAGE}/msg/{{}}"

Taker = Callable[[Any], None]


class RobotTypes:
    """Which robot of a bag is of which type.

    Args:
        text: a type (name or path) for all, `robot=type` for some, with commas between.

    Raises:
        InputError: there is no such type, or the text is not of this form.
    """

    def __init__(self, text: str) -> None:
        self._named: dict[str, RobotType] = {}
        default = DEFAULT_TYPE
        for part in filter(None, (part.strip() for part in text.split(","))):
            robot, sign, kind = part.rpartition("=")
            if sign and not robot:
                raise InputError(f"robot type {part!r}: write TYPE, or ROBOT=TYPE for one robot")
            if sign:
                self._named[robot.strip("/")] = load_robot_type(kind)
            else:
                default = kind
        self._default = load_robot_type(default)

    def of(self, robot: str) -> RobotType:
        """The type of a robot."""
        return self._named.get(robot, self._default)

    def told(self, robots: Sequence[str]) -> dict[str, str]:
        """For the manifest: each robot's type by name and hash."""
        types = {robot: self.of(robot) for robot in robots}
        return {
            robot: f"{kind.name} {hashlib.sha256(kind.model_dump_json().encode()).hexdigest()[:8]}"
            for robot, kind in types.items()
        }

    def check_used(self, robots: set[str]) -> None:
        """Raise InputError if a robot is named that is none of these."""
        if unknown := sorted(set(self._named) - robots):
            raise InputError(f"robot types name {unknown[0]!r}, but the bags' robots are {', '.join(sorted(robots))}")


def read_windows(bag: Path, types: RobotTypes) -> tuple[Windows, dict[str, Any]]:
    """Replay a bag; its windows, and what the manifest says of it.

    Raises:
        InputError: the bag is damaged, has no robot that commands are known of, or none that is recorded for 5 s.
    """
    refused, frames = list[str](), Frames()
    with open_bag(bag) as messages:
        namespaces, remarks = _robots(messages)
        replays = [
            RobotReplay(name, index, types.of(name), frames) for index, name in enumerate(map(_name, namespaces))
        ]
        takers = _shared_takers(replays, frames)
        for namespace, replay in zip(namespaces, replays, strict=True):
            takers.update(_own_takers(namespace, replay))
            takers.update({(f"{namespace}/{topic}", TRANSFORMS): frames.hear for topic in ("tf", "tf_static")})
        for outdated in messages.outdated:
            remarks.append(f"{outdated} is defined otherwise than today and left out")
        for topic, _, data in messages.raw({topic for topic in takers if topic[1] not in messages.outdated}):
            try:
                takers[topic](messages.decode(topic[1], data))
            except InputError as error:  # as a robot would have refused it
                refused.append(str(error))
    if refused:
        remarks.append(f"{len(refused)} messages refused, the first: {refused[0]}")
    return _gathered(replays, types, remarks)


def _robots(messages: BagMessages) -> tuple[list[str], list[str]]:
    """Namespaces ("/robot_0", "") of the robots that can be used, and remarks on the others."""
    ending = f"/{names.ODOM}"
    found = sorted(
        topic.removesuffix(ending) for topic, kind in messages.topics if topic.endswith(ending) and kind == ODOMETRY
    )
    if not found:
        raise InputError(f"it has no topic {names.ODOM!r} of type {ODOMETRY}")
    commanded = [
        space for space in found if messages.topics & {(f"{space}/{names.CMD_VEL}", kind) for kind in COMMANDS}
    ]
    left_out = [_name(space) for space in found if space not in commanded]
    if not commanded:
        raise InputError(f"none of its robots ({', '.join(left_out)}) has a topic {names.CMD_VEL!r}")
    return commanded, [f"{name} left out: it has no {names.CMD_VEL}" for name in left_out]


def _name(namespace: str) -> str:
    return namespace.strip("/") or ROOT


def _shared_takers(replays: Sequence[RobotReplay], frames: Frames) -> dict[tuple[str, str], Taker]:
    """What takes the messages of topics that all robots hear, by topic and type."""

    def to_all(convert: Callable[[Any], Any], hear: Callable[[RobotReplay, Any], None]) -> Taker:
        def take(msg: Any) -> None:
            value, problems = convert(msg), []
            for replay in replays:
                try:
                    hear(replay, value)
                except InputError as error:  # one robot's matter: the others hear it nevertheless
                    problems.append(error)
            if problems:
                raise problems[0]

        return take

    return {
        (names.INTENTIONS, OWN_TYPE.format("Intention")): to_all(incoming.intention_from, RobotReplay.hear_intention),
        (names.ROUTES, OWN_TYPE.format("Route")): to_all(incoming.route_from, RobotReplay.hear_route),
        (names.DIRECTIVES, OWN_TYPE.format("DirectiveSet")): to_all(
            incoming.directives_from, RobotReplay.hear_directives
        ),
        ("/tf", TRANSFORMS): frames.hear,
        ("/tf_static", TRANSFORMS): frames.hear,
    }


def _own_takers(namespace: str, replay: RobotReplay) -> Mapping[tuple[str, str], Taker]:
    """What takes the messages of one robot's own topics, by topic and type."""

    def odometry(msg: Any) -> None:
        frame = plain(msg.header.frame_id)
        replay.take_odometry(incoming.odometry_from(msg, frame), frame)

    def scan(msg: Any) -> None:
        replay.take_scan(incoming.scan_from(msg))

    def command(msg: Any, stamped: bool) -> None:
        replay.take_command(incoming.velocity_from(msg.twist if stamped else msg))

    def goal(msg: Any) -> None:
        frame = plain(msg.header.frame_id)
        place = incoming.goal_from(msg, frame)
        replay.take_goal(np.array([[place.x, place.y]]), frame)

    def plan(msg: Any) -> None:
        replay.take_plan(incoming.path_from(msg), plain(msg.header.frame_id))

    return {
        (f"{namespace}/{names.ODOM}", ODOMETRY): odometry,
        (f"{namespace}/{names.CMD_VEL}", COMMAND): partial(command, stamped=False),
        (f"{namespace}/{names.CMD_VEL}", STAMPED_COMMAND): partial(command, stamped=True),
        (f"{namespace}/{names.SCAN}", SCAN): scan,
        (f"{namespace}/{names.GOAL_POSE}", GOAL): goal,
        (f"{namespace}/{names.PLAN}", PLAN): plan,
    }


def _gathered(replays: Sequence[RobotReplay], types: RobotTypes, remarks: list[str]) -> tuple[Windows, dict[str, Any]]:
    """The windows of all robots, and what the manifest says of them; remarks: what a user should know."""
    parts, used = [], []
    for replay in replays:
        windows = replay.windows()
        if replay.misfit:
            remarks.append(f"{replay.name} left out: {replay.misfit}; name its type")
        elif not len(windows):
            remarks.append(f"{replay.name} left out: no 5 s are known without a gap ({replay.odometries} odometries)")
        else:
            parts.append(windows)
            used.append(replay)
            if replay.not_placed:
                remarks.append(f"{replay.name}: no transform tells where its goals in {replay.not_placed!r} are")
    if not parts:
        raise InputError("; ".join(remarks))
    joined = Windows.joined(parts, [0] * len(parts))  # one run
    return joined, {
        "world": WORLD,
        "robots": len(used),
        "windows": len(joined),
        "types": types.told([replay.name for replay in used]),
        "scans": {replay.name: replay.scans for replay in used},
        "remarks": remarks,
    }


def add_bags(data_set: DataSet, folder: Path, robot_types: str = DEFAULT_TYPE) -> Iterator[str]:
    """Add all bags below a folder to a data set, a chunk each; yields a line on each bag.

    A bag that is there already, by its content and its robots' types, is not read again.

    Args:
        robot_types: see RobotTypes.

    Raises:
        InputError: no bag can be used, or the robot types are wrong.
    """
    types, robots = RobotTypes(robot_types), set[str]()
    bags = find_bags(folder)
    problems = []
    for bag in bags:
        name = bag.relative_to(folder).as_posix() if bag != folder else bag.resolve().name
        try:
            facts, news = _added(data_set, bag, name, types)
        except InputError as error:
            problems.append(f"{name}: {error}")
            yield f"{name} skipped: {error}"
            continue
        robots.update(facts["types"])
        yield f"{name}: {news}{facts['windows']} windows of {facts['robots']} robots" + "".join(
            f"; {remark}" for remark in facts["remarks"]
        )
    if len(problems) == len(bags):
        raise InputError(f"{folder}: none of its bags can be used; {problems[0]}")
    types.check_used(robots)


def _added(data_set: DataSet, bag: Path, name: str, types: RobotTypes) -> tuple[Mapping[str, Any], str]:
    """Add a bag unless it is there; what the manifest says of it, and whether it was there, for people."""
    content = content_hash(bag)
    chunk = f"bag-{content[:16]}"
    if data_set.has(chunk):
        known: Mapping[str, Any] = data_set.chunks[chunk]["episodes"][0]
        if known["types"] == types.told(list(known["types"])):
            return known, "there already, "
    windows, told = read_windows(bag, types)
    facts = {"bag": name, "sha256": content, **told}
    data_set.add(chunk, windows, [facts])
    return facts, ""
