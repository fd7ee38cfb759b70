"""Against a real llama.cpp server over HTTP: what it makes of our requests, and what the fleet makes of its answers.

Its model chooses what the test wants it to: whether a model chooses well is not shown here.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_questions import SITE, made_up_question
from pydantic import SecretStr

from ewm_ros.coordination.arbitration.adviser import Reply
from ewm_ros.coordination.arbitration.client import ChatClient
from ewm_ros.coordination.arbitration.completion import CallFailed, Completion
from ewm_ros.coordination.arbitration.model_adviser import ModelAdviser
from ewm_ros.coordination.arbitration.prompt import answer_schema, prompt_of
from ewm_ros.coordination.arbitration.settings import ArbiterSettings, load_settings
from ewm_ros.coordination.arbitration.setup import open_arbiter
from ewm_ros.messages import Arbitration, DirectiveSet
from ewm_ros.robot.trajectory_choice import AdvisedChooser
from ewm_ros.robot.way_finder import Goal
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world
from ewm_ros.trajectory import HORIZON, Imagination, Rollouts

openai = pytest.importorskip("openai")
pytest.importorskip("gguf")
pytest.importorskip("xllamacpp")

from tiny_llama import MODEL, REASON, THOUGHT, tiny_llama, write_model  # noqa: E402

KEY = "sk-of-this-test"
PATIENCE = 20.0  # s of the wall clock for an answer that takes 10 to 250 ms
QUESTION = made_up_question()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write_model(path, "o2")
    assert path.stat().st_size < 4e6
    return path


@pytest.fixture(scope="module")
def url(model: Path) -> Iterator[str]:
    with tiny_llama(model) as served:
        yield served


def settings(url: str, *, stream: bool = True, **limits: float) -> ArbiterSettings:
    loaded = load_settings("llama.cpp", base_url=url, model=MODEL)
    return replace(loaded, stream=stream, limits=loaded.limits.model_copy(update=limits))


def complete(asked: ArbiterSettings, schema: dict[str, object] | None = None) -> Completion:
    """The answer to the question, straight from the client."""

    async def ask() -> Completion:
        client = ChatClient(asked, SecretStr(KEY))
        try:
            return await client.complete(prompt_of(QUESTION, SITE), schema or answer_schema(QUESTION))
        finally:
            await client.close()

    return asyncio.run(ask())


def reply_of(asked: ArbiterSettings, key: str | None = None) -> Reply:
    """The answer to the question, as the arbiter gets it."""
    adviser = ModelAdviser(asked, SecretStr(key) if key else None)
    try:
        adviser.ask(7, QUESTION, SITE, 0.0)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            replies = adviser.replies(0.1)
            if replies:
                assert len(replies) == 1
                return replies[0]
            time.sleep(0.01)
    finally:
        adviser.close()
    raise AssertionError(f"no reply in {PATIENCE:g} s")


@pytest.mark.parametrize("stream", [True, False])
def test_a_question_is_answered_as_its_schema_says_with_the_reasoning_apart(url: str, stream: bool) -> None:
    answer = complete(settings(url, stream=stream))
    assert json.loads(answer.text) == {"choice": "o2", "reason": REASON}
    assert answer.reasoning.strip() == THOUGHT
    assert answer.cost.tokens[0] > 100
    assert answer.cost.tokens[1] >= len(THOUGHT.split()) + len(REASON.split())


def test_the_server_holds_the_model_to_the_options_of_the_question(tmp_path: Path) -> None:
    write_model(tmp_path / "tiny.gguf", "o9")
    with tiny_llama(tmp_path / "tiny.gguf") as url:
        answer = complete(settings(url))
    assert json.loads(answer.text)["choice"] in QUESTION.options


def test_a_prompt_that_begins_as_the_last_one_did_is_read_from_the_prefix_cache(url: str) -> None:
    complete(settings(url))
    again = complete(settings(url))
    assert again.cost.cached > 0.9 * again.cost.tokens[0]


def test_the_adviser_gives_the_choice_the_reason_and_what_it_cost(url: str) -> None:
    reply = reply_of(settings(url))
    assert (reply.number, reply.choice, reply.reason, reply.failure) == (7, "o2", REASON, "")
    assert 0.0 < reply.latency < PATIENCE
    assert reply.tokens[0] > 100


def test_an_answer_that_is_not_ready_in_time_is_named_by_its_length(url: str) -> None:
    reply = reply_of(settings(url, max_tokens=5))
    assert (reply.choice, reply.failure) == ("", "the answer was not ready after 5 tokens")


def test_a_wrong_key_is_refused_and_named_and_the_right_one_is_not(model: Path) -> None:
    with tiny_llama(model, [KEY]) as url:
        for wrong in ("sk-of-somebody-else", None):
            refused = reply_of(settings(url), wrong)
            assert refused.failure == "HTTP 401: the key is not accepted"
        assert reply_of(settings(url), KEY).choice == "o2"


def test_a_schema_that_the_server_cannot_read_is_a_400(url: str) -> None:
    with pytest.raises(CallFailed, match=r"^HTTP 400: ") as refused:
        complete(settings(url), {"type": "nonsense"})
    assert refused.value.status == 400


def test_openai_s_own_client_gets_the_same(url: str) -> None:
    """What the server does is its own, and not of our client's making."""
    with openai.DefaultHttpx2Client(trust_env=False) as http:
        client = openai.OpenAI(base_url=url, api_key=KEY, max_retries=0, http_client=http)
        message = client.chat.completions.create(
            model=MODEL,
            messages=prompt_of(QUESTION, SITE),  # type: ignore[arg-type]
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": answer_schema(QUESTION)},
            },
        ).choices[0].message  # fmt: skip
    assert json.loads(message.content or "") == {"choice": "o2", "reason": REASON}
    assert message.reasoning_content.strip() == THOUGHT  # type: ignore[attr-defined]


