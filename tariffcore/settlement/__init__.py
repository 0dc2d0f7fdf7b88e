"""A provider's month from claim to payment: deductions, linear scale, advances, the year's contract.

`rules` and `contracts` are read from tables; `month` is the calculation and `reference` its slow twin;
`lines` are the claims as columns; `book` keeps what must survive.
"""
