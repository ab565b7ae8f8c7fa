"""The memory gate: whether memory leaks, judged per completed request.

`trace.py` reads a recording, `quiet_points.py` reduces it to comparable points, `warmup.py` finds where warm-up ends,
`slopes.py` estimates growth with an interval that holds for memory's steps, `growth_kind.py` says what grew, and
`leak_verdict.py` gives the word. All of it is pure.
"""
