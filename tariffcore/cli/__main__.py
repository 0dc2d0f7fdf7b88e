"""``python -m tariffcore.cli``."""

from tariffcore.cli import main

main()
