"""Four robots and one door: the whole loop of agents, coordinator and world, written out, without ROS.

    python examples/multi_agent_coordination.py [--arbiter PRESET [--url URL] [--model MODEL]]

With --arbiter a language model (config/integration_config.yaml names the presets) is asked who passes first where the
rules below say something of it, and each robot asks it which of its imagined trajectories achieves its goal where these
really differ. Nobody waits for it; a key is read from DEEPSEEK_API_KEY. The ROS nodes in ewm_ros/nodes do the same with
topics in place of the function calls.
"""

from __future__ import annotations

import argparse
import math
import sys
import time

from ewm_ros.coordination.arbitration.api_key import read_api_key
from ewm_ros.coordination.arbitration.arbiter import Arbiter
from ewm_ros.coordination.arbitration.model_adviser import ModelAdviser
from ewm_ros.coordination.arbitration.settings import ArbiterSettings, load_settings
from ewm_ros.coordination.arbitration.setup import open_arbiter
from ewm_ros.coordination.arbitration.site import make_site
from ewm_ros.coordination.coordinator import Coordinator
from ewm_ros.errors import InputError
from ewm_ros.robot.agent import IntegratedAgent
from ewm_ros.robot.command_gate import CommandGate
from ewm_ros.robot.guarded_predictor import load_predictor
from ewm_ros.robot.trajectory_choice import AdvisedChooser
from ewm_ros.robot.way_finder import Goal
from ewm_ros.simulation.physics.physics_world import PhysicsWorld
from ewm_ros.simulation.worlds.occupancy import occupancy_grid
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world

PERIOD = 0.1  # s of one cycle
SITE = make_site(
    rules=["Robots that carry blood samples pass before all others."],
    roles=[("robot_3", {"carries": "blood samples"}), ("robot_0", {"carries": "linen"})],
)


def main(settings: ArbiterSettings | None) -> None:
    """Run until everybody has arrived.

    Args:
        settings: of the language model, None to do without.
    """
    scenario = make_scenario(load_world("doorway"), robots=4, seed=1)
    world = PhysicsWorld(scenario)
    key = read_api_key() if settings else None
    arbiter = open_arbiter(settings, SITE, key) if settings else None
    advisers = [ModelAdviser(settings, key) for _ in scenario.names] if settings else []
    coordinator = Coordinator(nonce=1, arbiter=arbiter)
    agents, gates, goals = [], [], []
    for index, name in enumerate(scenario.names):
        chooser = AdvisedChooser(advisers[index], SITE, name) if advisers else None
        predictor = load_predictor(scenario.types[index])
        agent = IntegratedAgent(name, scenario.types[index], boot=index + 1, predictor=predictor, chooser=chooser)
        agent.set_map(occupancy_grid(scenario))
        gate = CommandGate(scenario.types[index])
        gate.active = True
        agents.append(agent)
        gates.append(gate)
        goals.append(Goal(f"goal_{index}", *scenario.goals[index]))

    waiting: dict[str, tuple[str, ...]] = {}
    arrived: set[str] = set()
    unanswered: set[int] = set()
    while len(arrived) < len(agents) and world.time < scenario.time_limit:
        now = world.time
        commands = []
        for index, (agent, gate) in enumerate(zip(agents, gates, strict=True)):
            # Imagine, choose the trajectory that achieves the goal, compress it to an intention.
            state = world.observe(index)
            action = agent.think_and_act(state, goals[index])

            # Everybody hears the intention and, when it is new, the route.
            listeners: list[Coordinator | IntegratedAgent] = [coordinator, *(a for a in agents if a is not agent)]
            for listener in listeners:
                if action.route is not None:
                    listener.receive_route(action.route, now)
                listener.receive_intention(action.intention, now)

            # Whatever the agent wants, the command gate has the last word.
            gate.on_odometry(state.odometry, now)
            if state.scan is not None:
                gate.on_scan(state.scan, now)
            gated = gate.filter(action.command, now)
            agent.hindrance = gated.reason
            commands.append(gated.velocity)

            told = action.intention.standing.waits_for
            if waiting.get(agent.name) != told:
                waiting[agent.name] = told
                print(f"{now:5.1f} s  {agent.name} " + (f"waits for {', '.join(told)}" if told else "need not wait"))
            here = world.pose(index)
            if agent.name not in arrived and math.dist((here.x, here.y), scenario.goals[index]) < 0.3:
                arrived.add(agent.name)
                print(f"{now:5.1f} s  {agent.name} has arrived")

        directives = coordinator.decide(now)
        for agent in agents:
            agent.receive_directives(directives, now)
        world.step(commands)
        if arbiter is not None:
            tell(arbiter, now, unanswered)

    print(f"{len(arrived)} of {len(agents)} robots at their goals, {world.collisions} collisions")
    for adviser in [*advisers, *([arbiter] if arbiter is not None else [])]:
        adviser.close()
    world.close()


def tell(arbiter: Arbiter, now: float, unanswered: set[int]) -> None:
    """Print what has been asked and answered; while an answer is awaited, go no faster than the clock on the wall."""
    for record in arbiter.take_records():
        if record.outcome == "asked":
            unanswered.add(record.question)
            robots = ", ".join(f"r{k} is {robot}" for k, robot in enumerate(record.robots, start=1))
            said = f"{' or '.join(record.options)}? {robots}"
        else:
            unanswered.discard(record.question)
            said = f"{record.outcome}: {record.chosen or 'no answer'} ({record.source}) {record.rationale}"
        print(f"{now:5.1f} s  question {record.question}, {said}")
    if unanswered:
        time.sleep(PERIOD)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Four robots and one door.")
    parser.add_argument("--arbiter", metavar="PRESET", help="ask a language model, see config/integration_config.yaml")
    parser.add_argument("--url", default="", help="address of its API, if not the preset's")
    parser.add_argument("--model", default="", help="its name, if not the preset's")
    options = parser.parse_args()
    try:
        main(load_settings(options.arbiter, base_url=options.url, model=options.model) if options.arbiter else None)
    except InputError as error:
        sys.exit(str(error))
