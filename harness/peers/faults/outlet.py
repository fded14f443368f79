"""Where a mediator's actions gather until its driver takes them."""

from harness.transport.interpose import Action, End, Ending, ToClient, ToServer, Wait


class Outlet:
    """What goes out on either side, in its order."""

    def __init__(self) -> None:
        self._actions: list[Action] = []

    def say(self, octets: bytes) -> None:
        """Send something to the client, before what is being decided about."""
        if octets:
            self._actions.append(ToClient(octets))

    def wait(self, seconds: float) -> None:
        """Let time pass before what comes next."""
        self._actions.append(Wait(seconds))

    def end(self, ending: Ending = Ending.CLOSE) -> None:
        """End the connection after what was said so far."""
        self._actions.append(End(ending))

    def _send(self, octets: bytes) -> None:
        """Send something to the server."""
        if octets:
            self._actions.append(ToServer(octets))

    def _take_actions(self) -> list[Action]:
        """Take the actions, with neighbours of one direction made one: what came together goes together."""
        actions: list[Action] = []
        for action in self._actions:
            last = actions[-1] if actions else None
            match last, action:
                case ToServer(before), ToServer(octets):
                    actions[-1] = ToServer(before + octets)
                case ToClient(before), ToClient(octets):
                    actions[-1] = ToClient(before + octets)
                case _:
                    actions.append(action)
        self._actions = []
        return actions
