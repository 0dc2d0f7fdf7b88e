"""The gRPC service: translates between messages and the library, and guards the door. No tariff rule lives here."""
