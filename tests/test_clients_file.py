"""The clients file: read whole, or refused with every mistake and its place; no key is repeated."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from cds_service.clients import Client, ClientsError, KeySetError, read_clients, read_key_set
from tests.tokens import ABSENT, ec_key, edwards_key, key_set, rsa_key

Read = Callable[..., tuple[Client, ...]]
GENERAL = {
    "name": "General Hospital",
    "issuer": "https://ehr.example.org",
    "keys": {"jwks_url": "https://ehr.example.org/jwks.json"},
}


def entry(**changes: object) -> dict[str, object]:
    """One client with what it must have; ``changes`` replace or (``ABSENT``) remove fields."""
    return {name: value for name, value in {**GENERAL, **changes}.items() if value is not ABSENT}


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a file of these entries."""

    def reading(*entries: object) -> tuple[Client, ...]:
        file = tmp_path / "clients.yaml"
        file.write_text(yaml.safe_dump({"clients": list(entries)}), encoding="utf-8")
        return read_clients(file)

    return reading


@pytest.fixture
def problems(read: Read) -> Callable[..., tuple[str, ...]]:
    """The problems of a file of these entries."""

    def told(*entries: object) -> tuple[str, ...]:
        with pytest.raises(ClientsError) as refused:
            read(*entries)
        return refused.value.problems

    return told


@pytest.fixture
def problems_of_text(tmp_path: Path) -> Callable[[str | bytes], tuple[str, ...]]:
    """The problems of a file that holds this text."""

    def told(text: str | bytes) -> tuple[str, ...]:
        file = tmp_path / "clients.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ClientsError) as refused:
            read_clients(file)
        return refused.value.problems

    return told


class TestWhatIsRead:
    def test_a_client_has_the_defaults_of_the_contract(self, read):
        assert read(entry()) == (
            Client(
                name="General Hospital",
                issuer="https://ehr.example.org",
                jwks_url="https://ehr.example.org/jwks.json",
                algorithms=("ES384", "RS384"),
                refuse_replay=True,
                profile=None,
                card_extension=True,
                dialect="standard",
                quiet_hours=None,
                max_token_seconds=86_400,
            ),
        )

    def test_every_field_is_read(self, read, tmp_path):
        (tmp_path / "keys").mkdir()
        (tmp_path / "keys" / "general.json").write_bytes(key_set(rsa_key()))
        whole = entry(
            keys={"jwks_file": "keys/general.json"},
            algorithms=["RS256"],
            audiences=["sand_man"],
            fhir_servers=["https://ehr.example.org/fhir/", "http://10.1.2.3:8000/r4"],
            refuse_replay=False,
            tenants=["north", "south"],
            cors_origins=["https://EHR.example.org:443", "http://localhost:3000", "https://[::1]"],
            profile="EU",
            card_extension=False,
            dialect="epic",
            quiet_hours=0,
            max_token_hours=1,
        )

        assert read(whole) == (
            Client(
                name="General Hospital",
                issuer="https://ehr.example.org",
                jwks_file=tmp_path / "keys" / "general.json",
                algorithms=("RS256",),
                audiences=("sand_man",),
                fhir_servers=("https://ehr.example.org/fhir", "http://10.1.2.3:8000/r4"),
                refuse_replay=False,
                tenants=("north", "south"),
                cors_origins=("https://ehr.example.org", "http://localhost:3000", "https://[::1]"),
                profile="EU",
                card_extension=False,
                dialect="epic",
                quiet_hours=0,
                max_token_seconds=3600,
            ),
        )

    def test_clients_keep_their_order(self, read):
        other = entry(name="Other", issuer="https://other.example")

        assert [each.name for each in read(other, entry())] == ["Other", "General Hospital"]

    def test_a_key_file_is_found_beside_the_clients_file(self, read, tmp_path, monkeypatch):
        (tmp_path / "general.json").write_bytes(key_set(ec_key()))
        monkeypatch.chdir("/")

        (client,) = read(entry(keys={"jwks_file": "general.json"}))

        assert client.jwks_file == tmp_path / "general.json"

    def test_entries_may_share_lines(self, tmp_path):
        file = tmp_path / "clients.yaml"
        file.write_text(
            "clients:\n"
            "- &general {name: A, issuer: a, keys: {jwks_url: https://a.example/}}\n"
            "- {<<: *general, name: B, issuer: b}\n"
        )

        assert [each.name for each in read_clients(file)] == ["A", "B"]


