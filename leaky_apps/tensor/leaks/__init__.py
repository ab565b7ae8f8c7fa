"""The leaks of the inference service, one a file, and the healthy twin of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.tensor.leaks.captured_graphs import CapturedGraphs
from leaky_apps.tensor.leaks.cyclic_traces import CyclicTraces
from leaky_apps.tensor.leaks.embedding_cache import EmbeddingCache
from leaky_apps.tensor.leaks.forgotten_hook import ForgottenHook
from leaky_apps.tensor.leaks.forgotten_no_grad import ForgottenNoGrad
from leaky_apps.tensor.leaks.kept_errors import KeptErrors
from leaky_apps.tensor.leaks.kept_outputs import KeptOutputs
from leaky_apps.tensor.leaks.loaded_versions import LoadedVersions
from leaky_apps.tensor.leaks.loader_workers import LoaderWorkers
from leaky_apps.tensor.leaks.oversized_batches import OversizedBatches
from leaky_apps.tensor.leaks.pinned_buffers import PinnedBuffers
from leaky_apps.tensor.leaks.running_loss import RunningLoss
from leaky_apps.tensor.leaks.unused_blocks import UnusedBlocks

if TYPE_CHECKING:
    from leaky_apps.leak import Leak
    from leaky_apps.tensor.holdings import Holdings
    from leaky_apps.tensor.inference import Inference


def every_leak(inference: Inference, held: Holdings) -> tuple[Leak, ...]:
    """Each leak, tied to the part that it breaks."""
    return (
        ForgottenHook(inference, held.references),
        RunningLoss(held.references),
        KeptOutputs(held.references),
        ForgottenNoGrad(held.references),
        LoadedVersions(held.versions),
        OversizedBatches(inference),
        KeptErrors(held.references),
        EmbeddingCache(held.embeddings),
        UnusedBlocks(held.staging),
        CyclicTraces(inference),
        CapturedGraphs(held.graphs),
        PinnedBuffers(held.transfers),
        LoaderWorkers(held.loader),
    )
