"""What robots and the coordinator have in common as lifecycle nodes (ROS 2 managed nodes)."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleNodeMixin, LifecycleState, TransitionCallbackReturn
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription
from rclpy.timer import Timer

from ewm_ros.errors import InputError
from ewm_ros.names import QoS
from ewm_ros.nodes.drops import DropCounter
from ewm_ros.nodes.faulty_link import FaultyLink
from ewm_ros.nodes.parameters import Parameters, SettableParameters
from ewm_ros.nodes.topic_node import TopicNode
from ewm_ros.nodes.topics import Topic

ACTIVE = "active"
FINALIZED = "finalized"


class ManagedNode(LifecycleNodeMixin, TopicNode):
    """A node that is configured, activated, deactivated and cleaned up; by itself, or as it is told.

    What is opened by `offer`, `listen` and `every` is closed when the node is cleaned up. rclpy's subscriptions and
    timers call back in every state: those of an inactive node have to look at `active` before they do anything.

    Raises:
        InputError: the parameter autostart is wrong. Others only fail the transition, or `begin`.
    """

    def __init__(self, name: str) -> None:
        TopicNode.__init__(self, name)
        LifecycleNodeMixin.__init__(self)
        change = self._service_change_state
        change.callback = _refusing_the_impossible(change.callback, self)
        self.active = False
        self._autostart = Parameters(self).switch(
            "autostart", True, "Configure and activate itself; else wait for `ros2 lifecycle set`."
        )
        self._settable = SettableParameters(self)
        self._opened: list[Publisher | Subscription | Timer] = []
        self._starting = False
        self._failure: Exception | None = None
        self.read(self._settable)  # declares them: who has a node that is not configured may list and set them

    # For subclasses

    def read(self, parameters: Parameters) -> None:
        """Declare and read the parameters, and do nothing else with them."""

    def configure(self) -> None:
        """Make everything of the parameters that were read, and open the topics. InputError if that is not possible."""

    def activate(self) -> None:
        """Set to work."""

    def deactivate(self) -> None:
        """Stop working at once. Last words may take longer: `left` says when they have been said."""

    @property
    def left(self) -> bool:
        """Whether nothing more is to be said."""
        return True

    def clean_up(self) -> None:
        """Give back everything but the topics, whatever state the node is in; called after errors, too."""

    # The process

    def begin(self) -> None:
        """Start working, if the node is to do so by itself.

        Raises:
            InputError: a parameter is wrong.
        """
        if not self._autostart:
            return
        self._starting = True
        for step in (self.trigger_configure, self.trigger_activate):
            if step() != TransitionCallbackReturn.SUCCESS and self._failure is not None:
                raise self._failure
        self._starting = False

    def leave(self) -> bool:
        """Deactivate the node and wait for its last words."""
        if self.active:
            self.trigger_deactivate()
        return self.left

    def stop(self) -> None:
        """Shut the node down."""
        if self.lifecycle != FINALIZED:
            self.trigger_shutdown()
        self._give_back()

    @property
    def lifecycle(self) -> str:
        """State of the node; while it changes, the transition."""
        return str(self._state_machine.current_state[1])

    # Transitions

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the parameters and open the topics; fails if a parameter is wrong."""
        result = self._attempt(self._configure)
        if result != TransitionCallbackReturn.SUCCESS:
            self._give_back()
        return result

    def _configure(self) -> None:
        self._settable.open = False
        self.read(self._settable)
        self._settable.check()
        self.configure()

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Set to work."""
        result = self._attempt(self.activate)
        self.active = result == TransitionCallbackReturn.SUCCESS
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop working at once."""
        self.active = False
        return self._attempt(self.deactivate)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back: the node is as if it had just been started, but for what has been set."""
        return self._attempt(self._give_back)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop working at once, and end the process after the last words."""
        self.ask_to_leave()
        if not self.active:
            return TransitionCallbackReturn.SUCCESS
        self.active = False
        return self._attempt(self.deactivate)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """A transition went wrong: give everything back, first of all the motors."""
        self.active = False
        return self._attempt(self._give_back)

    def _attempt(self, step: Callable[[], None]) -> TransitionCallbackReturn:
        """Take a step. rclpy would turn its exceptions into errors without a word of what they were."""
        try:
            step()
        except InputError as error:
            self._failure = error
            if not self._starting:  # else the process ends with this line
                self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception as error:
            self._failure = error
            if not self._starting:
                self.get_logger().error(traceback.format_exc())
            return TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS

    # What it opens

    def offer(self, topic: Topic, qos: QoS | None = None) -> Any:
        """A publisher, until the node is cleaned up."""
        return self._kept(super().offer(topic, qos))

    def listen(
        self,
        topic: Topic,
        callback: Callable[[Any], None],
        qos: QoS | None = None,
        link: FaultyLink | None = None,
        raw: bool = False,
        drops: DropCounter | None = None,
    ) -> Any:
        """See TopicNode.listen; until the node is cleaned up."""
        return self._kept(super().listen(topic, callback, qos, link, raw, drops))

    def every(self, period: float, callback: Callable[[], None]) -> Timer:
        """Call back each `period` s of steady time, until the node is cleaned up."""
        return self._kept(super().every(period, callback))

    def _kept(self, opened: Any) -> Any:
        self._opened.append(opened)
        return opened

    def _give_back(self) -> None:
        self.clean_up()
        opened, self._opened = self._opened, []
        for each in opened:
            if isinstance(each, Timer):
                self.destroy_timer(each)
            elif isinstance(each, Subscription):
                self.destroy_subscription(each)
            else:
                self.destroy_publisher(each)
        self._settable.open = True


Answer = Callable[[ChangeState.Request, ChangeState.Response], ChangeState.Response]


def _refusing_the_impossible(answer: Answer, node: ManagedNode) -> Answer:
    """The answer to requests of another state; in rclpy one that the present state does not allow ends the process."""

    def refusing(request: ChangeState.Request, response: ChangeState.Response) -> ChangeState.Response:
        before = node.lifecycle
        try:
            return answer(request, response)
        except RuntimeError as error:
            if node.lifecycle != before:
                raise
            wanted = request.transition.label or request.transition.id
            node.get_logger().warning(f"no transition {wanted} from {before}: {str(error).splitlines()[0]}")
            response.success = False
            return response

    return refusing
