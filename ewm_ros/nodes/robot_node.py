"""The node of one robot: sensors and messages in, velocity command, intention and route out."""

from __future__ import annotations

import math
import secrets
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseArray, PoseStamped, Twist
from nav_msgs.msg import OccupancyGrid as OccupancyGridMsg
from nav_msgs.msg import Odometry as OdometryMsg
from rclpy.duration import Duration
from rclpy.serialization import serialize_message
from sensor_msgs.msg import LaserScan
from std_msgs.msg import Bool

from ewm_ros import diagnostics_keys as keys
from ewm_ros import names
from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray
from ewm_ros.messages import DirectiveSet, Intention, check_robot_name
from ewm_ros.msg import Intention as IntentionMsg
from ewm_ros.msg import Route as RouteMsg
from ewm_ros.nodes import conversions, reporting, topics
from ewm_ros.nodes import sensor_conversions as sensors
from ewm_ros.nodes.cycle import CycleTrigger, Due
from ewm_ros.nodes.directive_inbox import DirectiveInbox
from ewm_ros.nodes.duplicates import must_yield
from ewm_ros.nodes.faulty_link import FaultyLink, network_faults
from ewm_ros.nodes.parameters import Parameters
from ewm_ros.nodes.process import run_node, steady_now
from ewm_ros.nodes.topic_node import TopicNode
from ewm_ros.randomness import stream
from ewm_ros.robot import incoming
from ewm_ros.robot.agent import FAREWELL, Action, IntegratedAgent
from ewm_ros.robot.command_gate import ESTOP, INACTIVE, OBSTACLE, STALE_ODOMETRY, STALE_SCAN, CommandGate, Gated
from ewm_ros.robot.explorer import Explorer
from ewm_ros.robot.guarded_predictor import load_predictor
from ewm_ros.robot.way_finder import Goal
from ewm_ros.robot_type import load_robot_type
from ewm_ros.sensing import STANDSTILL, Velocity
from ewm_ros.trajectory import Imagination

LISTENING = 1.0  # s in which a starting robot listens whether its name is taken, before it does anything
WATCHDOG = 0.05  # s
PATIENCE = 2.0  # s in which it must have stopped and said so; then it ends all the same
FLUSH = Duration(seconds=0.3)  # for the last zero velocity to arrive


