"""The relay: where mail for other domains goes, when it is tried again, and who is told that it failed."""
