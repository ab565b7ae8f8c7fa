"""Shell as runbooks have it: parsed by a real parser, and judged by what it would do."""
