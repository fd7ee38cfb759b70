"""The keys of what the nodes say on /diagnostics, named once so that whoever reads them need not guess.

Samples are numbers with 3 decimals, separated by blanks, all that were taken since the node's last message. Lists of
names are separated by commas. `dropped` is `cause=count` for each cause, separated by blanks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ewm_ros import bag_facts

LIFECYCLE = "lifecycle"  # of robots and the coordinator: state of the node, e.g. active

# A robot: status "<robot>: ewm".
ROBOT_STATUS = "{robot}: ewm"
STATE = "state"
WAITS_FOR = "waits_for"
MODE = "mode"  # one of MODES
GATE = "gate"  # why the command gate stopped or slowed the robot; empty if it did not
CYCLE_MS = "cycle_ms"  # from the observation to the directive that answers it
OBSERVE_TO_INTENTION_MS = "observe_to_intention_ms"
INTENTION_BYTES = "intention_bytes"
DROPPED = "dropped"
PREDICTOR = "predictor"  # what foresees the robot's next seconds: one of PREDICTORS
DRIFT = "drift"  # what is wrong with it; empty if nothing is
ACCURACY = "prediction_accuracy"  # so far; empty while nothing has been judged
COVERAGE = "coverage_90"  # share of what happened that was inside the radius of 90 %; likewise
RADIUS_FACTOR = "radius_factor"  # by which that radius is recalibrated at present
PREDICTORS = ("learned", "closed form")
COORDINATED, LOCAL = "coordinated", "local"
MODES = (COORDINATED, LOCAL)
COORDINATOR = "coordinator"  # HEARD while the lease of the newest directive set runs, else SILENT
HEARD, SILENT = "heard", "silent"

# The coordinator: status "coordinator", and DROPPED.
COORDINATOR_STATUS = "coordinator"
ROBOTS = "robots"
SILENT_ROBOTS = "silent"  # those that have been heard, but not lately; names
CONFLICTS = "conflicts"
DECIDE_MS = "decide_ms"
FORESEEN = "foreseen"  # pairs of robots whose plans come close, joined by +: names by commas
REPORTS = "reports"  # what only people can help; empty if nothing

# The coordinator's arbiter, where it has one: status "coordinator: arbiter".
ARBITER_STATUS = "coordinator: arbiter"
MODEL = "model"
BREAKER = "breaker"  # closed, open or half-open
LATENCY = "latency"  # s, of the newest usable answer; empty if there has been none
CALLS = "calls"
FAILURES = "failures"  # calls without a usable answer
FAILURE = "failure"  # cause of the newest one; empty if the newest call went well
TOKENS = "tokens"  # so far, as counts: answers, prompts, and of these `cached` by the server
OUTCOMES = "outcomes"  # how many questions came to which end, as counts; `cache`: answered from the cache

# The simulation: status "simulation".
SIMULATION_STATUS = "simulation"
TIME = "time"  # s of simulated time
COLLISIONS = "collisions"
NEAR_MISSES = "near_misses"
REACHED = "reached"  # how many robots are at their goals
ORDERS = "orders"  # deliveries of each robot so far, separated by blanks
FINISHED = "finished"  # "true" or "false"
REALTIME_FACTOR = "realtime_factor"  # simulated s per s, since the start
RUN_FACTS = (  # what it runs, as a bag's facts have it
    bag_facts.WORLD,
    bag_facts.WORLD_SHA256,
    bag_facts.ROBOTS,
    bag_facts.SEED,
    bag_facts.BODIES,
    bag_facts.VARIED,
    bag_facts.TIME_LIMIT,
)

# The recorder: status "recorder", and DROPPED, which counts by topic the messages that are not in the bag.
RECORDER_STATUS = "recorder"
BAG = "bag"  # its folder
WRITTEN = "written"  # messages in the bag
QUEUE = "queue"  # bytes that wait to be written
FREE = "free"  # bytes that the disk has left


def number(value: float | None) -> str:
    """A number, or none, as the value of a key."""
    return "" if value is None else f"{value:.3f}"


def join_samples(samples: Iterable[float]) -> str:
    """Samples as the value of a key."""
    return " ".join(f"{sample:.3f}" for sample in samples)


def split_samples(value: str) -> list[float]:
    """The samples of a value."""
    return [float(sample) for sample in value.split()]


def join_numbers(numbers: Iterable[int]) -> str:
    """Whole numbers as the value of a key."""
    return " ".join(map(str, numbers))


def split_numbers(value: str) -> tuple[int, ...]:
    """The whole numbers of a value."""
    return tuple(int(number) for number in value.split())


def join_counts(counts: Mapping[str, int]) -> str:
    """Counts by cause as the value of a key."""
    return " ".join(f"{cause}={count}" for cause, count in sorted(counts.items()))


def split_counts(value: str) -> dict[str, int]:
    """The counts of a value."""
    pairs = (part.rpartition("=") for part in value.split())
    return {cause: int(count) for cause, _, count in pairs}


def split_names(value: str) -> tuple[str, ...]:
    """The names of a value."""
    return tuple(name for name in value.split(",") if name)
