from ewm_ros.nodes.drops import DropCounter


def test_every_drop_is_counted_by_its_cause():
    drops = DropCounter(lambda line: None)
    for cause in ("intentions", "routes", "intentions"):
        drops.drop(cause, "it was bad", now=0.0)
    assert drops.counts == {"intentions": 2, "routes": 1}


def test_a_flood_is_warned_about_once_a_second_with_the_newest_culprit_named():
    lines: list[str] = []
    drops = DropCounter(lines.append)
    for i in range(250):
        drops.drop("intentions", f"robot_{i} sent nonsense", now=i * 0.01)
    assert lines == [
        "dropped 1 message: robot_0 sent nonsense",
        "dropped 100 messages since the last warning, the newest: robot_100 sent nonsense",
        "dropped 100 messages since the last warning, the newest: robot_200 sent nonsense",
    ]
