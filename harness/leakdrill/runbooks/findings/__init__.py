"""The findings of `leakdrill runbook lint`: a file for each, pure functions of a runbook."""
