"""The steps of a launch file as actions of ROS's launch, and what follows when one of the processes ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    GroupAction,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
)
from launch.event_handlers import OnShutdown
from launch.events.process import SignalProcess
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from ewm_ros.deployment.arguments import read_all
from ewm_ros.deployment.processes import BAD_INPUT
from ewm_ros.deployment.steps import LaunchFile, ShowInRviz, Start, Step
from ewm_ros.errors import InputError
from ewm_ros.evaluation.bags.bag_evaluation import evaluate_bag
from ewm_ros.evaluation.bags.bag_summary import bag_contents
from ewm_ros.names import PACKAGE
from ewm_ros.resources import share
from launch import LaunchContext, LaunchDescription

OnExit = Callable[[Any, LaunchContext], list[Any]]


class LaunchFailed(RuntimeError):
    """Ends all that was launched, with exit status 1; ROS's launch prints the text."""


def launch_description(file: LaunchFile) -> LaunchDescription:
    """What a launch file describes: its arguments, and the actions that they lead to."""
    declared = (
        DeclareLaunchArgument(argument.name, default_value=argument.default, description=argument.help)
        for argument in file.arguments
    )
    return LaunchDescription([*declared, OpaqueFunction(function=partial(_actions, file=file))])


def _actions(context: LaunchContext, file: LaunchFile) -> list[Any]:
    texts = {argument.name: LaunchConfiguration(argument.name).perform(context) for argument in file.arguments}
    return [action for step in file.plan(read_all(file.arguments, texts)) for action in _actions_of(step)]


def _actions_of(step: Step) -> list[Any]:
    if isinstance(step, Start):
        return _start(step)
    if isinstance(step, ShowInRviz):
        return [_rviz(step)]
    source = PythonLaunchDescriptionSource(str(share() / "launch" / step.file))
    # In a group, so that what is set for one file is not set for what comes after it.
    return [GroupAction([IncludeLaunchDescription(source, launch_arguments=step.texts.items())])]


def _start(step: Start) -> list[Any]:
    spec = step.spec
    node = Node(
        package=PACKAGE,
        executable=spec.executable,
        name=spec.name,
        namespace=spec.namespace,
        parameters=[*([step.params_file] if step.params_file else []), dict(spec.parameters)],
        ros_arguments=["--log-level", step.log_level],
        additional_env=dict.fromkeys(spec.kept_from, ""),
        output="screen",
        on_exit=_after(step),
        respawn=step.respawn_delay is not None,
        respawn_delay=step.respawn_delay,
    )
    return [node, RegisterEventHandler(OnShutdown(on_shutdown=partial(_ask_to_end, node=node)))]


def _ask_to_end(event: Any, context: LaunchContext, node: Node) -> list[Any]:
    """Hand on a SIGINT that launch leaves to the terminal: not every one comes from there."""
    started = node.process_details is not None and "pid" in node.process_details
    if not event.due_to_sigint or context.noninteractive or not started:
        return []
    return [EmitEvent(event=SignalProcess(signal_number=signal.SIGTERM, process_matcher=lambda other: other is node))]


def _after(step: Start) -> OnExit:
    """What follows when a process ends."""
    spec = step.spec

    def ended(event: Any, context: LaunchContext) -> list[Any]:
        if event.returncode == BAD_INPUT and not context.is_shutdown:
            raise LaunchFailed(f"{spec.title} has refused to run, its own line says why: everything else is ended, too")
        if spec.executable == "recorder_node":
            return _sum_up(step)
        if spec.executable != "simulation_node" or context.is_shutdown:
            return []
        if event.returncode:
            raise LaunchFailed(f"the simulation {_manner(event.returncode)}: everything else is ended, too")
        return [Shutdown(reason="the simulation has ended")]

    return ended


def _manner(status: int) -> str:
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def _sum_up(step: Start) -> list[Any]:
    """Say what a recorder that has ended leaves behind; that is no more than information, unless it is to be judged."""
    bag = Path(str(step.spec.parameters["directory"]))
    try:
        told = LogInfo(msg=bag_contents(bag))
        evaluation = evaluate_bag(bag)
        if not evaluation.simulated:
            raise InputError(f"the simulation has said nothing in bag {bag}: it never began")
    except InputError as error:
        if step.judged:
            raise LaunchFailed(str(error)) from error
        return [LogInfo(msg=str(error))]
    if step.judged and not evaluation.good:
        raise LaunchFailed(f"{evaluation} ({bag})")
    return [told, LogInfo(msg=str(evaluation))]


def _rviz(step: ShowInRviz) -> Any:
    layout = step.layout or str(share() / "config" / "rviz" / "ewm.rviz")
    try:
        get_package_prefix("rviz2")
    except PackageNotFoundError:
        return LogInfo(msg="RViz is not installed (no package rviz2): the run goes on without it")
    if not {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
        return LogInfo(msg="there is no display for RViz (DISPLAY is not set): the run goes on without it")
    return Node(
        package="rviz2",
        executable="rviz2",
        name="rviz2",
        arguments=["-d", layout],
        parameters=[{"use_sim_time": True}],
        output="screen",
    )
