"""Facts that several checks take from a record: stretches of time, series, estimates, states of alerts."""
