"""Tables that people fill in, CSV or XLSX: what they hold, reading them, all that is wrong at once."""
