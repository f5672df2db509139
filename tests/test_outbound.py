"""A GET ends in time, stays small, and goes to the address that was judged and nowhere else."""

from __future__ import annotations

import multiprocessing
import os
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cds_service.outbound import (
    Answer,
    MayConnect,
    Outbound,
    OutboundError,
    PerProcess,
    listed_server,
    loopback_only,
)
from tests import fhir_stub as stub
from tests.fhir_stub import FHIRStub

PLENTY = 60.0
LITTLE = 0.2
MEGABYTE = 1024 * 1024


@pytest.fixture
def server() -> Iterator[FHIRStub]:
    with FHIRStub([{"resourceType": "Patient", "id": "p-1"}]) as running:
        yield running


def get(
    url: str,
    outbound: Outbound | None = None,
    seconds: float = PLENTY,
    max_bytes: int = MEGABYTE,
    may_connect: MayConnect = loopback_only,
    headers: dict[str, str] | None = None,
) -> Answer:
    deadline = time.monotonic() + seconds
    return (outbound or Outbound()).get(url, headers or {}, deadline, max_bytes, may_connect)


def why_not(url: str, *args: Any, **options: Any) -> str:
    with pytest.raises(OutboundError) as refused:
        get(url, *args, **options)
    assert url not in str(refused.value)
    return refused.value.reason


class TestAnswers:
    def test_have_a_status_headers_in_lower_case_and_a_body(self, server):
        answer = get(f"{server.url}/Patient/p-1")
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/fhir+json"
        assert answer.body == b'{"resourceType":"Patient","id":"p-1"}'

    @pytest.mark.parametrize("code", [204, 304, 400, 401, 404, 429, 500, 503, 599])
    def test_of_any_status_are_answers(self, server, code):
        server.fault("*", stub.status(code))
        assert get(f"{server.url}/Patient/p-1").status == code

    def test_come_over_one_connection_when_asked_one_after_the_other(self, server):
        outbound = Outbound()
        ports: set[int] = set()
        server.fault("*", lambda handler: _note_port(handler, ports))
        for _ in range(5):
            get(f"{server.url}/Patient/p-1", outbound)
        assert len(ports) == 1

    def test_come_again_when_the_kept_connection_was_closed_meanwhile(self, server):
        outbound = Outbound()
        closing = iter([False, True, False])
        server.fault("*", lambda h: stub.reset(h) if next(closing) else h.answer(h.value))
        for _ in range(2):
            assert get(f"{server.url}/Patient/p-1", outbound).status == 200
        assert len(server.requests) == 3

    def test_do_not_get_mixed_between_threads(self, server):
        server.chart = [{"resourceType": "Patient", "id": f"p-{n}"} for n in range(20)]
        outbound, found = Outbound(), {}

        def ask(number: int) -> None:
            found[number] = get(f"{server.url}/Patient/p-{number}", outbound).body

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(f'"p-{number}"'.encode() in body for number, body in found.items())
        assert len(found) == 20


def _note_port(handler: stub.Handler, ports: set[int]) -> None:
    ports.add(handler.client_address[1])
    handler.answer(handler.value)


