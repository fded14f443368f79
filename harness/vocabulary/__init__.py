"""Words only: codes, states, names, limits with their sections, frozen values and the exception tree.

Nothing in this floor reads octets; that is what lets the reference server share it with the harness
without sharing a reading of any RFC.
"""
