"""Rehearsals: drills whose steps are a runbook's."""
