"""A recorded robot's messages replayed as the situations that it was in, written down as windows.

The robot's clock reads the stamp of its newest odometry; what else arrives is known from then on. The bag's own times
only order the messages, so that a robot whose clock is wrong, or simulated and faster than real time, is understood.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

from ewm_ros.coordination.peers import Peers
from ewm_ros.coordination.roster import Roster
from ewm_ros.evaluation.bags.bag_frames import Frames
from ewm_ros.evaluation.bags.bag_way import RecordedWay
from ewm_ros.geometry import FloatArray, Pose2D, wrap_angle
from ewm_ros.messages import Directive, DirectiveSet, Intention, Outcome, Route
from ewm_ros.names import MAP_FRAME
from ewm_ros.robot.window_recorder import WindowRecorder
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import STANDSTILL, Observation, Odometry, Scan, Velocity
from ewm_ros.trajectory import STEP
from ewm_ros.world_model.data_set import Windows
from ewm_ros.world_model.predictor import Situation

ON_TIME = 1e-3  # s between an odometry and the tick that it is of
GAP = 0.3  # s without odometry, from which on it is not known where the robot was
CLOCK_SET = 1.0  # s that stamps go back by if the clock was set; less is a message that came late
LONG_PAUSE = 3600.0  # s between two odometries after which the robot is taken to have been started anew
COMMAND_HELD = 0.5  # s that a base goes on with its last command
STANDING = 0.05  # m/s and rad/s; a robot that is slower and not commanded is taken to be told to stand
WORD_KEPT = 1.0  # s that a robot's own word tells of it
SCAN_KEPT = 1.0  # s that a scan tells of the surroundings
SIZES_DIFFER = 0.1  # share by which a robot's route may differ from its type


class RobotReplay:
    """One robot of a bag. Messages are to come in the order in which they were recorded.

    Args:
        name: of the robot; the words and routes of this name are its own.
        index: of the robot in the bag.
        robot_type: sizes and limits.
        frames: what is known of the bag's frames.

    Attributes:
        odometries, scans: how many were taken.
        misfit: why the robot cannot be of its type; empty if it can.
    """

    def __init__(self, name: str, index: int, robot_type: RobotType, frames: Frames) -> None:
        self.name = name
        self.odometries = self.scans = 0
        self.misfit = ""
        self._index, self._type, self._frames = index, robot_type, frames
        self._routes: dict[tuple[int, int], Route] = {}
        self._parts: list[Windows] = []
        self._begin(0.0)

    def _begin(self, at: float) -> None:
        """Begin a life that counts from `at` s."""
        self._begins = at
        self._origin = 0.0  # s that stamps are ahead of the windows' time
        self._recorder = WindowRecorder(self._type, self._index)
        self._peers, self._roster = Peers(self.name, 0), Roster()
        self._way = RecordedWay(self._type)
        self._asked: dict[str, tuple[FloatArray, str]] = {}  # goal and plan, in their frames, until they can be used
        self._newest: Odometry | None = None
        self._frame = MAP_FRAME  # of the odometry
        self._tick = round(at / STEP) - 1
        self._due: Odometry | None = None  # of the newest tick, while what the robot thought of it may still come
        self._observed = False  # whether the newest tick has been observed
        self._scans: deque[Scan] = deque(maxlen=8)
        self._command: tuple[float, Velocity] | None = None
        self._early: dict[str, Intention] = {}  # the newest words that came before the first odometry
        self._unheard: list[Intention | Route] = []  # what others told since the due tick: the robot thought without it
        self._word: Intention | None = None
        self._route: tuple[int, int] | None = None  # boot and number of the one that is followed
        self._order: Directive | None = None

    def take_odometry(self, odometry: Odometry, frame: str) -> None:
        """Take where the robot is; frame: that of the pose."""
        if self._newest is not None:
            later = odometry.stamp - self._origin - self._newest.stamp
            if not -CLOCK_SET < later < LONG_PAUSE:
                self._end()
            elif later <= 0.0:
                return
        last = self._newest
        if last is None:
            self._origin = odometry.stamp - self._begins
        now = replace(odometry, stamp=odometry.stamp - self._origin)
        self.odometries += 1
        self._observe()
        self._newest, self._frame = now, frame
        while self._early:
            self.hear_intention(self._early.popitem()[1])
        self._pass_ticks(last, now)
        self._understand()

    def _end(self) -> None:
        """The clock was set, or it is long since: what comes is another life, some s later in the windows' time."""
        assert self._newest is not None
        self._observe()
        self._parts.append(self._recorder.windows())
        self._begin(math.ceil(self._newest.stamp) + 1.0)

    def _pass_ticks(self, last: Odometry | None, now: Odometry) -> None:
        """Go through the ticks up to `now`; all but the newest have nothing more to wait for."""
        reached = math.floor((now.stamp + ON_TIME) / STEP)
        on_time = now.stamp - reached * STEP <= ON_TIME
        if last is None or now.stamp - last.stamp > GAP:
            last = None
            self._tick = reached - 1 if on_time else reached  # those in between are not known
        for tick in range(self._tick + 1, reached + 1):
            self._observe()
            command = self._command_in_force(now)
            if self._observed and command is not None:
                self._recorder.commanded(command)
            self._tick, self._observed = tick, False
            self._due = now if last is None or (on_time and tick == reached) else _between(last, now, tick * STEP)

    def _command_in_force(self, now: Odometry) -> Velocity | None:
        """What the base goes by; None if something drives the robot that is not in the bag."""
        if self._command is not None and now.stamp - self._command[0] <= COMMAND_HELD:
            return self._command[1]
        return STANDSTILL if max(abs(now.v), abs(now.w)) < STANDING else None

    def take_scan(self, scan: Scan) -> None:
        """Take what the lidar sees."""
        self._scans.append(scan)
        self.scans += 1

    def take_command(self, velocity: Velocity) -> None:
        """Take what the base is told."""
        if self._newest is not None:
            self._command = self._newest.stamp, velocity

    def take_goal(self, goal: FloatArray, frame: str) -> None:
        """Take a goal: (1, 2) m."""
        self._asked["goal"] = goal, frame

    def take_plan(self, points: FloatArray, frame: str) -> None:
        """Take a planned path: (N, 2) m."""
        self._asked["plan"] = points, frame

    def hear_route(self, route: Route) -> None:
        """Hear a robot's route; its own shows whether it is of the type that it is taken for."""
        if route.robot != self.name:
            self._hear_peer(route)
            return
        for told, known in ((route.radius, self._type.radius), (route.max_speed, self._type.max_speed)):
            if abs(told - known) > SIZES_DIFFER * known:
                sizes = f"a radius of {route.radius:.2f} m and {route.max_speed:.2f} m/s"
                self.misfit = f"its route tells of {sizes}, which is no {self._type.name}"
        self._routes[route.boot, route.route] = route
        self._understand()

    def hear_intention(self, intention: Intention) -> None:
        """Hear a robot's word; its own tells what it was allowed and what it expected.

        Raises:
            InputError: two robots have one name.
        """
        if self._newest is None:
            self._early[intention.robot] = intention
            return
        intention = replace(intention, stamp=intention.stamp - self._origin)
        if intention.robot == self.name:
            self._word = intention
            self._understand()
        else:
            self._hear_peer(intention)

    def _hear_peer(self, told: Intention | Route) -> None:
        """Hear another robot, or keep it until the due tick has been written down."""
        if self._due is not None:
            self._unheard.append(told)
        elif isinstance(told, Route):
            self._peers.receive_route(told)
        else:
            assert self._newest is not None  # words before the first odometry are kept elsewhere
            if self._roster.take(told, self._newest.stamp):
                self._peers.receive_intention(told)

    def hear_directives(self, directives: DirectiveSet) -> None:
        """Hear a coordinator."""
        self._order = directives.of(self.name) or self._order

    def windows(self) -> Windows:
        """All windows; to be asked for once, at the end."""
        self._observe()
        self._parts.append(self._recorder.windows())
        return Windows.joined(self._parts, [0] * len(self._parts))

    @property
    def not_placed(self) -> str:
        """The frame of a goal or a plan that could not be used, since nothing tells where it is; else empty."""
        return next((frame for _, frame in self._asked.values()), "")

    def _understand(self) -> None:
        """Go over to the route that the robot's own word names; the tick's situation is complete with its word."""
        word = self._word
        if word is None:
            return
        named = (word.boot, word.standing.route)
        if named != self._route and named in self._routes:
            self._route = named
            self._peers.book.put(self._routes[named])
            self._way.follow_route(self._routes[named])
        if self._due is not None and word.stamp >= self._due.stamp - ON_TIME and self._understood(self._due.stamp):
            self._observe()

    def _understood(self, stamp: float) -> bool:
        """Whether it is known what the robot was up to: it never says, or has just said so and its route is known."""
        word = self._word
        if word is None:
            return True
        return stamp - word.stamp <= WORD_KEPT and (word.boot, word.standing.route) == self._route

    def _observe(self) -> None:
        """Write the due tick down, with what had been heard before it."""
        odometry, self._due = self._due, None
        if odometry is None:
            return
        self._follow()
        if self._understood(odometry.stamp):
            self._recorder.observe(self._situation(odometry))
            self._observed = True
        unheard, self._unheard = self._unheard, []
        for told in unheard:
            self._hear_peer(told)

    def _follow(self) -> None:
        """Take the goal and the plan that the robot was given, as soon as it is known where they are."""
        for what, (points, frame) in list(self._asked.items()):
            placed = self._frames.convert(points, frame, self._frame)
            if placed is None:
                continue
            del self._asked[what]
            if what == "plan":
                self._way.follow_plan(placed)
            else:
                self._way.head_for(placed[0])

    def _situation(self, odometry: Odometry) -> Situation:
        way, word = self._way, self._word
        way.move(odometry.pose, word.standing.progress if word is not None else 0.0)
        situation = Situation(
            Observation(odometry, self._scan(odometry.stamp)),
            way.follower,
            way.progress,
            robot=self.name,
            # Intentions are in the map's frame; who speaks himself has his odometry there, whatever he calls it.
            neighbours=self._peers.neighbours(way.progress) if word is not None or self._frame == MAP_FRAME else (),
        )
        return situation if word is None else self._as_told(situation, word)

    def _scan(self, stamp: float) -> Scan | None:
        """The newest scan that was made by then."""
        scans = [replace(scan, stamp=scan.stamp - self._origin) for scan in self._scans]
        made = [scan for scan in scans if -ON_TIME <= stamp - scan.stamp <= SCAN_KEPT]
        return max(made, key=lambda scan: scan.stamp, default=None)

    def _as_told(self, situation: Situation, word: Intention) -> Situation:
        """The situation with what the robot's own word, and the coordinator's newest one, tell of it."""
        standing, outcome = word.standing, word.plan.outcome
        order = self._order
        if order is None or (order.boot, order.route) != self._route or standing.coordinator == 0:
            order = None
        hindered, changing = outcome == Outcome.BLOCKED, outcome == Outcome.PROGRESS
        release = math.inf
        if not standing.waits_for:
            release = 0.0
        elif order is not None and order.waits_for == standing.waits_for and not math.isnan(order.expected_wait):
            release = order.expected_wait
        elif outcome == Outcome.WAIT:
            release = word.plan.eta
        if hindered or changing or standing.coordinator == 0:
            release = math.inf
        return replace(
            situation,
            hold=standing.hold,
            release=release,
            speed_limit=(order.speed_limit or math.inf) if order is not None else math.inf,
            waits_for=standing.waits_for,
            hindered=hindered,
            changing=changing,
        )


def _between(a: Odometry, b: Odometry, stamp: float) -> Odometry:
    """Where the robot was between two odometries."""
    share = (stamp - a.stamp) / (b.stamp - a.stamp)
    turned = wrap_angle(b.pose.yaw - a.pose.yaw)
    pose = Pose2D(
        a.pose.x + share * (b.pose.x - a.pose.x),
        a.pose.y + share * (b.pose.y - a.pose.y),
        wrap_angle(a.pose.yaw + share * turned),
    )
    return Odometry(stamp, pose, a.v + share * (b.v - a.v), a.w + share * (b.w - a.w))
