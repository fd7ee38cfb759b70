"""One robot on its topics: an agent behind a command gate. A node hosts it, alone or with others of its fleet."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from enum import Enum

import numpy as np
from geometry_msgs.msg import PoseArray

from ewm_ros import names
from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray
from ewm_ros.intention.outline import Outline
from ewm_ros.intention.wire import intention_bytes
from ewm_ros.messages import DirectiveSet, Intention, Route, check_robot_name
from ewm_ros.nodes import reporting, topics
from ewm_ros.nodes.cycle import CycleTrigger, Due
from ewm_ros.nodes.directive_inbox import Answers
from ewm_ros.nodes.drops import DropCounter
from ewm_ros.nodes.duplicates import must_yield
from ewm_ros.nodes.goal_desk import GoalDesk
from ewm_ros.nodes.process import steady_now
from ewm_ros.nodes.readers import read_odometry, read_scan
from ewm_ros.nodes.robot_outputs import RobotOutputs
from ewm_ros.nodes.robot_settings import RobotSettings
from ewm_ros.nodes.topic_node import TopicNode
from ewm_ros.nodes.topics import Topic
from ewm_ros.nodes.transforms import open_transforms
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.robot import incoming
from ewm_ros.robot.agent import FAREWELL, Action, IntegratedAgent
from ewm_ros.robot.command_gate import INACTIVE, CommandGate, Gated
from ewm_ros.robot.explorer import Explorer
from ewm_ros.robot.guarded_predictor import load_predictor
from ewm_ros.robot.way_finder import Goal
from ewm_ros.robot_type import load_robot_type
from ewm_ros.sensing import STANDSTILL
from ewm_ros.trajectory import Imagination
from ewm_ros.world_model.predictor import Situation

LISTENING = 1.0  # s in which a starting robot listens whether its name is taken, before it does anything
PATIENCE = 2.0  # s in which it must have stopped and said so; then it has left all the same


class Phase(Enum):
    """What a robot is about; it drives its motors in the last two only, and stops them in the last."""

    RESTING = "resting"
    LISTENING = "listening"
    DRIVING = "driving"
    LEAVING = "leaving"


class RobotUnit:
    """Runs an IntegratedAgent behind a CommandGate on one robot's own topics.

    The topics that robots share are heard by somebody else, who hands on what comes: see shared_topics.py. Whoever
    hosts the unit calls `watch` again and again, and lets it think (think_together.py) when it asks for that.

    Args:
        host: the node that the topics are opened on.
        name: of the robot.
        robot_type: name or path of its type.
        settings: everything else about it.
        stirred: called when there may be something to think about.
        namespace: where the robot's topics are; where the host is if empty.

    Attributes:
        drops: messages of its own topics that it refused, and others that it alone refused.
        gated: what was sent to the motors last.
        action: what came of the last cycle.
        intention_ms: from an observation to the published intention.

    Raises:
        InputError: no such name or robot type.
    """

    def __init__(
        self,
        host: TopicNode,
        name: str,
        robot_type: str,
        settings: RobotSettings,
        stirred: Callable[[RobotUnit], None],
        namespace: str = "",
    ) -> None:
        self.name = check_robot_name(name)
        self.drops = DropCounter(host.get_logger().warning)
        self.gated = Gated(STANDSTILL)
        self.action: Action | None = None
        self.intention_ms, self.intention_bytes = reporting.Samples(), reporting.Samples()
        self._host, self._settings, self._namespace = host, settings, namespace
        self._stirred = stirred
        self._type = load_robot_type(robot_type)
        self.predictor = load_predictor(self._type, settings.world_model)
        self._trigger = CycleTrigger(settings.rate)
        self.gate = CommandGate(
            self._type,
            odometry_timeout=settings.odometry_timeout,
            scan_timeout=settings.scan_timeout,
            command_timeout=settings.command_timeout,
        )
        self._explorer = Explorer(self.name, self._type.radius, settings.view) if settings.explore else None
        self._sightings: FloatArray = np.empty((0, 2))
        self._map: OccupancyGrid | None = None
        self._routes_heard: dict[str, Route] = {}
        self._own_boots: set[int] = set()
        self._phase = Phase.RESTING
        self._since = math.inf  # steady s of the first turn of the phase
        self._heard_at = -math.inf  # when odometry came last
        self._out = RobotOutputs(host, self._own, settings)
        self._goals = GoalDesk(host, name, namespace, self.drops, lambda: self._phase is Phase.DRIVING)
        self._send_transforms = open_transforms(host, name, self._own, settings.tf)
        self._be_born()
        self._listen_to_topics()

    def _be_born(self) -> None:
        """Be a new robot to the others, who have heard a former one of this name say that it leaves."""
        self.boot = secrets.randbits(32) | 1
        self._own_boots.add(self.boot)
        self.answers = Answers(self.name, self.boot)
        self.agent = IntegratedAgent(
            self.name, self._type, boot=self.boot, priority=self._settings.priority, predictor=self.predictor
        )
        if self._map is not None:
            self.agent.set_map(self._map)
        for route in self._routes_heard.values():
            self.agent.receive_route(route, self.now())
        self._orders: tuple[DirectiveSet, float] | None = None  # heard, and when, since it thought last
        self._directives_hold_until = -math.inf
        self._sent = 0
        self._farewells = 0

    def _listen_to_topics(self) -> None:
        for topic, callback in ((topics.ODOM, self._on_odometry), (topics.SCAN, self._on_scan)):
            self._host.listen(self._own(topic), callback, names.SENSORS_IN, raw=True, drops=self.drops)
        if self._explorer is not None:
            self._host.listen(self._own(topics.SIGHTINGS), self._on_sightings, names.SENSORS_IN, drops=self.drops)

    def _own(self, topic: Topic) -> Topic:
        return topic.under(self._namespace) if self._namespace else topic

    def now(self) -> float:
        """s of the steady clock that the robot's patience is measured with."""
        return steady_now() * self._settings.time_scale

    # What it hears

    def _on_odometry(self, raw: bytes) -> None:
        odometry = read_odometry(raw, self._settings.odometry_frame)
        self._heard_at = self.now()
        self.gate.on_odometry(odometry, self._heard_at)
        self._trigger.on_odometry(odometry, steady_now())
        self._send_transforms(odometry)
        self._stirred(self)

    def _on_scan(self, raw: bytes) -> None:
        scan = read_scan(raw)
        self.gate.on_scan(scan, self.now())
        self._trigger.on_scan(scan, steady_now())
        self._stirred(self)

    def _on_sightings(self, msg: PoseArray) -> None:
        self._sightings = incoming.sightings_from(msg)

    def hear_map(self, grid: OccupancyGrid) -> None:
        """Take the floor's map."""
        self._map = grid
        self.agent.set_map(grid)
        if self._explorer is not None:
            self._explorer.set_map(grid)

    def hear_estop(self, stop: bool) -> None:
        """Stop at once, or take the emergency stop back."""
        self.gate.estop = stop
        self.watch()

    def hear_intention(self, intention: Intention, now: float) -> None:
        """Hear another robot's newest word, which the Hearing of this process has accepted.

        Args:
            now: what `now` says.
        """
        self.agent.right_of_way.peers.receive_intention(intention)
        if self._explorer is not None:
            self._explorer.receive_intention(intention, now)

    def mind_own_name(self, intention: Intention) -> None:
        """Hear what somebody says under this robot's name, maybe itself.

        Raises:
            InputError: it is another process, and this robot stays.
        """
        if intention.boot in self._own_boots or self._phase not in (Phase.LISTENING, Phase.DRIVING):
            return
        if must_yield(self.boot, self._sent, intention):
            line = f"robot name {self.name!r} is already used by another running robot: choose another namespace"
            self._host.end(2, line)
        else:
            raise InputError(f"a second robot is named {self.name!r}: choose another namespace for it")

    def hear_route(self, route: Route) -> None:
        """Hear a robot's route."""
        self.agent.receive_route(route, self.now())
        if route.robot == self.name:
            return
        self._routes_heard[route.robot] = route
        if self._explorer is not None:
            self._explorer.receive_route(route)

    def hear_directives(self, directives: DirectiveSet, arrived: float) -> None:
        """Hear a coordinator's set that arrived at this moment (steady s); of several, it thinks of the newest."""
        self.answers.heard(directives, arrived)
        at = arrived * self._settings.time_scale
        self._directives_hold_until = at + directives.lease
        self._orders = directives, at

    @property
    def hears_coordinator(self) -> bool:
        """Whether the lease of the newest set that was read still runs."""
        return self.now() < self._directives_hold_until

    # Coming and going

    @property
    def phase(self) -> Phase:
        """What the robot is about."""
        return self._phase

    @property
    def active(self) -> bool:
        """Whether it thinks, and has a say about its motors."""
        return self._phase in (Phase.DRIVING, Phase.LEAVING) and self._host.ending is None

    def begin(self) -> None:
        """Listen whether the name is free, and then take over the motors."""
        if self._sent:
            self._be_born()
        self._enter(Phase.LISTENING)

    def leave(self) -> None:
        """Stop at once, then tell the others that the robot stands here and holds no way: nobody can ask it later."""
        if self._phase is Phase.LISTENING:
            self._enter(Phase.RESTING)
        if self._phase is not Phase.DRIVING:
            return
        self.gate.active = False
        self._send(Gated(STANDSTILL, INACTIVE))
        self._enter(Phase.RESTING if self.action is None else Phase.LEAVING)

    def halt(self) -> None:
        """Send a last zero velocity, if the motors are the robot's, and rest."""
        if self._phase in (Phase.DRIVING, Phase.LEAVING):
            self.gate.active = False
            self._send(Gated(STANDSTILL, INACTIVE))
        self._enter(Phase.RESTING)

    def flush(self) -> None:
        """Wait until the last command has arrived, and give up what is neither topic nor timer."""
        self._out.flush()
        self._goals.close()

    def _enter(self, phase: Phase) -> None:
        if phase is not self._phase:
            self._phase, self._since = phase, math.inf

    def watch(self) -> None:
        """Do what time asks for: end a phase, stop what nobody commands. To be called several times a cycle."""
        resting = self._phase is Phase.RESTING
        self._goals.tell(self.boot, INACTIVE if resting else self.gated.reason)
        if self._host.ending is not None or resting:
            return
        # Counted from the first turn: nothing is heard while the process is still starting.
        self._since = min(self._since, steady_now())
        passed = steady_now() - self._since
        if self._phase is Phase.LISTENING:
            if passed >= LISTENING:
                self._take_over()
            return
        # Without odometry there is no cycle any more in which to say anything: the simulation was ended, too.
        deaf = self.now() - self._heard_at > self._settings.odometry_timeout
        if self._phase is Phase.LEAVING and (deaf or passed > PATIENCE):
            self._enter(Phase.RESTING)
            return
        gated = self.gate.watchdog(self.now())
        if gated is not None:
            self._send(gated)
            self.agent.hindrance = gated.reason
        self._stirred(self)

    def _take_over(self) -> None:
        """The name is free: take over the motors. Whoever waits for this robot waits for its cmd_vel."""
        self._out.take_motors()
        self.gate.active = True
        self._enter(Phase.DRIVING)

    # Thinking

    def due(self) -> Due | None:
        """What to think about now, if it is time; given out once."""
        return self._trigger.due(steady_now()) if self.active else None

    def perceive(self, due: Due) -> Situation:
        """The first half of a cycle; see IntegratedAgent.perceive."""
        if self._orders is not None:
            self.agent.receive_directives(*self._orders)
            self._orders = None
        return self.agent.perceive(due.observation, self._where_to_go(due), self.now())

    def act(self, due: Due, situation: Situation, imagination: Imagination, outline: Outline | None = None) -> None:
        """The second half: drive, and tell the others.

        Args:
            outline: of the most probable future, where that has been worked out with others'.

        Raises:
            InputError: what the robot intends cannot be told.
        """
        leaving = self._phase is Phase.LEAVING
        action = self.agent.act(situation, imagination, self.now(), outline)
        intention = intention_bytes(action.intention)
        self._send(self.gate.filter(action.command, self.now()))
        self.agent.hindrance = "" if leaving else self.gated.reason
        self._tell(action, intention, due.received_at)
        if action.route is not None:
            self._out.send_route(action.route)
        self._out.show(action)
        self.action = action
        if not leaving:
            self._goals.follow(action, due.observation.odometry, self.agent.no_way)
        self._farewells += leaving and action.state == "idle"
        if self._farewells >= FAREWELL:
            self._enter(Phase.RESTING)

    def hold_back(self, error: InputError) -> None:
        """Stand: what cannot be told to the others must not be driven either."""
        self._send(Gated(STANDSTILL, "nothing to tell"))
        self.drops.drop("cycle", str(error), steady_now())

    def _where_to_go(self, due: Due) -> Goal | None:
        """Where the robot was sent last, or else where it wants to explore, or the goal that it takes."""
        self.agent.search = None
        if self._phase is Phase.LEAVING:
            return None
        if self._explorer is None:
            return self._goals.goal
        pose = due.observation.odometry.pose
        self.agent.search = self._explorer.look((pose.x, pose.y), self._sightings, self.now())
        return self._goals.goal or self._explorer.goal

    def _tell(self, action: Action, intention: bytes, received_at: float) -> None:
        self._out.tell(intention)
        self._sent += 1
        self.intention_ms.add(1e3 * (steady_now() - received_at))
        self.intention_bytes.add(len(intention))
        self.answers.sent(action.intention.seq, received_at)

    def _send(self, gated: Gated) -> None:
        self.gated = gated
        self._out.drive(gated.velocity)
