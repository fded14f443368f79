"""Blocking clients: the wire's grammar over a transport's stream.

A client is given a connected stream, or a function that makes one, and does not talk before it is asked to.
Refusals (5yz, -ERR) are returned as values. `RemoteProtocolError` means that the server broke the grammar,
`PeerClosed` and `ReplyTimeout` that it fell silent, `LocalProtocolError` that the caller asked for nonsense;
what is nonsense on purpose goes out by `send_raw`. Leaving a `with` block ends the session politely where the
dialogue is in step, and then closes the stream whatever happened.
"""
