"""The contract as Python: stubs generated from ``proto/tariffcore/v1`` by ``make stubs``.

Importing them needs protobuf, and those of services grpcio: the extras ``client`` and ``service``.
"""
