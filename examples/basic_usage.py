"""A robot imagines its next five seconds and tells them in a few bytes.

    python examples/basic_usage.py [MODEL]

MODEL is a name in models/world_model or the folder of a model that you have trained; `default` if not given. Without a
model that runs, the robot's own controller rolled out along its route stands in, and the first line says so.
"""

from __future__ import annotations

import math
import sys

import numpy as np

from ewm_ros.evaluation.costs.intention_cost import count_tokens, raw_text
from ewm_ros.geometry import Polyline, Pose2D
from ewm_ros.intention.codec import decode_payload, encode_payload
from ewm_ros.intention.compressor import IntentionCompressor
from ewm_ros.messages import Outcome, Standing
from ewm_ros.robot.guarded_predictor import load_predictor
from ewm_ros.robot.path_follower import PathFollower
from ewm_ros.robot_type import load_robot_type
from ewm_ros.sensing import Observation, Odometry
from ewm_ros.trajectory import HORIZON, STEP
from ewm_ros.world_model.predictor import Situation


def main(model: str) -> None:
    """Imagine, compress, send, decode."""
    # 1. Imagine: a robot on its way, and what may become of it.
    robot = load_robot_type("tinybot")
    follower = PathFollower(Polyline([(0.0, 0.0), (1.5, 0.0), (1.5, 4.0)]), robot)
    odometry = Odometry(stamp=0.0, pose=Pose2D(0.0, 0.0, 0.0), v=0.4, w=0.0)
    predictor = load_predictor(robot, model)
    imagination = predictor.imagine(Situation(Observation(odometry, scan=None), follower))
    print(f"predictor: {predictor.source}" + (f" ({predictor.reason})" if predictor.reason else ""))
    print(f"imagined {HORIZON} steps, {len(imagination.rollouts)} rollouts; in {HORIZON * STEP:.0f} s at")
    for rollout, probability in zip(imagination.rollouts, imagination.probabilities, strict=True):
        x, y, yaw = rollout.poses[-1]
        print(f"  ({x:.2f}, {y:.2f}) m, heading {math.degrees(yaw):.0f} degrees: {100 * probability:.0f} %")
    trajectory = imagination.most_probable
    for step in (10, 30, 50):
        half, most = trajectory.median[step - 1], trajectory.radius[step - 1]
        print(f"the first, after {step * STEP:.0f} s: within {half:.2f} m half of the times, {most:.2f} m in 9 of 10")

    # 2. Compress: as few poses as keep every step within 5 cm.
    compressor = IntentionCompressor()
    plan = compressor.compress(trajectory, "dock_3", 0.92, start=odometry.pose, outcome=Outcome.ARRIVE, eta=11.5)
    print(f"{len(plan.knots)} knots: " + ", ".join(f"{k.t:.1f} s ({k.x:.2f}, {k.y:.2f})" for k in plan.knots))

    # 3. As a language model would be shown it, and beside the trajectory written out.
    text = compressor.text(plan)
    tokens, raw = count_tokens(text), count_tokens(raw_text(trajectory))
    print(text)
    print(f"{tokens} tokens instead of {raw}: {100 * (1 - tokens / raw):.0f} % less")

    # 4. Over the wire to another robot, which decodes and range-checks it.
    payload = encode_payload(plan, Standing(route=1, progress=0.0, hold=2.5))
    received, standing = decode_payload(payload)
    told = compressor.decompress(received)
    error = np.hypot(*(told.poses[:, :2] - trajectory.poses[:, :2]).T).max()
    print(f"{len(payload)} bytes; the receiver's trajectory is at most {100 * error:.1f} cm off")
    print(f"the robot holds at {standing.hold} m of its route until it is told more")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "default")
