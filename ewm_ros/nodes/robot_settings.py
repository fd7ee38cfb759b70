"""What the parameters say of a robot, or of all robots of a fleet alike."""

from __future__ import annotations

from dataclasses import dataclass

from ewm_ros import names
from ewm_ros.nodes.faulty_link import network_faults
from ewm_ros.nodes.parameters import Parameters
from ewm_ros.nodes.transforms import CONVENTIONS, Convention, default_convention
from ewm_ros.simulation.network import Faults


@dataclass(frozen=True, slots=True)
class RobotSettings:
    """The values of the parameters that are named alike; see `read` for what they mean."""

    world_model: str
    priority: int
    rate: float
    time_scale: float
    odometry_timeout: float
    scan_timeout: float
    command_timeout: float
    odometry_frame: str
    explore: bool
    view: float
    cmd_vel_stamped: bool
    intentions_best_effort: bool
    fleet_size_max: int
    faults: Faults
    tf: Convention

    @classmethod
    def read(cls, parameters: Parameters) -> RobotSettings:
        """Declare and read them.

        Raises:
            InputError: one is wrong.
        """
        return cls(
            world_model=parameters.text(
                "world_model",
                "default",
                "World model: a name in models/world_model, a folder, or none for the closed form.",
            ),
            priority=parameters.integer("priority", 0, "Priority of the robot's role; higher passes first.", 0, 255),
            rate=parameters.number("rate", 10.0, "Cycles per s of the sensors' time, at most.", 1.0, 50.0),
            time_scale=parameters.number(
                "time_scale",
                1.0,
                "What steady time is multiplied by for the watchdogs; 1 but in simulations.",
                0.01,
                100.0,
            ),
            odometry_timeout=parameters.number(
                "odometry_timeout", 0.5, "Steady s without odometry after which the robot stops.", 0.05, 100.0
            ),
            scan_timeout=parameters.number(
                "scan_timeout", 0.5, "Steady s without a scan after which the robot stops.", 0.05, 100.0
            ),
            command_timeout=parameters.number(
                "command_timeout", 0.5, "Steady s without a new command after which the robot stops.", 0.05, 100.0
            ),
            odometry_frame=parameters.text(
                "odometry_frame",
                names.MAP_FRAME,
                "Frame that the odometry must be in. All robots share its origin: 'odom' only if that is the map's.",
            ),
            explore=parameters.switch(
                "explore", False, "Look for a goal by itself, and settle with the others who takes which."
            ),
            view=parameters.number("view", 3.0, "m, up to where goals are seen, for robots that explore.", 0.1, 1000.0),
            cmd_vel_stamped=parameters.switch(
                "cmd_vel_stamped", True, "Publish cmd_vel as TwistStamped; else as Twist."
            ),
            intentions_best_effort=parameters.switch(
                "intentions_best_effort", False, "Publish intentions best effort, for networks that lose much."
            ),
            fleet_size_max=parameters.integer("fleet_size_max", 64, "Robots that the queues are made for.", 1, 64),
            faults=network_faults(parameters),
            tf=parameters.choice(
                "tf",
                default_convention(parameters.simulated),
                CONVENTIONS,
                "Transforms to publish: none, namespaced (frames odom, base_link) or prefixed (ROBOT/odom) on /tf.",
            ),
        )