def test_a_robot_asks_which_of_its_futures_achieves_its_goal(url: str) -> None:
    poses = np.zeros((2, HORIZON, 3))
    poses[1, :, 0] = np.linspace(0.04, 2.0, HORIZON)  # the first stays, the second drives 2 m east
    radii = np.full((2, HORIZON), 0.1)
    imagination = Imagination(Rollouts(0.0, poses, radii, 0.4 * radii), (0.6, 0.4))
    adviser = ModelAdviser(settings(url))
    chooser = AdvisedChooser(adviser, SITE, "robot_0")
    try:
        choices = [chooser.choose(imagination, Goal("dock", 2.0, 0.0), 0.0)]
        end = time.monotonic() + PATIENCE
        while choices[-1] == 0 and not chooser.failure and time.monotonic() < end:
            time.sleep(0.01)
            choices.append(chooser.choose(imagination, Goal("dock", 2.0, 0.0), 0.1))
    finally:
        adviser.close()
    assert chooser.failure == ""
    assert (choices[0], choices[-1]) == (0, 1)  # at once its own, then the one further on, which is o2
    assert adviser.status.calls == 1


class Ward:
    """Three robots of the ward under an arbiter that asks the server.

    Attributes:
        granted, entered: when a robot was first granted a region, and first in it (s), by region and robot.
    """

    def __init__(self, url: str) -> None:
        scenario = make_scenario(load_world("ward"), robots=3, seed=0)
        self.fleet = Fleet(scenario, arbiter=lambda site: open_arbiter(settings(url), site))
        self.granted: dict[tuple[int, str], float] = {}
        self.entered: dict[tuple[int, str], float] = {}
        self._places: dict[tuple[int, str], float] = {}  # m of progress at which a robot enters a region
        assert self.fleet.coordinator is not None
        self._coordinator = self.fleet.coordinator
        self._decide, self._coordinator.decide = self._coordinator.decide, self._noted  # type: ignore[method-assign]

    def _noted(self, now: float, clock: float | None = None) -> DirectiveSet:
        orders = self._decide(now, clock)
        for order in orders.directives:
            for grant in order.grants:
                self.granted.setdefault((grant.region, order.robot), now)
        return orders

    def step(self) -> None:
        over = {record.question for record in self.records if record.outcome != "asked"}
        if any(record.question not in over for record in self.records):
            time.sleep(0.1)  # while the server thinks, which lives by the wall clock, the fleet does, too
        self.fleet.step()
        for conflict in self._coordinator.conflicts:
            for robot, enter in zip(conflict.robots, conflict.enter, strict=True):
                self._places[conflict.region, robot] = enter
        for (region, robot), enter in self._places.items():
            if self.fleet.intentions[robot].standing.progress > enter:
                self.entered.setdefault((region, robot), self.fleet.world.time)

    @property
    def records(self) -> list[Arbitration]:
        return self.fleet.arbitrations


@pytest.mark.parametrize("choice", ["o1", "o2"])
def test_from_a_conflict_to_an_applied_recorded_directive(tmp_path: Path, choice: str) -> None:
    """Whichever robot the server names passes first, and both ways round it is on record why."""
    write_model(tmp_path / "tiny.gguf", choice)
    with tiny_llama(tmp_path / "tiny.gguf") as url:
        ward = Ward(url)
        try:
            asked, applied, robots = passed(ward)
        finally:
            ward.fleet.close()
    assert (applied.chosen, applied.source, applied.model) == (choice, "model", MODEL)
    assert applied.rationale == REASON
    assert applied.latency > 0.0
    rules = ward.fleet.scenario.site.rules
    assert rules
    assert all(rule in asked.prompt for rule in rules)
    assert not any(robot in asked.prompt for robot in asked.robots)
    first, second = robots
    for region in applied.regions:
        assert ward.granted[region, first] < ward.granted[region, second]
        assert ward.entered[region, first] < ward.entered[region, second]
    assert ward.fleet.world.collisions == 0


def passed(ward: Ward) -> tuple[Arbitration, Arbitration, tuple[str, str]]:
    """Go on until two robots have passed that the server was asked about.

    Returns:
        the question, what became of it, and the two: the one that is to pass first comes first.
    """
    while ward.fleet.world.time < 60.0:
        ward.step()
        applied = next((record for record in ward.records if record.outcome == "applied"), None)
        if applied is None:
            continue
        deeds = dict(option.split(": ") for option in applied.options)
        first, second = (applied.robots[int(alias[1:]) - 1] for alias in deeds[applied.chosen].split(" before "))
        if all((region, robot) in ward.entered for region in applied.regions for robot in (first, second)):
            asked = next(record for record in ward.records if record.question == applied.question)
            return asked, applied, (first, second)
    raise AssertionError(f"nobody has passed: {[record.outcome for record in ward.records]}")
