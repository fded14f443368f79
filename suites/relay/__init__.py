"""Checks on how mail for other domains leaves: through our DNS, to our next hops."""
