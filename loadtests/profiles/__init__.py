"""The load profiles that come with mailproof: data only, a package so that it is installed."""
