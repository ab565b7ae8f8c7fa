"""The leaks of the inference service, one a file, and the healthy twin of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaky_apps.tensor.leaks.cyclic_traces import CyclicTraces
from leaky_apps.tensor.leaks.embedding_cache import EmbeddingCache
from leaky_apps.tensor.leaks.forgotten_hook import ForgottenHook
from leaky_apps.tensor.leaks.kept_errors import KeptErrors
from leaky_apps.tensor.leaks.loaded_versions import LoadedVersions
from leaky_apps.tensor.leaks.oversized_batches import OversizedBatches
from leaky_apps.tensor.leaks.running_loss import RunningLoss
from leaky_apps.tensor.leaks.unused_blocks import UnusedBlocks

if TYPE_CHECKING:
    from leaky_apps.leak import Leak
    from leaky_apps.tensor.embeddings import Embeddings
    from leaky_apps.tensor.inference import Inference
    from leaky_apps.tensor.references import References
    from leaky_apps.tensor.staging import Staging
    from leaky_apps.tensor.versions import Versions


def every_leak(
    inference: Inference, references: References, staging: Staging, versions: Versions, embeddings: Embeddings
) -> tuple[Leak, ...]:
    """Each leak, tied to the part that it breaks."""
    return (
        ForgottenHook(inference, references),
        RunningLoss(references),
        LoadedVersions(versions),
        OversizedBatches(inference),
        KeptErrors(references),
        EmbeddingCache(embeddings),
        UnusedBlocks(staging),
        CyclicTraces(inference),
    )
