"""Small wrong changes to alerting rules, and whether stored drills would have noticed each."""