class TestMistakes:
    @pytest.mark.parametrize("name", ["workbench", "Sandbox", "demo"])
    def test_a_name_of_our_own_callers_is_refused(self, problems, name):
        (problem,) = problems(entry(name=name))

        assert problem == "clients[0].name: is the name of a caller of our own; choose another"

    def test_all_of_them_are_told_with_place_and_remedy(self, problems):
        told = problems(
            entry(name=ABSENT, issuer=" ", tenant=["x"], refuse_replay="yes"),
            entry(algorithms=["HS256", "none"], cors_origins=["*"], profile="UK"),
            "General Hospital",
        )

        assert told == (
            "clients[0].tenant: there is no such field; did you mean tenants?",
            "clients[0].name: is missing",
            "clients[0].issuer: must not be empty",
            "clients[0].refuse_replay: must be true or false",
            *(
                f"clients[1].algorithms[{index}]: must be one of RS256, RS384, RS512, PS256, "
                "PS384, PS512, ES256, ES384, ES512, EdDSA; never none or HS…"
                for index in (0, 1)
            ),
            "clients[1].cors_origins[0]: must be an origin, scheme://host or scheme://host:port, "
            "without a path and never *",
            "clients[1].profile: must be US or EU",
            'clients[2]: must be a mapping of "field: value" lines',
            "clients[2].keys: is missing; give jwks_url or jwks_file",
            "clients[2].name: is missing",
            "clients[2].issuer: is missing",
        )

    @pytest.mark.parametrize(
        ("field", "value", "place"),
        [
            ("name", 7, "name"),
            ("name", None, "name"),
            ("issuer", ["https://a"], "issuer"),
            ("keys", None, "keys"),
            ("keys", "https://a/jwks.json", "keys"),
            ("keys", {}, "keys"),
            ("algorithms", [], "algorithms"),
            ("algorithms", "ES384", "algorithms"),
            ("algorithms", ["es384"], "algorithms[0]"),
            ("audiences", "x", "audiences"),
            ("audiences", [""], "audiences[0]"),
            ("audiences", [1], "audiences[0]"),
            ("refuse_replay", 1, "refuse_replay"),
            ("card_extension", "no", "card_extension"),
            ("dialect", "cerner", "dialect"),
            ("profile", "us", "profile"),
            ("quiet_hours", -1, "quiet_hours"),
            ("quiet_hours", 8761, "quiet_hours"),
            ("quiet_hours", True, "quiet_hours"),
            ("quiet_hours", "24", "quiet_hours"),
            ("max_token_hours", 0, "max_token_hours"),
            ("max_token_hours", 1.5, "max_token_hours"),
            ("tenants", {"north": 1}, "tenants"),
        ],
    )
    def test_each_field_has_its_type(self, problems, field, value, place):
        told = problems(entry(**{field: value}))

        assert any(each.startswith(f"clients[0].{place}: must ") for each in told)

    @pytest.mark.parametrize("field", ["name", "issuer"])
    def test_two_clients_cannot_be_told_apart_by_the_same_name_or_issuer(self, problems, field):
        other = entry(name="Other", issuer="https://other.example")

        assert problems(entry(), {**other, field: GENERAL[field]}) == (
            f"clients[1].{field}: is that of clients[0] too; every client needs its own",
        )

    @pytest.mark.parametrize(
        "url",
        [
            "http://ehr.example.org/jwks.json",
            "ftp://ehr.example.org/jwks.json",
            "https://user:secret@ehr.example.org/jwks.json",
            "https://ehr.example.org/jwks.json#k",
            "https://",
            "//ehr.example.org",
            "jwks.json",
            "https://ehr.example.org:99999/",
            "https://ehr.example.org:0/",
            "https://ehr .example.org/",
            "https://[::1",
            "http://127.0.0.1.example.org/",
            "http://10.0.0.1/jwks.json",
        ],
    )
    def test_a_key_url_is_https(self, problems, url):
        (told,) = problems(entry(keys={"jwks_url": url}))

        assert told.startswith("clients[0].keys.jwks_url: must be an https URL")

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9000", "127.8.8.8", "[::1]:9000"])
    def test_a_key_url_on_this_machine_may_be_http(self, read, host):
        (client,) = read(entry(keys={"jwks_url": f"http://{host}/jwks.json"}))

        assert client.jwks_url == f"http://{host}/jwks.json"

    @pytest.mark.parametrize(
        "url",
        [
            "ehr.example.org/fhir",
            "https://u@ehr.example.org/fhir",
            "https://ehr.example.org/fhir?x=1",
            "https://ehr.example.org/fhir?",
            "https://ehr.example.org/fhir#",
            "https://ehr.example.org/a/../fhir",
            "https://ehr.example.org/./fhir",
            "https://ehr.example.org/a/%2e%2E/fhir",
            "https://ehr.example.org\\@evil.example/",
            "file:///etc/passwd",
            "https://ehr.example.org/\nfhir",
            "*",
        ],
    )
    def test_a_fhir_server_is_one_place(self, problems, url):
        (told,) = problems(entry(fhir_servers=[url]))

        assert told.startswith("clients[0].fhir_servers[0]: must be an absolute http or https URL")

    @pytest.mark.parametrize(
        "origin",
        ["*", "null", "https://*.example.org", "https://a.example/", "https://a.example/x", "a"],
    )
    def test_an_origin_is_what_a_browser_sends(self, problems, origin):
        (told,) = problems(entry(cors_origins=[origin]))

        assert told.startswith("clients[0].cors_origins[0]: must be an origin")


