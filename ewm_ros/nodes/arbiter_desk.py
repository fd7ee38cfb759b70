"""The arbiter of a coordinator node: how it is set up by parameters, and what people are told of it.

Its key comes from the environment or a file and goes to the client alone: it is no parameter, and is not kept here.
"""

from __future__ import annotations

import math
import re
import textwrap

from ewm_ros import diagnostics_keys as keys
from ewm_ros.coordination.arbitration.advice import Advice
from ewm_ros.coordination.arbitration.arbiter import Arbiter
from ewm_ros.coordination.arbitration.setup import open_arbiter
from ewm_ros.coordination.arbitration.site import NO_WORDS, Site, load_site
from ewm_ros.messages import Arbitration
from ewm_ros.nodes import conversions, reporting, topics
from ewm_ros.nodes.parameters import Parameters
from ewm_ros.nodes.topic_node import TopicNode
from ewm_ros.resources import resource

MOST_NAMED = 30  # causes of failures; what a model says wrong can differ each time
SHOWN_REASON = 120  # characters of a rationale in the log
MADE = re.compile(r"(procedural|floor)-\d+")  # worlds that no file describes, and nothing is said of in words


class ArbiterDesk:
    """Opens the arbiter that was asked for, if any, and tells of it.

    Args:
        node: whose log and topics it tells on.
        advice: who is to be asked.
        site: file of rules, roles and places, or a world; empty: none are told.

    Attributes:
        arbiter: None if it is off, or closed.

    Raises:
        InputError: no such preset, a file that cannot be read or says something impossible.
    """

    def __init__(self, node: TopicNode, advice: Advice, site: str) -> None:
        self._advice, self._words = advice, site_of(site)
        self._log, self._now = node.get_logger(), node.ros_now
        self._named: set[str] = set()
        self._on = self._is_on()
        self.arbiter: Arbiter | None = None
        self.open()
        if self._on:
            self._arbitrations = node.offer(topics.ARBITRATIONS)
            self._diagnostics = node.offer(topics.DIAGNOSTICS)
            node.every(1.0, self._report)

    def _is_on(self) -> bool:
        if not self._advice.wanted:
            self._log.info("no arbiter: the coordinator decides alone (parameter arbiter names a preset)")
            return False
        if lacking := self._advice.lacking():
            self._log.warning(lacking)
            return False
        return True

    def open(self) -> None:
        """Open the arbiter, if it is on and not open."""
        if not self._on or self.arbiter is not None:
            return
        settings = self._advice.settings()
        advice = self._advice
        self.arbiter = open_arbiter(
            settings, self._words, advice.key(), advice.cache_path(), cache_needed=bool(advice.cache)
        )
        self._log.info(f"arbiter: {settings.model} at {settings.base_url}, {len(self._words.rules)} rules")

    def tell(self) -> None:
        """Publish and log what has happened to questions since the last call."""
        for told in self.arbiter.take_records() if self.arbiter is not None else ():
            self._arbitrations.publish(conversions.arbitration_to(told))
            self._note(told)

    def _note(self, told: Arbitration) -> None:
        what = f"question {told.question}"
        outcome, _, cause = told.outcome.partition(": ")
        if outcome == "asked" or told.source == "cache":
            robots = ", ".join(f"r{k} {robot}" for k, robot in enumerate(told.robots, start=1))
            self._log.info(f"{what}: {told.kind} of {robots}: {'; '.join(told.options)}")
        if cause:
            self._name(f"{what}: no usable answer, the solver's stands", cause)
        elif outcome != "asked":
            choice = f"{told.chosen} " if told.chosen else ""
            reason = textwrap.shorten(told.rationale, SHOWN_REASON, placeholder=" ...")
            said = f": {reason}" if reason else ""
            self._log.info(f"{what}: {choice}{outcome} ({told.source}, {told.latency:.1f} s){said}")

    def _name(self, what: str, cause: str) -> None:
        """Warn of a cause of failures, once; /arbitrations has them all."""
        if cause not in self._named and len(self._named) < MOST_NAMED:
            self._named.add(cause)
            self._log.warning(f"{what}: {cause} (named once)")

    def _report(self) -> None:
        if self.arbiter is None:
            return
        if self.arbiter.trouble:
            self._name("answers are not kept", self.arbiter.trouble)
        status, counts = self.arbiter.status, self.arbiter.counts
        prompts, answers = status.tokens
        values = {
            keys.MODEL: self.arbiter.model,
            keys.BREAKER: status.breaker,
            keys.LATENCY: keys.number(None if math.isnan(status.latency) else status.latency),
            keys.CALLS: str(status.calls),
            keys.FAILURES: str(status.failures),
            keys.FAILURE: status.failure,
            keys.TOKENS: keys.join_counts({"prompts": prompts, "answers": answers, "cached": status.cached_tokens}),
            keys.OUTCOMES: keys.join_counts(counts),
        }
        well = status.breaker == "closed" and not status.failure
        text = status.failure or f"{counts.get('asked', 0)} questions, {counts.get('applied', 0)} answers applied"
        name, level = keys.ARBITER_STATUS, reporting.OK if well else reporting.WARN
        self._diagnostics.publish(reporting.diagnostics(name, "coordinator", level, text, values, self._now()))

    def close(self) -> None:
        """Drop open questions and give back what the arbiter holds."""
        if self.arbiter is not None:
            self.arbiter.close()
            self.arbiter = None


def read_advice(parameters: Parameters) -> tuple[Advice, str]:
    """Whom to ask, and the site file, as the parameters say."""
    advice = Advice(
        preset=parameters.text("arbiter", "", "Preset of config/integration_config.yaml; empty: no arbiter."),
        url=parameters.text("arbiter_url", "", "Address of the server's API; the preset's if empty."),
        model=parameters.text("arbiter_model", "", "Name of the model; the preset's if empty."),
        config=parameters.text("arbiter_config", "", "File of presets; the shipped one if empty."),
        key_file=parameters.text("arbiter_key_file", "", "File of the key, mode 0600; if empty, DEEPSEEK_API_KEY."),
        cache=parameters.text("arbiter_cache", "", "File that keeps answers; `none`: none; empty: the user's."),
    )
    return advice, parameters.text("site", "", "File of rules, roles and places, or a world; empty: none are told.")


def site_of(text: str) -> Site:
    """What is said in words by a site file, or by a world's file or name; nothing if the text is empty.

    Raises:
        InputError: there is no such file, or something in it is wrong.
    """
    if not text or MADE.fullmatch(text):
        return NO_WORDS
    return load_site(resource("worlds", text, ".yaml", kind="site or world"))