class TestLimits:
    @pytest.mark.parametrize("fault", [stub.hang, stub.drip, stub.drip_head])
    def test_a_slow_server_is_left_at_the_deadline(self, server, fault):
        server.fault("*", fault)
        assert why_not(f"{server.url}/Patient/p-1", seconds=LITTLE) == "timeout"
        assert not server.released.is_set()

    def test_endless_preliminary_answers_are_no_answer(self, server):
        def still_at_it(handler: stub.Handler) -> None:
            handler.close_connection = True
            while not handler.stub.released.wait(stub.BETWEEN_BYTES):
                handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                handler.wfile.flush()

        server.fault("*", still_at_it)
        assert why_not(f"{server.url}/Patient/p-1", seconds=LITTLE) == "timeout"

    def test_a_chunk_that_drips_is_left_at_the_deadline(self, server):
        def one_long_chunk(handler: stub.Handler) -> None:
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            handler.wfile.write(b"ffff\r\n")
            stub._drip(handler, b"x")

        server.fault("*", one_long_chunk)
        assert why_not(f"{server.url}/Patient/p-1", seconds=LITTLE) == "timeout"

    def test_a_large_answer_is_not_read(self, server):
        server.fault("*", stub.huge)
        assert why_not(f"{server.url}/Patient/p-1") == "too-large"

    def test_an_answer_of_the_very_size_is(self, server):
        size = len(get(f"{server.url}/Patient/p-1").body)
        assert get(f"{server.url}/Patient/p-1", max_bytes=size).status == 200
        assert why_not(f"{server.url}/Patient/p-1", max_bytes=size - 1) == "too-large"

    def test_a_compressed_answer_is_refused(self, server):
        server.fault("*", stub.zipped)
        assert why_not(f"{server.url}/Patient/p-1") == "encoded"

    def test_after_the_deadline_nothing_is_sent(self, server):
        assert why_not(f"{server.url}/Patient/p-1", seconds=0) == "timeout"
        assert server.requests == []

    @pytest.mark.parametrize("fault", [stub.reset, stub.cut_short])
    def test_half_an_answer_is_none(self, server, fault):
        server.fault("*", fault)
        assert why_not(f"{server.url}/Patient/p-1") == "connection"

    def test_nobody_there(self, server):
        with FHIRStub([]) as gone:
            url = f"{gone.url}/Patient/p-1"
        assert why_not(url) == "connection"

    def test_a_header_that_would_be_two_is_not_sent(self, server):
        url = f"{server.url}/Patient/p-1"
        assert why_not(url, headers={"Authorization": "Bearer a\r\nX-B: c"}) == "connection"
        assert server.requests == []


class TestNames:
    def test_are_resolved_once_in_half_a_minute(self, server):
        asked: list[str] = []

        def resolve(name: str) -> list[str]:
            asked.append(name)
            return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

        outbound = Outbound(resolve)
        url = server.url.replace("127.0.0.1", "ehr.example.org")
        for _ in range(3):
            get(f"{url}/Patient/p-1", outbound, may_connect=listed_server)
        assert asked == ["ehr.example.org"]
        assert {r.headers["Host"].partition(":")[0] for r in server.requests} == {"ehr.example.org"}

    def test_that_do_not_exist(self):
        def resolve(name: str) -> list[str]:
            raise OSError("no such name")

        assert why_not("http://gone.example.org/", Outbound(resolve)) == "unresolved"

    def test_that_failed_are_asked_for_again(self, server):
        answers = iter([OSError("busy"), ["127.0.0.1"]])

        def resolve(name: str) -> list[str]:
            answer = next(answers)
            if isinstance(answer, OSError):
                raise answer
            return answer

        outbound, url = Outbound(resolve), server.url.replace("127.0.0.1", "localhost")
        assert why_not(f"{url}/Patient/p-1", outbound) == "unresolved"
        assert get(f"{url}/Patient/p-1", outbound).status == 200

    def test_whose_resolver_hangs_are_left_at_the_deadline(self):
        released = threading.Event()

        def resolve(name: str) -> list[str]:
            released.wait()
            return []

        assert why_not("http://slow.example.org/", Outbound(resolve), seconds=LITTLE) == "timeout"
        released.set()

    def test_with_several_addresses_are_tried_one_after_the_other(self, server):
        url = server.url.replace("127.0.0.1", "localhost")
        outbound = Outbound(lambda name: ["::1", "127.0.0.2", "127.0.0.1"])
        assert get(f"{url}/Patient/p-1", outbound).status == 200

    def test_localhost_is_this_machine(self, server):
        url = server.url.replace("127.0.0.1", "localhost")
        assert get(f"{url}/Patient/p-1").status == 200