class TestKeyFiles:
    @pytest.fixture
    def told(self, problems, tmp_path) -> Callable[[bytes], tuple[str, ...]]:
        def reading(data: bytes) -> tuple[str, ...]:
            (tmp_path / "keys.json").write_bytes(data)
            return problems(entry(keys={"jwks_file": "keys.json"}))

        return reading

    def test_a_file_that_is_not_there_is_told(self, problems):
        (told,) = problems(entry(keys={"jwks_file": "keys/none.json"}))

        assert told.startswith("clients[0].keys.jwks_file: the file cannot be read: No such file")

    def test_both_sources_are_one_too_many(self, problems):
        both = {"jwks_url": "https://a.example/", "jwks_file": "a.json"}

        assert problems(entry(keys=both)) == (
            "clients[0].keys: must hold exactly one of jwks_url and jwks_file",
        )

    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"keys":{}}', b'{"keys":"x"}'])
    def test_what_is_no_key_set_is_refused(self, told, data):
        (problem,) = told(data)

        assert "jwks_file: the file is not" in problem

    @pytest.mark.parametrize(
        "secret",
        [
            ECAlgorithm.to_jwk(ec_key().private, as_dict=True),
            RSAAlgorithm.to_jwk(rsa_key().private, as_dict=True),
            {"kty": "oct", "k": "c2VjcmV0"},
        ],
        ids=["EC", "RSA", "shared"],
    )
    def test_a_private_key_stops_the_start_and_is_not_repeated(self, told, secret):
        (problem,) = told(key_set(ec_key(), {**secret, "kid": "private"}))

        assert "holds a private or shared key" in problem
        assert not any(str(value) in problem for value in secret.values() if len(str(value)) > 5)

    @pytest.mark.parametrize(
        "unusable",
        [
            {**ec_key().jwk, "kid": ""},
            {name: value for name, value in ec_key().jwk.items() if name != "kid"},
            {**ec_key().jwk, "kid": 7},
            {**ec_key().jwk, "use": "enc"},
            {**ec_key().jwk, "key_ops": ["sign"]},
            {**ec_key().jwk, "key_ops": "verify"},
            {**ec_key().jwk, "crv": "P-256"},
            {**ec_key().jwk, "x": "AAAA"},
            {**ec_key().jwk, "x": ec_key().jwk["y"]},
            {**ec_key().jwk, "y": 5},
            {**ec_key().jwk, "alg": "ES256"},
            {**rsa_key().jwk, "n": ""},
            {**rsa_key().jwk, "e": "!"},
            rsa_key("weak", bits=1024).jwk,
            ec_key("p-256", "ES256").jwk,
            edwards_key().jwk,
            {"kty": "RSA", "kid": "x"},
            {"kty": "unknown", "kid": "x"},
            {"kid": "x"},
        ],
        ids=lambda jwk: f"{jwk.get('kty')} {jwk.get('crv', '')}",
    )
    def test_a_file_without_a_key_for_the_algorithms_is_refused(self, told, unusable):
        (problem,) = told(key_set(unusable))

        assert "holds no key for the client's algorithms" in problem

    def test_one_good_key_among_others_is_enough(self, read, tmp_path):
        others = [ec_key("small", "ES256"), {"kty": "unknown"}, {"kid": "x"}]
        (tmp_path / "keys.json").write_bytes(key_set(*others, rsa_key()))

        (client,) = read(entry(keys={"jwks_file": "keys.json"}))

        assert client.jwks_file == tmp_path / "keys.json"


