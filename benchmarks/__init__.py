"""How fast tariffcore is, against what, on which machine: ``python -m benchmarks``.

Every comparison is made on the same cases in the same run, with the contestants taking turns, and only after
their results were found equal. What is not installed is named and left out.
"""
