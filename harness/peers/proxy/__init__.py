"""The works of the fault proxy; `harness.peers.fault_proxy` is its face."""