class RobotNode(TopicNode):
    """Runs an IntegratedAgent behind a CommandGate on one robot's topics.

    Raises:
        InputError: a parameter is wrong.
    """

    def __init__(self) -> None:
        super().__init__("robot")
        parameters = Parameters(self)
        self._read_parameters(parameters)
        self._boot = secrets.randbits(32) | 1
        self._agent = IntegratedAgent(
            self._robot, self._type, boot=self._boot, priority=self._priority, predictor=self._predictor
        )
        self._goal: Goal | None = None
        self._sightings: FloatArray = np.empty((0, 2))
        self._action: Action | None = None
        self._gated = Gated(STANDSTILL)
        self._leaving_since = math.inf
        self._farewells = 0
        self._sent = 0
        self._inbox = DirectiveInbox(self._robot, self._boot, self._on_directives)
        self._intention_ms = reporting.Samples()
        self._intention_bytes = reporting.Samples()
        self._listening_until = math.inf
        self._cmd_vel: Any = None
        self._publish_on_topics(parameters)
        self._listen_to_topics(parameters)
        self.every(WATCHDOG, self._watch)
        self.every(1.0, self._report)

    def _read_parameters(self, parameters: Parameters) -> None:
        namespace = self.get_namespace().strip("/")
        name = parameters.text("robot", namespace, "Name, unique in the fleet; the namespace if not given.")
        if not name:
            raise InputError("the robot has no name: give it a namespace (-r __ns:=/robot_0) or -p robot:=robot_0")
        self._robot = check_robot_name(name)
        self._type = load_robot_type(
            parameters.text("robot_type", "tinybot", "Robot type, a name in config/robots or the path of a YAML file.")
        )
        self._priority = parameters.integer("priority", 0, "Priority of the robot's role; higher passes first.", 0, 255)
        model = parameters.text(
            "world_model",
            "default",
            "World model: a name in models/world_model, a folder, or none for the closed form.",
        )
        self._predictor = load_predictor(self._type, model)
        self._foreseen_by: tuple[str, str] | None = None
        self._trigger = CycleTrigger(
            parameters.number("rate", 10.0, "Cycles per s of the sensors' time, at most.", 1.0, 50.0)
        )
        self._time_scale = parameters.number(
            "time_scale", 1.0, "What the watchdogs' steady time is multiplied by; 1 but in simulations.", 0.01, 100.0
        )
        self._gate = CommandGate(
            self._type,
            odometry_timeout=parameters.number(
                "odometry_timeout", 0.5, "Steady s without odometry after which the robot stops.", 0.05, 100.0
            ),
            scan_timeout=parameters.number(
                "scan_timeout", 0.5, "Steady s without a scan after which the robot stops.", 0.05, 100.0
            ),
            command_timeout=parameters.number(
                "command_timeout", 0.5, "Steady s without a new command after which the robot stops.", 0.05, 100.0
            ),
        )
        self._odometry_frame = parameters.text(
            "odometry_frame",
            names.MAP_FRAME,
            "Frame that the odometry must be in. All robots share its origin: 'odom' only if that is the map's.",
        )
        explore = parameters.switch(
            "explore", False, "Look for a goal by itself, and settle with the others who takes which."
        )
        view = parameters.number("view", 3.0, "m, up to where goals are seen, for robots that explore.", 0.1, 1000.0)
        self._explorer = Explorer(self._robot, self._type.radius, view) if explore else None
        self._stamped = parameters.switch("cmd_vel_stamped", True, "Publish cmd_vel as TwistStamped; else as Twist.")

    def _publish_on_topics(self, parameters: Parameters) -> None:
        best_effort = parameters.switch(
            "intentions_best_effort", False, "Publish intentions best effort, for networks that lose much."
        )
        self._intentions = self.offer(topics.INTENTIONS, names.INTENTIONS_OUT_BEST_EFFORT if best_effort else None)
        self._routes = self.offer(topics.ROUTES)
        self._plan = self.offer(topics.PLAN)
        self._imagined = self.offer(topics.IMAGINED)
        self._diagnostics = self.offer(topics.DIAGNOSTICS)

    def _listen_to_topics(self, parameters: Parameters) -> None:
        fleet = parameters.integer("fleet_size_max", 64, "Robots that the queues are made for.", 1, 64)
        self.listen(topics.ODOM, self._on_odometry)
        self.listen(topics.SCAN, self._on_scan)
        self.listen(topics.MAP, self._on_map)
        # What is latched reaches a robot that starts later; a volatile reader beside it also hears publishers that do
        # not latch, as joysticks, RViz and `ros2 topic pub` are. Hearing a message twice changes nothing.
        for topic, callback in ((topics.GOAL_POSE, self._on_goal), (topics.ESTOP, self._on_estop)):
            self.listen(topic, callback)
            self.listen(topic, callback, replace(topic.qos, latched=False))
        if self._explorer is not None:
            self.listen(topics.SIGHTINGS, self._on_sightings)
        link = FaultyLink(self, network_faults(parameters), self._gate_now, stream(self._boot, 0, "network"))
        self.listen(topics.INTENTIONS, self._on_intention, names.intentions_in(fleet), link)
        self.listen(topics.ROUTES, self._on_route, names.routes_in(fleet), link)
        self.listen(topics.DIRECTIVES, self._inbox.arrive, link=link, raw=True)
        self._read_directives = self.guarded(topics.DIRECTIVES, self._inbox.read)

    def _gate_now(self) -> float:
        return steady_now() * self._time_scale

    def _on_odometry(self, msg: OdometryMsg) -> None:
        odometry = incoming.odometry_from(msg, self._odometry_frame)
        self._gate.on_odometry(odometry, self._gate_now())
        self._trigger.on_odometry(odometry, steady_now())
        self._think_if_due()

    def _on_scan(self, msg: LaserScan) -> None:
        scan = incoming.scan_from(msg)
        self._gate.on_scan(scan, self._gate_now())
        self._trigger.on_scan(scan, steady_now())
        self._think_if_due()

    def _on_goal(self, msg: PoseStamped) -> None:
        self._goal = incoming.goal_from(msg)

    def _on_sightings(self, msg: PoseArray) -> None:
        self._sightings = incoming.sightings_from(msg)

    def _on_map(self, msg: OccupancyGridMsg) -> None:
        grid = incoming.grid_from(msg)
        self._agent.set_map(grid)
        if self._explorer is not None:
            self._explorer.set_map(grid)

    def _on_estop(self, msg: Bool) -> None:
        self._gate.estop = bool(msg.data)
        self._watch()

    def _on_intention(self, msg: IntentionMsg) -> None:
        intention = incoming.intention_from(msg)
        if intention.robot == self._robot:
            self._mind_own_name(intention)
        else:
            self._agent.receive_intention(intention, self._gate_now(), self.ros_now())
            if self._explorer is not None:
                self._explorer.receive_intention(intention, self._gate_now())

    def _mind_own_name(self, intention: Intention) -> None:
        if must_yield(self._boot, self._sent, intention):
            line = f"robot name {self._robot!r} is already used by another running robot: choose another namespace"
            self.end(2, line)
        elif intention.boot != self._boot:
            raise InputError(f"a second robot is named {self._robot!r}: choose another namespace for it")

    def _on_route(self, msg: RouteMsg) -> None:
        route = incoming.route_from(msg)
        self._agent.receive_route(route, self._gate_now())
        if self._explorer is not None and route.robot != self._robot:
            self._explorer.receive_route(route)

    def _on_directives(self, directives: DirectiveSet, arrived: float) -> None:
        self._agent.receive_directives(directives, arrived * self._time_scale)

    def _think_if_due(self) -> None:
        if (self._gate.active or self._leaving) and self.ending is None:
            due = self._trigger.due(steady_now())
            if due is None:
                return
            try:
                self._think(due)
            except InputError as error:  # what cannot be told to the others must not be driven either
                self._send(Gated(STANDSTILL, "nothing to tell"))
                self.drops.drop("cycle", str(error), steady_now())

    def _think(self, due: Due) -> None:
        self._read_directives()
        goal = self._where_to_go(due)
        action = self._agent.think_and_act(due.observation, goal, self._gate_now())
        intention = conversions.intention_to(action.intention)
        self._send(self._gate.filter(action.command, self._gate_now()))
        self._agent.hindrance = "" if self._leaving else self._gated.reason
        self._publish_intention(intention, due.received_at)
        self._farewells += self._leaving and action.state == "idle"
        if action.route is not None:
            self._routes.publish(conversions.route_to(action.route))
        self._show(action)
        self._action = action

    def _where_to_go(self, due: Due) -> Goal | None:
        """Where the robot was sent last, or else where it wants to explore, or the goal that it takes."""
        self._agent.search = None
        if self._leaving:
            return None
        if self._explorer is None:
            return self._goal
        pose = due.observation.odometry.pose
        self._agent.search = self._explorer.look((pose.x, pose.y), self._sightings, self._gate_now())
        return self._goal or self._explorer.goal

    def _publish_intention(self, msg: IntentionMsg, received_at: float) -> None:
        raw = serialize_message(msg)
        self._intentions.publish(raw)
        self._sent += 1
        self._intention_ms.add(1e3 * (steady_now() - received_at))
        self._intention_bytes.add(len(raw))
        self._inbox.sent(msg.seq, received_at)

    def _show(self, action: Action) -> None:
        """Publish what only people look at: the path when it is new, the imagination if somebody looks."""
        if action.path is not None and (self._action is None or action.path is not self._action.path):
            self._plan.publish(sensors.path_to(action.path.points, action.intention.stamp))
        if self._imagined.get_subscription_count() > 0:
            self._publish_imagination(action.imagination)

    def _publish_imagination(self, imagination: Imagination) -> None:
        trajectory = imagination.most_probable
        self._imagined.publish(sensors.path_to(trajectory.poses, trajectory.stamp))

    def _watch(self) -> None:
        if self.ending is not None:
            return
        if not self._gate.active and not self._leaving:
            # Counted from the first turn: nothing is heard while the process is still starting.
            self._listening_until = min(self._listening_until, steady_now() + LISTENING)
            if steady_now() >= self._listening_until:
                self._go()
            return
        gated = self._gate.watchdog(self._gate_now())
        if gated is not None:
            self._send(gated)
            self._agent.hindrance = gated.reason
        self._think_if_due()

    def _go(self) -> None:
        """The name is free: take over the motors. Whoever waits for this robot waits for its cmd_vel."""
        self._cmd_vel = self.offer(topics.CMD_VEL if self._stamped else replace(topics.CMD_VEL, type=Twist))
        self._gate.active = True

    def _send(self, gated: Gated) -> None:
        self._gated = gated
        self._send_velocity(gated.velocity)

    def _send_velocity(self, velocity: Velocity) -> None:
        if self._stamped:
            self._cmd_vel.publish(sensors.twist_stamped_to(velocity, self.ros_now()))
        else:
            self._cmd_vel.publish(sensors.twist_to(velocity))

    @property
    def _leaving(self) -> bool:
        """Whether the process is about to end, and the motors are not driven any more."""
        return self._leaving_since < math.inf

    def leave(self) -> bool:
        """Stop at once, then tell the others that the robot stands here and holds no way: nobody can ask it later."""
        if self._cmd_vel is None or self._action is None:
            return True
        if not self._leaving:
            self._leaving_since = steady_now()
            self._gate.active = False
            self._send(Gated(STANDSTILL, INACTIVE))
        return self._farewells >= FAREWELL or steady_now() - self._leaving_since > PATIENCE

    def stop(self) -> None:
        """Send zero velocity, if the motors have been ours at all."""
        if self._cmd_vel is not None:
            self._gate.active = False
            self._send_velocity(STANDSTILL)
            self._cmd_vel.wait_for_all_acked(FLUSH)

    def _mind_the_predictor(self) -> None:
        """Say in the log when the closed form takes over, why, and when the learned model is back."""
        predictor = self._predictor
        now = (predictor.source, predictor.reason)
        if now == self._foreseen_by:
            return
        log = self.get_logger()
        if predictor.reason:
            log.warning(f"the closed-form predictor foresees this robot: {predictor.reason}")
        elif self._foreseen_by is not None:
            log.info("the learned world model foresees this robot again")
        self._foreseen_by = now

    def _prediction(self) -> dict[str, str]:
        """How well the robot has foreseen itself so far."""
        validator = self._predictor.validator
        detail = validator.sums.detail()
        return {
            keys.ACCURACY: keys.number(detail["accuracy"]),
            keys.COVERAGE: keys.number(detail["coverage"]["90"]),
            keys.RADIUS_FACTOR: keys.number(validator.factor),
        }

    def _report(self) -> None:
        self._mind_the_predictor()
        action, gate = self._action, self._gated.reason
        state = action.state if action is not None else "waiting for sensors"
        level = reporting.OK
        if gate in (STALE_ODOMETRY, STALE_SCAN):
            level = reporting.ERROR
        elif gate not in ("", OBSTACLE) or state in ("no way", "blocked") or self._predictor.drift:
            level = reporting.WARN
        values = {
            keys.STATE: state,
            keys.WAITS_FOR: ",".join(action.intention.standing.waits_for) if action is not None else "",
            keys.MODE: keys.LOCAL if self._agent.right_of_way.local else keys.COORDINATED,
            keys.GATE: gate,
            keys.CYCLE_MS: self._inbox.cycle_ms.take(),
            keys.OBSERVE_TO_INTENTION_MS: self._intention_ms.take(),
            keys.INTENTION_BYTES: self._intention_bytes.take(),
            keys.DROPPED: keys.join_counts(self.drops.counts),
            keys.PREDICTOR: self._predictor.source,
            keys.DRIFT: self._predictor.drift,
            **self._prediction(),
        }
        text = ESTOP if gate == ESTOP else state
        name = keys.ROBOT_STATUS.format(robot=self._robot)
        self._diagnostics.publish(reporting.diagnostics(name, self._robot, level, text, values, self.ros_now()))


def main(args: Sequence[str] | None = None) -> int:
    """Run the node; see run_node for the exit status."""
    return run_node(RobotNode, args)


if __name__ == "__main__":
    sys.exit(main())
