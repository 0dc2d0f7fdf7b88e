"""The service's client: one case, a list or a whole table priced over gRPC, with the amounts of the library.

    from tariffcore.client import Client, Connection

    with Client(Connection(target="tariffs.example:50051", tls=True, token=token)) as client:
        priced = client.price_table(cases)

`AsyncClient` does the same on an event loop. Needs ``pip install 'tariffcore[client]'``.
"""

from tariffcore.client.calling import Client, ColumnStream
from tariffcore.client.calling_async import AsyncClient
from tariffcore.client.case_messages import LATEST, CasePrice, EditionChoice, PricedCase, PricedList
from tariffcore.client.connection import DEFAULT_PORT, Connection, read_token
from tariffcore.client.service_error import ClientError, ServiceError

__all__ = [
    "DEFAULT_PORT",
    "LATEST",
    "AsyncClient",
    "CasePrice",
    "Client",
    "ClientError",
    "ColumnStream",
    "Connection",
    "EditionChoice",
    "PricedCase",
    "PricedList",
    "ServiceError",
    "read_token",
]
