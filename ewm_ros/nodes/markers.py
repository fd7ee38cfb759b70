"""Plans and conflicts as markers for RViz and Foxglove."""

from __future__ import annotations

from collections.abc import Iterable

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from ewm_ros.messages import Conflict, Intention
from ewm_ros.nodes.sensor_conversions import header

LIFETIME = Duration(sec=2)  # s; longer than the time between two messages, so that nothing flickers
GOLDEN = 0.618034  # steps of this around the colour circle keep neighbours apart


def markers(intentions: Iterable[Intention], conflicts: Iterable[Conflict], now: float) -> MarkerArray:
    """A line for each robot's plan and a flat cylinder for each conflict: red while nobody has right of way."""
    drawn = [_plan(intention, index, now) for index, intention in enumerate(sorted(intentions, key=lambda i: i.robot))]
    drawn += [_conflict(conflict, now) for conflict in conflicts]
    return MarkerArray(markers=drawn)


def _plan(intention: Intention, index: int, now: float) -> Marker:
    knots = intention.plan.knots
    marker = Marker(
        header=header(now),
        ns=f"plan/{intention.robot}",
        id=0,
        type=Marker.LINE_STRIP,
        action=Marker.ADD,
        lifetime=LIFETIME,
        color=_hue(index * GOLDEN % 1.0),
        # A line strip needs two points.
        points=[Point(x=knot.x, y=knot.y, z=0.05) for knot in (knots if len(knots) > 1 else knots * 2)],
    )
    marker.pose.orientation.w = 1.0
    marker.scale.x = 0.08
    return marker


def _conflict(conflict: Conflict, now: float) -> Marker:
    marker = Marker(
        header=header(now),
        ns="conflicts",
        id=conflict.region % 2**31,
        type=Marker.CYLINDER,
        action=Marker.ADD,
        lifetime=LIFETIME,
        color=ColorRGBA(r=0.95, g=0.65 if conflict.holder else 0.1, b=0.1, a=0.4),
    )
    marker.pose.position.x, marker.pose.position.y = float(conflict.x), float(conflict.y)
    marker.pose.orientation.w = 1.0
    marker.scale.x = marker.scale.y = 0.6
    marker.scale.z = 0.02
    return marker


def _hue(hue: float) -> ColorRGBA:
    """A bright colour; hue in [0, 1)."""
    red, green, blue = (min(max(abs((hue * 6.0 + shift) % 6.0 - 3.0) - 1.0, 0.0), 1.0) for shift in (0.0, 4.0, 2.0))
    return ColorRGBA(r=red, g=green, b=blue, a=0.9)
