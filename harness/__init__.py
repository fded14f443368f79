"""The instrument: reads, speaks and judges mail protocols, and loads mail servers."""
