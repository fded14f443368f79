"""Several interposers in one connection, one behind the other."""

from collections.abc import Iterable, Iterator, Sequence

from harness.transport.interpose import (
    Action,
    End,
    Interposer,
    InterposerFactory,
    Spoken,
    ToClient,
    ToServer,
    Wait,
)


class Chain:
    """Factories whose interposers stand in a row: the first is next to the client, the last to the server.

    What one sends to the server, the next one sees as the client's octets, and the other way round; a wait
    or an end is one for the whole connection.
    """

    def __init__(self, factories: Iterable[InterposerFactory]) -> None:
        self._factories = tuple(factories)

    def open(self, spoken: Spoken) -> Interposer | None:
        """Return the interposers that have to do with the connection, as one; None if there are none."""
        return chained([link for factory in self._factories if (link := factory.open(spoken)) is not None])


def chained(links: Sequence[Interposer]) -> Interposer | None:
    """Return interposers in a row as one; None if there are none."""
    if not links:
        return None
    return links[0] if len(links) == 1 else _ChainedInterposers(links)


class _ChainedInterposers:
    """The interposers of one connection."""

    def __init__(self, links: Sequence[Interposer]) -> None:
        self._links = links

    def from_client(self, octets: bytes) -> Iterable[Action]:
        if octets:
            return list(self._to_server(0, octets))
        # The client's end: each link in its turn gives what it still holds to those behind it.
        return [
            action
            for place, link in enumerate(self._links)
            for action in self._spread(place, link.from_client(b""))
        ]

    def from_server(self, octets: bytes) -> Iterable[Action]:
        last = len(self._links) - 1
        if octets:
            return list(self._to_client(last, octets))
        return [
            action
            for place in range(last, -1, -1)
            for action in self._spread(place, self._links[place].from_server(b""))
        ]

    def tls_started(self) -> None:
        for link in self._links:
            link.tls_started()

    def _to_server(self, place: int, octets: bytes) -> Iterator[Action]:
        """Yield what becomes of octets that go to the server and are in front of a link."""
        if place == len(self._links):
            yield ToServer(octets)
        else:
            yield from self._spread(place, self._links[place].from_client(octets))

    def _to_client(self, place: int, octets: bytes) -> Iterator[Action]:
        if place < 0:
            yield ToClient(octets)
        else:
            yield from self._spread(place, self._links[place].from_server(octets))

    def _spread(self, place: int, actions: Iterable[Action]) -> Iterator[Action]:
        """Yield what becomes of the actions of one link."""
        for action in actions:
            match action:
                case ToServer(octets):
                    if octets:
                        yield from self._to_server(place + 1, octets)
                case ToClient(octets):
                    if octets:
                        yield from self._to_client(place - 1, octets)
                case Wait():
                    yield action
                case End():
                    # What the links in front still hold came before the end.
                    for front in range(place - 1, -1, -1):
                        yield from self._spread(front, self._links[front].from_server(b""))
                    yield action
