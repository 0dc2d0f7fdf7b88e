"""From a hospital's books to tariffs: unit costs with capital in them, weights, base rate, a schedule folder.

The way of a number: `inputs` (read and checked, all problems at once) -> `assets` (depreciation and financing
cost of the period) -> `allocation` (overhead to ancillary to clinical) -> `unit_costs` -> `weights`,
`base_rate`, `profiles` -> `schedule_output` and `report`. `run.run_costing` walks it. `reference` says the
same in plain fractions.
"""
