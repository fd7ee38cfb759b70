"""One robot's whole mind as a plain object: predict, say what is intended, drive where it has right of way."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ewm_ros.coordination.right_of_way import RightOfWay
from ewm_ros.geometry import Polyline
from ewm_ros.intention.checks import ETA_LIMIT
from ewm_ros.intention.compressor import IntentionCompressor
from ewm_ros.intention.outline import Outline
from ewm_ros.messages import NO_GOAL, DirectiveSet, Intention, Outcome, Plan, Route, Search, check_robot_name
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.robot.bystanders import REACH, Bystanders
from ewm_ros.robot.guarded_predictor import GuardedPredictor
from ewm_ros.robot.path_follower import PathFollower
from ewm_ros.robot.trajectory_choice import LocalScorer, TrajectoryChooser
from ewm_ros.robot.way_finder import Goal, Offer, WayFinder
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import STANDSTILL, Observation, Velocity
from ewm_ros.trajectory import Imagination
from ewm_ros.world_model.layout import NEAR, PEERS
from ewm_ros.world_model.predictor import Situation, WatchedPredictor

STANDING_SPEED = 0.02  # m/s and rad/s below which the robot stands
PATIENCE = 4.0  # s before something unexpected, after which the robot looks for a way round it
FAREWELL = 3  # intentions with which a robot that ends tells that it needs no way any more: one may be lost
REPEAT = 2.0  # s after which a route is sent again while nobody has confirmed it
PRIOR_WINDOWS, PRIOR_HITS = 10, 9  # what the confidence starts from until own predictions have been scored


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """What comes of one cycle.

    Attributes:
        command: wanted velocity; the command gate has the last word.
        intention: to be published.
        route: to be published when not None.
        imagination: what the robot expects of its next seconds.
        path: the route that it is on.
        state: one word for people: starting, idle, driving, waiting, stopping, arrived, blocked or "no way".
    """

    command: Velocity
    intention: Intention
    route: Route | None
    imagination: Imagination
    path: Polyline | None
    state: str


class IntegratedAgent:
    """A robot that shares space with others by telling them its plan and keeping to its right of way.

    Args:
        name: unique in the fleet, 1 to 32 of [a-z0-9_].
        robot_type: sizes and limits.
        boot: nonce of this start of the robot's process, 1 to 2**32 - 1.
        priority: of the robot's role, 0 to 255; higher passes first.
        predictor: of the robot's own motion; the closed-form one if not given.
        chooser: says which of the imagined trajectories is told; the most probable one if not given.

    Raises:
        InputError: the name is not one.
    """

    def __init__(
        self,
        name: str,
        robot_type: RobotType,
        *,
        boot: int,
        priority: int = 0,
        predictor: WatchedPredictor | None = None,
        chooser: TrajectoryChooser | None = None,
    ) -> None:
        self.name = check_robot_name(name)
        self.boot = boot
        self.hindrance = ""  # why the command gate stopped the robot, if it did
        self.search: Search | None = None  # what to tell of a search for goals
        self.right_of_way = RightOfWay(name, boot)
        self.predictor = predictor or GuardedPredictor(robot_type, None, "no learned model was given")
        self._chooser = chooser or LocalScorer()
        self._type = robot_type
        self._priority = priority
        self._compressor = IntentionCompressor()
        self._ways = WayFinder(robot_type.radius)
        self.bystanders = Bystanders(robot_type.radius)
        self._stopped_since = math.inf  # by the command gate
        self._turning = False  # on the spot, since it was stopped
        self._follower: PathFollower | None = None
        self._routes = 0
        self._route_sent = -math.inf
        self._seq = 0

    def set_map(self, grid: OccupancyGrid) -> None:
        """Take a map of the floor; routes are planned on the newest one."""
        self._ways.set_map(grid)
        self.bystanders.set_map(grid)

    def receive_intention(self, intention: Intention, now: float, clock: float | None = None) -> None:
        """Hear a robot's intention (its own come back too).

        Raises:
            InputError: a name is used twice, or the message is far too late.
        """
        self.right_of_way.receive_intention(intention, now, clock)

    def receive_route(self, route: Route, now: float) -> None:
        """Hear a robot's route."""
        self.right_of_way.peers.receive_route(route)

    def receive_directives(self, directives: DirectiveSet, now: float) -> None:
        """Hear a coordinator."""
        self.right_of_way.receive_directives(directives, now)

    def think_and_act(self, state: Observation, goal: Goal | None, now: float | None = None) -> Action:
        """One cycle: where am I, what will happen, which of it is my way to the goal, what do I tell and do.

        Args:
            state: the newest odometry and scan.
            goal: where to go, None to stay.
            now: s of a steady clock, the same that receive_* are told; the odometry's stamp if not given.
        """
        situation = self.perceive(state, goal, now)
        return self.act(situation, self.predictor.imagine(situation), now)

    def perceive(self, state: Observation, goal: Goal | None, now: float | None = None) -> Situation:
        """The first half of `think_and_act`: all that the robot's next seconds hang on.

        For those who let several robots imagine at once; `act` has to follow before the next cycle.
        """
        odometry = state.odometry
        pose, now = odometry.pose, odometry.stamp if now is None else now
        self.predictor.happened(odometry.stamp, pose)
        self._seq += 1
        right_of_way = self.right_of_way
        self.bystanders.look(state, right_of_way.peers.discs(pose.x, pose.y, REACH))
        self._mind_what_is_in_the_way(state, now)
        changing = self._mind_the_goal(state, goal)
        progress = self._follower.progress(pose, right_of_way.progress) if self._follower else 0.0
        stopping = self._follower.stopping_distance(odometry.v) if self._follower else 0.0
        right_of_way.step(progress, stopping, self._seq, now)
        near = right_of_way.peers.nearest(pose.x, pose.y, NEAR, right_of_way.advice.waits_for, PEERS)
        return Situation(
            state,
            self._follower,
            progress,
            right_of_way.hold,
            self._release(changing),
            right_of_way.advice.speed_limit,
            robot=self.name,
            neighbours=right_of_way.peers.neighbours(progress, near),
            waits_for=right_of_way.advice.waits_for,
            hindered=bool(self.hindrance),
            changing=changing,
        )

    def act(
        self,
        situation: Situation,
        imagination: Imagination,
        now: float | None = None,
        outline: Outline | None = None,
    ) -> Action:
        """The second half of `think_and_act`: what the robot does, and which of its futures it tells the others.

        What it does hangs on the situation only: to choose another future changes what the others hear.

        Args:
            outline: of the most probable future, where that has been worked out with others'.
        """
        now = situation.observation.odometry.stamp if now is None else now
        state, follower, right_of_way = situation.observation, situation.follower, self.right_of_way
        odometry, progress = state.odometry, situation.progress
        command = STANDSTILL
        if follower is not None:
            velocity = Velocity(odometry.v, odometry.w)
            # For somebody who crosses the robot slows down for a moment: no reason to expect a slow drive.
            walked = self.bystanders.speed_limit(follower.path, progress, self._type.max_speed)
            limit = min(situation.speed_limit, walked)
            # Stopped while it looks elsewhere than its path leads, it turns there to the end: the gate lets it turn.
            self._turning = (self._turning or bool(self.hindrance)) and not follower.faces(
                odometry.pose, velocity, progress
            )
            if self._turning:
                command = follower.face(odometry.pose, velocity, progress)
            else:
                command = follower.command(odometry.pose, velocity, progress, situation.hold, limit)
        condition = self._condition(progress, situation.changing)
        chosen = self._chooser.choose(imagination, self._ways.goal, now)
        intention = Intention(
            self.name,
            self.boot,
            self._seq,
            odometry.stamp,
            self._plan(imagination, chosen, state, condition, outline if chosen == 0 else None),
            right_of_way.standing(),
        )
        route = self._route_to_send(now)
        return Action(command, intention, route, imagination, right_of_way.path, condition)

    def _release(self, changing: bool) -> float:
        """s until the robot expects to be let past its hold point."""
        advice = self.right_of_way.advice
        if changing or self.right_of_way.local or self.hindrance:
            return math.inf
        if not advice.waits_for:
            return 0.0
        return math.inf if math.isnan(advice.expected_wait) else advice.expected_wait

    def _mind_what_is_in_the_way(self, state: Observation, now: float) -> None:
        """Look for a way round what the command gate has been standing before for long."""
        if not self.hindrance or abs(state.odometry.v) > STANDING_SPEED:
            self._stopped_since = math.inf
            return
        self._stopped_since = min(self._stopped_since, now)
        if now - self._stopped_since >= PATIENCE:
            self._stopped_since = now
            self._ways.go_round(self.bystanders.discs, state.odometry.pose)

    def _mind_the_goal(self, state: Observation, goal: Goal | None) -> bool:
        """See to it that the robot is on the right route; True while it has to stand before it can take another."""
        right_of_way, ways, pose = self.right_of_way, self._ways, state.odometry.pose
        standing = max(abs(state.odometry.v), abs(state.odometry.w)) <= STANDING_SPEED
        path, progress, advice = right_of_way.path, right_of_way.progress, right_of_way.advice
        if path is not None and standing:
            ways.at_end(path, progress)
        if advice.take_path is not None:
            ways.consider(Offer(advice.take_route, advice.take_path), pose)
        if not ways.needs_route(pose, goal, path, progress) and not right_of_way.giving_up:
            return False
        right_of_way.give_up_the_rest()
        if not standing:
            return True
        self._take_route(ways.route(pose), state.odometry.stamp)
        return False

    def _take_route(self, path: Polyline, stamp: float) -> None:
        robot_type = self._type
        self._routes += 1
        self._follower = PathFollower(path, robot_type) if path.length > 0.0 else None
        self.right_of_way.take_route(
            Route(
                robot=self.name,
                boot=self.boot,
                route=self._routes,
                stamp=stamp,
                path=path,
                radius=robot_type.radius,
                max_speed=robot_type.max_speed,
                max_acceleration=robot_type.max_acceleration,
                priority=self._priority,
            )
        )
        self._route_sent = -math.inf

    def _route_to_send(self, now: float) -> Route | None:
        """The route when it is new, and again while somebody may lack it."""
        wanted = self.right_of_way.route_wanted or self.right_of_way.local
        if self._route_sent > -math.inf and not (wanted and now - self._route_sent >= REPEAT):
            return None
        self._route_sent = now
        return self.right_of_way.route

    def _condition(self, progress: float, changing: bool) -> str:
        if self._ways.no_way:
            return "no way"
        if changing:
            return "stopping"
        if self._follower is None:
            return "idle" if self._ways.goal is None else "starting"
        if self._follower.path.length - progress < 0.1:
            return "arrived"
        if self.hindrance:
            return "blocked"
        if self.right_of_way.advice.waits_for:
            return "waiting"
        return "driving"

    def _plan(
        self, imagination: Imagination, chosen: int, state: Observation, condition: str, outline: Outline | None
    ) -> Plan:
        odometry, advice = state.odometry, self.right_of_way.advice
        eta = math.inf
        if condition == "driving" and self._follower is not None:
            outcome = Outcome.ARRIVE
            eta = self._follower.time_to_go(self.right_of_way.progress, odometry.v)
        elif condition == "waiting":
            outcome = Outcome.WAIT
            eta = advice.expected_wait if advice.expected_wait < ETA_LIMIT else math.inf
        elif condition in ("blocked", "no way"):
            outcome = Outcome.BLOCKED
        else:
            outcome = Outcome.PROGRESS if condition == "stopping" else Outcome.IDLE
        sums = self.predictor.validator.sums
        # The score is the most probable future's: of another one there is so much less to be had.
        likely = imagination.probabilities[chosen] / imagination.probabilities[0]
        confidence = likely * (sums.hits + PRIOR_HITS) / (sums.windows + PRIOR_WINDOWS)
        return self._compressor.compress(
            imagination.rollouts[chosen],
            self._ways.goal.name if self._ways.goal else NO_GOAL,
            confidence,
            start=odometry.pose,
            outcome=outcome,
            eta=eta,
            search=self.search,
            ready=outline,
        )

    @property
    def no_way(self) -> str:
        """Why there is no route to the goal; empty if there is one."""
        return self._ways.no_way
