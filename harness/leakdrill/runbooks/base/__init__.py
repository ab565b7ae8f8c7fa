"""What the shell's reader and the runbook's reader share."""
