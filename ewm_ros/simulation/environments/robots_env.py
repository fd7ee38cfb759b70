"""The simulated worlds as PettingZoo environments, for learning and for comparing policies.

Commands reach the motors as they are: the command gate of a real robot, which stops before a collision, is not here, so
that learners meet collisions. docs/environments.md has the tables of observations, actions and rewards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from gymnasium.spaces import Box
from gymnasium.utils import EzPickle
from numpy.typing import NDArray
from pettingzoo import AECEnv

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray
from ewm_ros.sensing import Velocity
from ewm_ros.simulation.arrivals import SETTLED, Arrivals
from ewm_ros.simulation.environments.observation import SPEED_MARGIN, Layout, Moment, Part, Senses, measured
from ewm_ros.simulation.environments.reward import counts, step_rewards
from ewm_ros.simulation.environments.zoo import Array32, Results, ZooEnv, sequential
from ewm_ros.simulation.pictures.views import PITCHES
from ewm_ros.simulation.tasks import Task, make_task
from ewm_ros.simulation.worlds.scenario import BODIES, Bodies, Scenario, make_scenario
from ewm_ros.simulation.worlds.world_file import load_world
from ewm_ros.trajectory import STEP

if TYPE_CHECKING:
    from ewm_ros.simulation.physics.physics_world import PhysicsWorld
    from ewm_ros.simulation.pictures.studio import Studio

SETTLED_STEPS = round(SETTLED / STEP)
PICTURE = (640, 400)  # pixels
FACTS = 10  # numbers that the state has on each robot


class RobotsEnv(ZooEnv, EzPickle):
    """One world, robots and seed as a ParallelEnv; made by `parallel_env`, which see for the arguments.

    Attributes:
        layouts: by agent, which part of an observation means what.
        state_layout: the same of `state()`.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "ewm_robots_v0",
        "render_modes": ["human", "rgb_array"],
        "render_fps": round(1.0 / STEP),
        "is_parallelizable": True,
    }

    def __init__(
        self,
        world: str,
        robots: int | None,
        seed: int,
        render_mode: str | None,
        varied: bool,
        bodies: Bodies,
        time_limit: float | None,
        camera: str,
    ) -> None:
        EzPickle.__init__(self, world, robots, seed, render_mode, varied, bodies, time_limit, camera)
        if time_limit is not None and not (isinstance(time_limit, int | float) and 0.0 < time_limit < math.inf):
            raise InputError(f"time_limit must be a number of s above 0, not {time_limit!r}")
        if bodies not in BODIES:
            raise InputError(f"unknown bodies {bodies!r}: there are {', '.join(BODIES)}")
        if camera not in PITCHES:
            raise InputError(f"unknown camera {camera!r}: there are {', '.join(PITCHES)}")
        self._world = load_world(world)
        self._robots = self._world.robots.count.default if robots is None else robots
        self._varied, self._bodies, self._time_limit, self._camera = varied, bodies, time_limit, camera
        self.scenario = self._draw(seed)
        ZooEnv.__init__(self, self.scenario.names, seed, render_mode)
        senses = Senses(self.scenario)
        self.layouts: dict[str, Layout] = dict(zip(self.possible_agents, senses.layouts, strict=True))
        for agent, robot in zip(self.possible_agents, self.scenario.types, strict=True):
            limits = np.array([robot.max_speed, robot.max_turn_rate], dtype=np.float32)
            self._observation_spaces[agent] = self.layouts[agent].box
            self._action_spaces[agent] = Box(-limits, limits, dtype=np.float32)
        self.state_layout = Layout(_state_parts(self.scenario))
        self.state_space = self.state_layout.box
        self._physics: PhysicsWorld | None = None
        self._studio: Studio | None = None

    def _draw(self, seed: int) -> Scenario:
        scenario = make_scenario(self._world, self._robots, seed, self._varied)
        return scenario if self._time_limit is None else replace(scenario, time_limit=self._time_limit)

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Array32], dict[str, dict[str, Any]]]:
        """Start an episode; `options` has no meaning here.

        Args:
            seed: decides everything random in it. Without it, the first episode has the environment's seed and the
                n-th after it one that is drawn from that seed, 1,000,000 or more.

        Raises:
            InputError: a negative seed, or unknown bodies.
        """
        # PyBullet is slow to import: not before the input has been found to be fine.
        from ewm_ros.simulation.physics.physics_world import PhysicsWorld

        self._leave_world()
        self._begin_episode(seed)
        self.scenario = self._draw(self.episode_seed)
        self._physics = PhysicsWorld(self.scenario, bodies=self._bodies)
        self._senses = Senses(self.scenario)
        self._task: Task | None = None
        if self.scenario.task != "allocate":  # nobody is told where to go there
            self._task = make_task(self.scenario, self._physics.indices)
        self._places = self._find()
        self._arrivals = Arrivals(self.scenario.task, self.scenario.goals, len(self._places))
        self._arrivals.update(self._places)
        self._collisions = np.zeros(len(self.agents))
        self._near_misses = np.zeros(len(self.agents))
        self._show()
        return self._observe(), self._infos()

    def step(self, actions: Mapping[str, Any]) -> Results:
        """Let 0.1 s pass.

        Args:
            actions: for each agent (2,): m/s forward, rad/s to the left; cut off at the limits of its type.

        Raises:
            InputError: no episode, not one action for each agent, a wrong shape, or not a number.
        """
        self._check_turn(actions)
        physics = self._running()
        commands = [self._command(agent, actions[agent]) for agent in self.agents]
        there, far, orders = self._arrivals.there, self._to_targets(), self._orders()
        physics.step(commands)
        self._places = self._find()
        approached = far - self._to_targets()
        if self._task is not None:
            self._task.update(self._places)
        self._arrivals.update(self._places)
        touched = counts(self.agents, physics.new_contacts)
        self._collisions += touched
        self._near_misses += counts(self.agents, physics.near_misses)
        arrived = self._arrivals.there.astype(np.float64) - there
        terms = step_rewards(approached, arrived, self._orders() - orders, touched)
        return self._results(dict(zip(self.agents, terms, strict=True)))

    def _results(self, terms: Mapping[str, Mapping[str, float]]) -> Results:
        done = self._arrivals.stay >= SETTLED_STEPS
        late = not done and self._running().time >= self.scenario.time_limit - STEP / 2
        observations, infos = self._observe(), self._infos()
        for agent, info in infos.items():
            info["reward_terms"] = terms[agent]
        rewards = {agent: sum(terms[agent].values()) for agent in self.agents}
        terminations, truncations = dict.fromkeys(self.agents, done), dict.fromkeys(self.agents, late)
        if done or late:
            self.agents = []
        self._show()
        return observations, rewards, terminations, truncations, infos

    def _command(self, agent: str, action: Any) -> Velocity:
        space = self._action_spaces[agent]
        assert isinstance(space, Box)
        wrong = f"the action of {agent} must be two numbers, m/s and rad/s, not {action}"
        try:
            values = np.asarray(action, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(wrong) from error
        if values.shape != space.shape or not np.isfinite(values).all():
            raise InputError(wrong)
        v, w = np.clip(values, space.low, space.high).tolist()
        return Velocity(v, w)

    def _running(self) -> PhysicsWorld:
        if self._physics is None:
            raise InputError("there is no episode: call reset() first")
        return self._physics

    def _find(self) -> FloatArray:
        """(N, 2) m, true."""
        physics = self._running()
        return np.array([(pose.x, pose.y) for pose in map(physics.pose, physics.indices)])

    def _to_targets(self) -> FloatArray:
        """(N,) m as the crow flies; zeros where nobody is told a target."""
        if self._task is None:
            return np.zeros(len(self.possible_agents))
        return np.asarray(np.hypot(*(self._places - self._task.targets).T))

    def _orders(self) -> FloatArray:
        return np.zeros(len(self.possible_agents)) if self._task is None else np.array(self._task.orders, dtype=float)

    def _loaded(self) -> NDArray[np.bool_]:
        """(N,) who is on its way to a drop station."""
        return np.array([False] * len(self.possible_agents) if self._task is None else self._task.loaded)

    def _time_left(self) -> float:
        return max(1.0 - self._running().time / self.scenario.time_limit, 0.0)

    def _observe(self) -> dict[str, Array32]:
        physics = self._running()
        sensed = [physics.observe(index) for index in physics.indices]
        targets = None if self._task is None else np.array(self._task.targets)
        vectors = self._senses.observe(Moment(sensed, targets, self._loaded(), self._time_left()))
        return dict(zip(self.possible_agents, vectors, strict=True))

    def state(self) -> Array32:
        """All there is to know, for centralised critics: see `state_layout`.

        Raises:
            InputError: before the first reset.
        """
        physics = self._running()
        poses = np.array([(p.x, p.y, math.cos(p.yaw), math.sin(p.yaw)) for p in map(physics.pose, physics.indices)])
        _, velocities = measured([physics.observe(index) for index in physics.indices])
        targets = np.zeros((len(poses), 2)) if self._task is None else np.array(self._task.targets)
        flags = np.column_stack([self._arrivals.there, self._loaded()])
        people = np.asarray(physics.people, dtype=np.float64).reshape(-1, 3)
        walking = np.column_stack([people[:, :2], np.cos(people[:, 2]), np.sin(people[:, 2])])
        goals = np.asarray(self.scenario.goals, dtype=np.float64).reshape(-1, 2)
        robots = np.column_stack([poses, velocities, targets, flags])
        return self.state_layout.join([robots, walking, goals, np.array([self._time_left()])])

    def state_hash(self) -> str:
        """Equal for episodes that are equal bit for bit up to now.

        Raises:
            InputError: before the first reset.
        """
        return self._running().state_hash()

    def _infos(self) -> dict[str, dict[str, Any]]:
        time, orders = self._running().time, self._orders()
        return {
            agent: {
                "time": time,
                "seed": self.episode_seed,
                "reached": bool(self._arrivals.there[k]),
                "collisions": int(self._collisions[k]),
                "near_misses": int(self._near_misses[k]),
                "target": None if self._task is None else self._task.targets[k],
                "orders": int(orders[k]),
            }
            for k, agent in enumerate(self.possible_agents)
        }

    def _picture(self) -> NDArray[np.uint8]:
        from ewm_ros.simulation.pictures.studio import Studio

        physics = self._running()
        if self._studio is None:
            self._studio = Studio(self.scenario, *PICTURE, view=self._camera)
        return self._studio.shoot({index: physics.pose(index) for index in physics.indices}, physics.people)

    def _leave_world(self) -> None:
        for engine in (self._physics, self._studio):
            if engine is not None:
                engine.close()
        self._physics = self._studio = None

    def close(self) -> None:
        """Give everything back; may be called again, and `reset` starts anew."""
        super().close()
        self._leave_world()


def _state_parts(scenario: Scenario) -> list[Part]:
    (x0, x1), (y0, y1) = scenario.bounds.x, scenario.bounds.y
    v = SPEED_MARGIN * max(robot.max_speed for robot in scenario.types)
    w = SPEED_MARGIN * max(robot.max_turn_rate for robot in scenario.types)
    pose_low, pose_high = (x0, y0, -1.0, -1.0), (x1, y1, 1.0, 1.0)
    # Without a target its place is zeros, which need not be on the floor.
    target_low, target_high = (min(x0, 0.0), min(y0, 0.0)), (max(x1, 0.0), max(y1, 0.0))
    robots_low, robots_high = (*pose_low, -v, -w, *target_low, 0.0, 0.0), (*pose_high, v, w, *target_high, 1.0, 1.0)
    return [
        Part("robots", (len(scenario.names), FACTS), robots_low, robots_high),
        Part("people", (len(scenario.people), 4), pose_low, pose_high),
        Part("goals", (len(scenario.goals), 2), (x0, y0), (x1, y1)),
        Part("time_left", (1,), (0.0,), (1.0,)),
    ]


def parallel_env(
    world: str,
    robots: int | None = None,
    seed: int = 0,
    render_mode: str | None = None,
    varied: bool = True,
    bodies: Bodies = "driven",
    time_limit: float | None = None,
    camera: str = "above",
) -> RobotsEnv:
    """A world as a PettingZoo ParallelEnv.

    Args:
        world: a world's name, or the path of a world file.
        robots: how many; the world's default if not given.
        seed: of the first episode.
        render_mode: "human" for a window, "rgb_array" for pictures, or None.
        varied: False for ideal robots, without slip, noise or delay, each exactly as its type says.
        bodies: "driven" (one rigid body a robot, fast) or "wheels".
        time_limit: s of simulated time; the world's own if not given.
        camera: "above" or "perspective".

    Raises:
        InputError: no such world, a wrong file, a number of robots that it does not take, or an argument that is none
            of these.
    """
    return RobotsEnv(world, robots, seed, render_mode, varied, bodies, time_limit, camera)


def env(world: str, **options: Any) -> AECEnv:
    """The same agent by agent (AEC), by PettingZoo's own wrappers; options as of `parallel_env`."""
    return sequential(parallel_env(world, **options))
