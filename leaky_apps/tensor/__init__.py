"""An inference service that holds tensors on a device: a CUDA card where there is one, the processor elsewhere.

One code path serves both. What differs (how memory is counted, what "out of memory" means) stands in `device.py`.
"""
