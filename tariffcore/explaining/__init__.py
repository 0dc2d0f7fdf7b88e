"""How one line is priced, step by step: what every line needs, then treated cases and counted services."""
