"""Four robots and one door: the whole loop of agents, coordinator and world, written out, without ROS.

    python examples/multi_agent_coordination.py

The ROS nodes in ewm_ros/nodes do the same with topics in place of the function calls.
"""

from __future__ import annotations

import math

from ewm_ros.coordination.coordinator import Coordinator
from ewm_ros.robot.agent import IntegratedAgent
from ewm_ros.robot.command_gate import CommandGate
from ewm_ros.robot.way_finder import Goal
from ewm_ros.simulation.physics.physics_world import PhysicsWorld
from ewm_ros.simulation.worlds.occupancy import occupancy_grid
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world


def main() -> None:
    """Run until everybody has arrived."""
    scenario = make_scenario(load_world("doorway"), robots=4, seed=1)
    world = PhysicsWorld(scenario)
    coordinator = Coordinator(nonce=1)
    agents, gates, goals = [], [], []
    for index, name in enumerate(scenario.names):
        agent = IntegratedAgent(name, scenario.types[index], boot=index + 1)
        agent.set_map(occupancy_grid(scenario))
        gate = CommandGate(scenario.types[index])
        gate.active = True
        agents.append(agent)
        gates.append(gate)
        goals.append(Goal(f"goal_{index}", *scenario.goals[index]))

    waiting: dict[str, tuple[str, ...]] = {}
    arrived: set[str] = set()
    while len(arrived) < len(agents) and world.time < scenario.time_limit:
        now = world.time
        commands = []
        for index, (agent, gate) in enumerate(zip(agents, gates, strict=True)):
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

    print(f"{len(arrived)} of {len(agents)} robots at their goals, {world.collisions} collisions")
    world.close()


if __name__ == "__main__":
    main()
