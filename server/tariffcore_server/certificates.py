"""Certificates as gRPC takes them: the next connection gets whatever is in force then, without a restart."""

from __future__ import annotations

import grpc

from tariffcore_server.credentials import Certificates


class CertificatesInForce:
    """The certificate of new connections. Those that are open keep the one they began with."""

    def __init__(self, certificates: Certificates) -> None:
        self._current = certificates
        self._is_new = False
        self._require_clients = certificates.client_ca is not None

    def replace(self, certificates: Certificates) -> None:
        """New connections get this one."""
        self._current = certificates
        self._is_new = True

    def server_credentials(self) -> grpc.ServerCredentials:
        """What a port listens with."""
        return grpc.dynamic_ssl_server_credentials(
            _configuration(self._current),
            self._fetch,  # type: ignore[arg-type]  # None is what gRPC's manual asks for
            self._require_clients,
        )

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """Asked by gRPC at every handshake; None: as before."""
        if not self._is_new:
            return None
        self._is_new = False
        return _configuration(self._current)


def _configuration(certificates: Certificates) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(certificates.key, certificates.chain)], root_certificates=certificates.client_ca
    )
