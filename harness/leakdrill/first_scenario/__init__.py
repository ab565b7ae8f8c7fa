"""What `leakdrill init` writes: a first scenario for a service of the user's own, which runs as it is."""

from leakdrill.first_scenario.write import FirstScenario, Service, write_first_scenario

__all__ = ["FirstScenario", "Service", "write_first_scenario"]
