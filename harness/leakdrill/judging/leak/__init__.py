"""Whether memory leaks, judged per completed request, from a recording. Pure."""
