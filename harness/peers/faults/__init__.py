"""The faults that can be put between a client and any server, one small class each.

A class says which fault it is with `@fault(name)`; it is found by being in a module of this package.
"""

from harness.peers.faults.registry import fault, fault_factory

__all__ = ["fault", "fault_factory"]
