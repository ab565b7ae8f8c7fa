"""Whether a function leaks that is called many times in this process: what the pytest plugin stands on.

`calls.py` calls it, `readings.py` reads the process at a quiet point, `schedule.py` says how many calls make a slot,
`measure.py` does it all and yields a trace for the verdict of `harness.gate`; `cache_fill.py`, `what_grew.py` and
`explanation.py` say what was found.
"""
