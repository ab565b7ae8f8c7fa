"""Two runs of one scenario: what differs between them beyond its noise."""
