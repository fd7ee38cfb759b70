import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.deployment.arguments import Argument, read_all, written
from ewm_ros.errors import InputError

SWITCH = Argument("use_respawn", "Whether.", "switch", default="False")


@pytest.mark.parametrize("text", ["True", "true", "TRUE", "1"])
def test_true_may_be_written_as_ros_launch_takes_it(text):
    assert SWITCH.read(text) is True


@pytest.mark.parametrize("text", ["False", "false", "FALSE", "0"])
def test_false_likewise(text):
    assert SWITCH.read(text) is False


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("switch", "maybe", "True or False"),
        ("integer", "six", "an integer"),
        ("integer", "6.5", "an integer"),
        ("number", "fast", "a number"),
        ("number", "nan", "a number"),
        ("number", "inf", "a number"),
    ],
)
def test_a_text_that_means_no_such_value_is_refused_in_a_line_that_names_it(kind, text, expected):
    with pytest.raises(InputError, match=f"argument 'x' is '{text}': it must be {expected}"):
        Argument("x", "What.", kind).read(text)


def test_of_some_words_no_other_is_taken():
    bodies = Argument("bodies", "What of.", default="driven", choices=("driven", "wheels"))
    assert bodies.read("wheels") == "wheels"
    with pytest.raises(InputError, match="argument 'bodies' is 'wood': it must be one of driven, wheels"):
        bodies.read("wood")


@given(
    st.one_of(
        st.tuples(st.just("switch"), st.booleans()),
        st.tuples(st.just("integer"), st.integers()),
        st.tuples(st.just("number"), st.floats(allow_nan=False, allow_infinity=False)),
        st.tuples(st.just("text"), st.text(min_size=1)),
    )
)
def test_what_is_handed_on_to_another_file_means_the_same_there(kind_and_value):
    kind, value = kind_and_value
    read = Argument("x", "What.", kind).read(written(value))
    assert (read, type(read)) == (value, type(value))


def test_an_empty_text_says_nothing_and_a_missing_one_the_default():
    arguments = (SWITCH, Argument("seed", "Of all.", "integer", default="3"), Argument("site", "Where."))
    assert read_all(arguments, {"seed": ""}) == {"use_respawn": False}
    assert read_all(arguments, {"site": "lab"}) == {"use_respawn": False, "seed": 3, "site": "lab"}


def test_what_has_to_be_given_is_asked_for():
    with pytest.raises(InputError, match="argument 'namespace' is missing: Name of the robot"):
        read_all((Argument("namespace", "Name of the robot.", default=None),), {})


def test_help_says_what_is_taken_and_what_holds_otherwise():
    argument = Argument("bodies", "What of.", choices=("driven", "wheels"), otherwise="driven")
    assert argument.help == "What of. One of driven, wheels. If empty: driven."
