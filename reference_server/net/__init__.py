"""All input and output: listeners, the driver of sessions, TLS, next hops and DNS look-ups."""
