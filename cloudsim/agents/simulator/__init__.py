"""The simulated hypervisor: hosts that exist in a file, to try everything on that would be too dear or too rare.

`SimulatorDriver` is the driver; `Rule` and `rule_from_wire` put faults on order; `parse_latency` reads how long things
take.
"""

from cloudsim.agents.simulator.driver import SimulatorDriver
from cloudsim.agents.simulator.faults import KINDS, Rule
from cloudsim.agents.simulator.latency import Latencies
from cloudsim.agents.simulator.latency import parse as parse_latency
from cloudsim.agents.simulator.wire import rule_from_wire
from cloudsim.agents.simulator.world import Host, Machine, Volume

__all__ = [
    "KINDS",
    "Host",
    "Latencies",
    "Machine",
    "Rule",
    "SimulatorDriver",
    "Volume",
    "parse_latency",
    "rule_from_wire",
]
