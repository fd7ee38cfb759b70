from ewm_ros.nodes.pacing import Pacer


def test_a_turn_is_a_step_and_then_each_robots_sensors_at_their_offsets():
    pacer = Pacer(0.1, [0.0, 0.4])
    assert not pacer.started
    assert list(pacer.due(10.0)) == []
    pacer.start(10.0)
    assert list(pacer.due(10.0)) == [None, 0]
    assert list(pacer.due(10.03)) == []
    assert list(pacer.due(10.04)) == [1]
    assert list(pacer.due(10.0999)) == []
    assert list(pacer.due(10.1001)) == [None, 0]
    assert pacer.turns == 2


def test_a_small_delay_is_made_up_for():
    pacer = Pacer(0.1, [0.0])
    pacer.start(0.0)
    assert list(pacer.due(0.0)) == [None, 0]
    assert list(pacer.due(0.19)) == [None, 0]
    assert list(pacer.due(0.2)) == [None, 0]


def test_a_long_delay_slows_the_simulation_down_instead_of_making_a_burst():
    pacer = Pacer(0.1, [0.0])
    pacer.start(0.0)
    assert list(pacer.due(10.0)) == [None, 0] * 2
    assert list(pacer.due(10.05)) == []


def test_it_looks_for_the_others_ten_times_a_second():
    pacer = Pacer(0.1, [0.0])
    looks = sum(not pacer.waiting(0.01 * i) for i in range(100))
    assert 9 <= looks <= 11
