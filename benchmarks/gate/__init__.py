"""Has any path become slower? ``python -m benchmarks.gate`` (`make bench-quick`), under three minutes.

Every path is a list of calls of compiled functions, recorded while the library itself prices, reads or writes
sample cases (`workload`). They are made again (`replay`) in two ways. Under callgrind instructions are
counted, which repeat exactly (`counting`). And in turns with the compiled functions of the baseline, built
beside (`baseline`), they are timed (`ratios`): that sees what instructions do not, such as divisions and
cache misses.

`baseline.toml` names the baseline's sources by their git blobs and has its numbers. It changes only on
purpose: ``python -m benchmarks.gate --update --because "..."``.
"""
