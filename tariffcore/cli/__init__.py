"""The command line: ``tariffcore price``, ``explain``, ``schedule``, ``sample``.

One module a command. What a command needs of the library is imported when it runs, so that ``--help`` and a
mistyped option answer at once.
"""

from tariffcore.cli.entry import main

__all__ = ["main"]
