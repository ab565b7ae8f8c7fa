"""The meters. One source a file; `sampler.py` reads them all at one rate."""
