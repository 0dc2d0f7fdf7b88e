"""From diagnoses and procedures to the cost group: rules compiled, applied, explained and compared."""
