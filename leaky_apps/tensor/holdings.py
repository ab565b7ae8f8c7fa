"""The parts that hold memory from one request to the next: each leak is in one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.tensor.embeddings import Embeddings
from leaky_apps.tensor.graphs import Graphs
from leaky_apps.tensor.loader import Loader
from leaky_apps.tensor.references import References
from leaky_apps.tensor.staging import Staging
from leaky_apps.tensor.transfers import Transfers
from leaky_apps.tensor.versions import Versions

if TYPE_CHECKING:
    from leaky_apps.tensor.device import Device


class Holdings:
    """One of each."""

    def __init__(self, device: Device) -> None:
        self.references = References()
        self.staging = Staging(device.name)
        self.versions = Versions(device.name)
        self.embeddings = Embeddings()
        self.transfers = Transfers(device)
        self.graphs = Graphs()
        self.loader = Loader()
