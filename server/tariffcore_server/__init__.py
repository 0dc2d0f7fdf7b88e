"""The gRPC service: it translates between messages and the library. No tariff rule lives here."""
