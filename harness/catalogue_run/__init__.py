"""Many drills with one command: as many at once as the machine allows, one table at the end."""
