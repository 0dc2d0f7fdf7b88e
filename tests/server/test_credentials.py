"""Certificates and tokens from files, and TLS as callers meet it."""

from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
import trustme

from tariffcore.v1.pricing_service_pb2 import PriceCaseRequest
from tariffcore.v1.pricing_service_pb2_grpc import PricingServiceStub
from tariffcore_server.checking import check_everything
from tariffcore_server.credentials import Credentials, certificate_end, read_credentials
from tariffcore_server.settings import Settings
from tariffcore_server.tokens import CredentialsError, Role, new_token, token_entry
from tests.server.running import authority, case, certificates, failure_of, running_server

OWN = authority().cert_pem.bytes()


@pytest.fixture
def files(tmp_path):
    made = certificates()
    paths = {
        "tls_certificate": tmp_path / "chain.pem",
        "tls_key": tmp_path / "key.pem",
        "tls_client_ca": tmp_path / "ca.pem",
        "tokens": tmp_path / "tokens.toml",
    }
    paths["tls_certificate"].write_bytes(made.chain)
    paths["tls_key"].write_bytes(made.key)
    paths["tls_client_ca"].write_bytes(OWN)
    paths["tokens"].write_text(token_entry("a", new_token(), [Role.READ], None))
    return paths


def settings(files, *names):
    return Settings(**{name: str(files[name]) for name in names or files})


def problems_of(wanted):
    with pytest.raises(CredentialsError) as caught:
        read_credentials(wanted)
    return [(Path(problem.place).name, problem.field, problem.message) for problem in caught.value.problems]


def test_nothing_named_is_nothing_read():
    assert read_credentials(Settings()) == Credentials()


def test_what_is_named_is_read_and_travels_to_workers_whole(files):
    read = read_credentials(settings(files))
    assert read.certificates.chain == files["tls_certificate"].read_bytes()
    assert read.certificates.client_ca == OWN and len(read.tokens) == 1
    assert Credentials.from_json(read.to_json()) == read
    assert Credentials.from_json(Credentials().to_json()) == Credentials()


def test_all_problems_come_at_once_and_show_no_secret(files):
    files["tls_key"].unlink()
    files["tls_client_ca"].write_text("no certificate")
    files["tokens"].write_text("[[token]]")
    found = problems_of(settings(files))
    assert ("key.pem", "tls_key", "cannot be read (No such file or directory)") in found
    assert ("ca.pem", "tls_client_ca", "holds no PEM certificate") in found
    assert any(place == "tokens.toml: token 1" for place, _, _ in found)


@pytest.mark.parametrize("content", [b"", b"x", b"\xff\xfe", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_certificate_is_said_to_be_none(files, content):
    files["tls_certificate"].write_bytes(content)
    ((place, field, _),) = problems_of(settings(files, "tls_certificate", "tls_key"))
    assert (place, field) == ("chain.pem", "tls_certificate")


def test_the_key_of_another_certificate_is_refused(files):
    files["tls_key"].write_bytes(certificates().key)
    assert problems_of(settings(files, "tls_certificate", "tls_key")) == [
        ("key.pem", "tls_key", "is not the private key of the certificate")
    ]


def test_a_key_with_a_password_is_refused_without_asking_for_it(files):
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(files["tls_key"].read_bytes(), None)
    files["tls_key"].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    assert problems_of(settings(files, "tls_certificate", "tls_key")) == [
        ("key.pem", "tls_key", "is protected by a password")
    ]


@pytest.mark.parametrize("year", [2031, 2049, 2050, 2099])
def test_the_end_of_a_certificate_is_read_on_both_sides_of_2050(year):
    end = datetime(year, 7, 9, 1, 2, 3, tzinfo=UTC)
    made = authority().issue_cert("localhost", not_after=end)
    assert certificate_end(made.cert_chain_pems[0].bytes()) == end


@pytest.mark.parametrize(
    ("year", "said"), [(2020, "CERTIFICATE ENDED 2020-07-09"), (2099, "certificate ends 2099-07-09")]
)
def test_a_check_tells_a_certificate_that_has_ended(files, year, said):
    begin, end = datetime(2019, 1, 1, tzinfo=UTC), datetime(year, 7, 9, tzinfo=UTC)
    made = authority().issue_cert("localhost", not_before=begin, not_after=end)
    files["tls_certificate"].write_bytes(made.cert_chain_pems[0].bytes())
    files["tls_key"].write_bytes(made.private_key_pem.bytes())
    (line,) = [
        line for line in check_everything(settings(files, "tls_certificate", "tls_key")) if "TLS" in line
    ]
    assert said in line


@pytest.mark.parametrize("cut", range(60, 800, 37))
def test_a_certificate_cut_short_has_no_end(cut):
    pem = authority().issue_cert("localhost").cert_chain_pems[0].bytes()
    with pytest.raises(ValueError):
        certificate_end(pem[:cut])


# -- as callers meet it ----------------------------------------------------------------------------


def price(running, credentials):
    with running.channel(credentials=credentials) as channel:
        call = PricingServiceStub(channel).PriceCase
        return call(PriceCaseRequest(case=case()), timeout=20).priced.amount_minor


def test_a_caller_who_trusts_the_authority_is_served_and_others_are_not():
    with running_server(credentials=Credentials(certificates())) as running:
        assert price(running, grpc.ssl_channel_credentials(OWN)) == 123_450
        stranger = trustme.CA().cert_pem.bytes()
        said = failure_of(lambda: price(running, grpc.ssl_channel_credentials(stranger)))
        assert said.code is grpc.StatusCode.UNAVAILABLE
        assert failure_of(lambda: price(running, None)).code is grpc.StatusCode.UNAVAILABLE  # plain text


def client(authority_of_client):
    made = authority_of_client.issue_cert("clinic@example.org")
    chain = b"".join(blob.bytes() for blob in made.cert_chain_pems)
    return grpc.ssl_channel_credentials(OWN, made.private_key_pem.bytes(), chain)


def test_with_mutual_tls_only_clients_of_the_authority_are_let_in():
    clients, strangers = authority("clients"), trustme.CA()
    with running_server(credentials=Credentials(certificates(client_ca=clients))) as running:
        assert price(running, client(clients)) == 123_450
        for refused in (client(strangers), grpc.ssl_channel_credentials(OWN)):
            said = failure_of(lambda refused=refused: price(running, refused))
            assert said.code is grpc.StatusCode.UNAVAILABLE


def test_new_connections_get_new_certificates_and_open_ones_stay():
    other = authority("other")
    with running_server(credentials=Credentials(certificates(client_ca=authority("clients")))) as running:
        with running.channel(credentials=client(authority("clients"))) as old:
            call = PricingServiceStub(old).PriceCase
            assert call(PriceCaseRequest(case=case())).priced.amount_minor == 123_450
            running.put_in_force(credentials=Credentials(certificates(client_ca=other)))
            assert price(running, client(other)) == 123_450
            assert call(PriceCaseRequest(case=case())).priced.amount_minor == 123_450
        assert failure_of(lambda: price(running, client(authority("clients")))).code is (
            grpc.StatusCode.UNAVAILABLE
        )