class TestTheFileItself:
    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("", 'must be a mapping of "field: value" lines'),
            ("- x", 'must be a mapping of "field: value" lines'),
            ("{}", "clients: must be a list of at least one entry"),
            ("clients: []", "clients: must be a list of at least one entry"),
            ("clients: {}", "clients: must be a list of at least one entry"),
            ("client: []", "client: there is no such field; did you mean clients?"),
            ("clients: [", "line 1: not YAML"),
            ("a: 1\n\tb: 2", "line 2: not YAML"),
            ("!!python/object/apply:os.system [x]", "line 1: not YAML"),
            ("a: *nowhere", "line 1: not YAML"),
            ("a: 2024-99-99", "not YAML as we read it"),
            (b"\xff\xfe", "not UTF-8"),
            ("clients: " + "[" * 5000, "not YAML as we read it"),
            ("#" * 1_100_000, "larger than a megabyte"),
        ],
        ids=lambda text: str(text)[:20],
    )
    def test_what_is_no_list_of_clients_is_refused(self, problems_of_text, text, problem):
        assert problem in problems_of_text(text)[0]

    def test_a_field_given_twice_is_not_overwritten(self, problems_of_text):
        text = "clients:\n- name: A\n  issuer: a\n  name: B\n  tenants: []\n  tenants: []\n"

        assert problems_of_text(text) == (
            "line 4: a field is given twice; keep one of them",
            "line 6: a field is given twice; keep one of them",
        )

    def test_a_file_that_is_not_there_is_told(self, tmp_path):
        with pytest.raises(ClientsError, match="cannot be read: No such file"):
            read_clients(tmp_path / "none.yaml")

    def test_no_value_is_repeated(self, problems):
        """A key pasted into the wrong place would stand in the log."""
        secret = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v"
        told = problems(
            {name: secret for name in ("keys", "algorithms", "tenants", "profile", "dialect")},
            {secret: secret, f"-----BEGIN {secret}": 1, 7: secret},
            entry(keys={"jwks_url": secret}, fhir_servers=[secret], algorithms=[secret]),
        )

        assert secret not in " ".join(told)
        assert "clients[1].…: there is no such field" in " ".join(told)


@given(st.binary())
def test_no_bytes_whatever_break_the_reading_of_a_key_set(data):
    with suppress(KeySetError):
        assert read_key_set(data).keys == ()


@given(
    st.dictionaries(
        st.sampled_from(["kty", "kid", "crv", "x", "y", "n", "e", "alg", "use", "key_ops"]),
        st.none() | st.integers() | st.text() | st.lists(st.text(), max_size=2)
        | st.sampled_from(["EC", "RSA", "OKP", "P-384", "Ed25519", "ES384", "sig", "verify"]),
    )
)  # fmt: skip
def test_no_jwk_whatever_breaks_the_reading_of_a_key_set(jwk):
    assert len(read_key_set(key_set({**ec_key().jwk, **jwk}, ec_key("good"))).keys) in (1, 2)


def test_a_point_that_is_not_on_its_curve_is_no_key():
    other = ec.generate_private_key(ec.SECP384R1())
    y = ECAlgorithm.to_jwk(other.public_key(), as_dict=True)["y"]

    assert read_key_set(key_set({**ec_key().jwk, "y": y})).keys == ()