class TestNothingFromTheEnvironment:
    def test_no_proxy(self, server, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
        assert get(f"{server.url}/Patient/p-1").status == 200

    def test_no_netrc(self, server, monkeypatch, tmp_path):
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login somebody password secret\n", "utf-8")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        get(f"{server.url}/Patient/p-1")
        assert "Authorization" not in server.requests[0].headers

    def test_no_cookie_comes_back(self, server):
        outbound = Outbound()
        for _ in range(2):
            get(f"{server.url}/Patient/p-1", outbound)
        assert "Cookie" not in server.requests[1].headers


class TestTLS:
    @pytest.fixture(autouse=True)
    def trust_nobody(self, monkeypatch):
        for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
            monkeypatch.delenv(variable, raising=False)

    @pytest.fixture
    def authority(self, tmp_path) -> Path:
        return _certify(tmp_path, "ehr.example.org")

    @pytest.fixture
    def secure(self, authority) -> Iterator[str]:
        """The address of a server that proves to be ehr.example.org."""
        with FHIRStub([{"resourceType": "Patient", "id": "p-1"}]) as running:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(authority.with_name("server.pem"))
            running._http.socket = context.wrap_socket(running._http.socket, server_side=True)
            yield f"{running.url}/Patient/p-1".replace("http:", "https:")

    def ask(self, url: str, name: str) -> Answer:
        outbound = Outbound(lambda _: ["127.0.0.1"])
        return get(url.replace("127.0.0.1", name), outbound, may_connect=listed_server)

    @pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
    def test_a_server_is_known_by_its_name_at_a_pinned_address(
        self, secure, authority, monkeypatch, variable
    ):
        monkeypatch.setenv(variable, str(authority))
        assert self.ask(secure, "ehr.example.org").status == 200

    def test_both_bundles_count(self, secure, authority, monkeypatch, tmp_path):
        (tmp_path / "other").mkdir()
        monkeypatch.setenv("SSL_CERT_FILE", str(_certify(tmp_path / "other", "other")))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
        assert self.ask(secure, "ehr.example.org").status == 200

    def test_another_name_is_refused(self, secure, authority, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        with pytest.raises(OutboundError, match="tls"):
            self.ask(secure, "other.example.org")
        with pytest.raises(OutboundError, match="tls"):
            get(secure)

    def test_an_authority_nobody_named_is_refused(self, secure):
        with pytest.raises(OutboundError, match="tls"):
            self.ask(secure, "ehr.example.org")

    def test_a_bundle_that_is_not_there_trusts_nobody(self, secure, monkeypatch, tmp_path):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone.pem"))
        with pytest.raises(OutboundError, match="tls"):
            self.ask(secure, "ehr.example.org")

    def test_a_folder_of_authorities_may_be_empty(self, secure, monkeypatch, tmp_path):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
        with pytest.raises(OutboundError, match="tls"):
            self.ask(secure, "ehr.example.org")


def _certify(folder: Path, name: str) -> Path:
    """The file of an authority; beside it ``server.pem``, which it signed for the name."""
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("authority", authority_key, "authority", authority_key, None)
    server = _certificate(name, server_key, "authority", authority_key, name)
    key = server_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "server.pem").write_bytes(key + server)
    path = folder / "authority.pem"
    path.write_bytes(authority)
    return path


def _certificate(subject: str, key: Any, issuer: str, signer: Any, host: str | None) -> bytes:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if host is not None:
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        builder = builder.add_extension(names, critical=False)
    else:
        others = "content_commitment key_encipherment data_encipherment key_agreement"
        usage = dict.fromkeys([*others.split(), "encipher_only", "decipher_only"], False)
        builder = builder.add_extension(
            x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **usage),
            critical=True,
        )
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _own_number(made: PerProcess[int], answer: Any) -> None:
    answer.put(made())


def test_every_process_makes_its_own():
    """Connections and threads must not cross the fork of a worker."""
    made = PerProcess(os.getpid)
    assert made() == made() == os.getpid()
    forked = multiprocessing.get_context("fork")
    answer = forked.SimpleQueue()
    child = forked.Process(target=_own_number, args=(made, answer))
    child.start()
    assert answer.get() == child.pid
    child.join()


def test_an_address_is_judged_with_the_host_it_stands_for(server):
    judged: list[tuple[str, Any]] = []

    def nobody(host: str, address: Any) -> bool:
        judged.append((host, address))
        return False

    url = "http://EHR.Example.org./fhir"
    outbound = Outbound(lambda _: ["10.0.0.1"])
    assert why_not(url, outbound, may_connect=nobody) == "refused-address"
    assert judged == [("ehr.example.org", ip_address("10.0.0.1"))]
