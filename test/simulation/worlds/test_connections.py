"""What cannot be reached is refused before anything runs, by the rules of the task and the sizes of the robots."""

from __future__ import annotations

from typing import Any

import pytest

from ewm_ros.errors import InputError
from ewm_ros.simulation.worlds.world_file import parse_world

# Two halves, joined by a gap of 0.9 m: tinybots (0.7 m) get through, huskies (1.3 m) do not.
HALVES: dict[str, Any] = {
    "name": "halves",
    "bounds": {"x": [-6, 6], "y": [-4, 4]},
    "walls": [{"center": [0, 2.225], "size": [0.2, 3.55]}, {"center": [0, -2.225], "size": [0.2, 3.55]}],
}
WEST = {"regions": [[[-6, -4], [-1, 4]]]}
EAST = {"regions": [[[1, -4], [6, 4]]]}
NO_REGION = "robots.goals: no place of the regions can be reached from robots.starts"
STATIONS = {"pick": [[-2, 0], [-2, 2]], "drop": [[3, 0]]}


def site(model: object = "tinybot", starts: object = None, goals: object = None, **more: Any) -> dict[str, Any]:
    robots = {
        "model": model,
        "count": {"min": 1, "max": 2, "default": 2},
        "starts": starts or [[-4, 2, 0], [-4, -2, 0]],
        "goals": goals or [[4, 2], [4, -2]],
    }
    if more.get("task") == "deliver":
        del robots["goals"]
    return {**HALVES, "robots": robots, **more}


@pytest.mark.parametrize(
    "content",
    [
        site(),
        site("husky", goals=[[-3, 0], [-2, -2.5]]),
        site(["husky", "tinybot"], goals=[[-2, 2], [4, -2]]),
        site(starts=WEST, goals=EAST),
        site("husky", starts=WEST, goals={"regions": [*EAST["regions"], *WEST["regions"]]}),
        site(task="allocate"),
        site(task="allocate", starts=WEST, goals=EAST),
        site("husky", task="allocate", starts=WEST, goals=WEST),
        site(task="deliver", stations=STATIONS),
        site(task="deliver", stations=STATIONS, starts=EAST),
    ],
)
def test_what_can_be_reached_is_accepted(content: dict[str, Any]) -> None:
    parse_world(content, "site.yaml")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (site("husky"), "robots.goals.0: (4, 2) cannot be reached from robots.starts.0 by robot 0, a husky"),
        (site(["tinybot", "husky"]), "robots.goals.1: (4, -2) cannot be reached from robots.starts.1 by robot 1"),
        (site("husky", starts=WEST, goals=EAST), f"{NO_REGION} by robot 0, a husky"),
        (site("husky", goals=EAST), f"{NO_REGION}.0 by robot 0, a husky"),
        (site("husky", starts=WEST), "robots.goals.0: (4, 2) cannot be reached from robots.starts by robot 0, a husky"),
        # In these tasks everybody must come everywhere.
        (
            site(["tinybot", "husky"], task="allocate"),
            "robots.goals.0: (4, 2) cannot be reached from robots.starts.1 by robot 1, a husky",
        ),
        (
            site("husky", task="allocate", goals=[[4, 2], [-4, 0]], starts=EAST),
            "robots.goals.1: (-4, 0) cannot be reached from robots.starts by robot 0, a husky",
        ),
        (
            site(["husky", "tinybot"], task="allocate", goals=[[-4, 0], [-0.55, 2]], starts=WEST),
            "robots.goals.1: (-0.55, 2) is too close to a wall to be driven to by robot 0, a husky",
        ),
        (
            site(["tinybot", "husky"], task="allocate", goals=[[-0.55, 2], [-4, 0]], starts=WEST),
            "robots.goals.0: (-0.55, 2) is too close to a wall to be driven to by robot 1, a husky",
        ),
        (site("husky", task="allocate", goals=EAST), f"{NO_REGION}.0 by robot 0, a husky"),
        (site("husky", task="allocate", starts=WEST, goals=EAST), "robots.starts: nothing can be reached from there"),
        (
            site("husky", task="deliver", stations=STATIONS),
            "stations.drop.0: (3, 0) cannot be reached from robots.starts.0 by robot 0, a husky",
        ),
        (
            site("husky", task="deliver", stations={**STATIONS, "drop": [[-4, 0]]}, starts=EAST),
            "stations.pick.0: (-2, 0) cannot be reached from robots.starts by robot 0, a husky",
        ),
    ],
)  # fmt: skip
def test_what_cannot_is_named(content: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_world(content, "site.yaml")
    assert str(caught.value).startswith(f"site.yaml: {complaint}")
