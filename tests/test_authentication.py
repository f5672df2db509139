"""What a token must be: every line of the specification, one test each, at the gate itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.clients import Client
from cds_service.outbound import Outbound
from cds_service.store.port import StoreUnavailable
from cds_service.web.authentication import Gate, Trusted
from cds_service.web.keys import keys_of
from cds_service.web.token import LEEWAY_SECONDS, TokenRefused
from tests import tokens
from tests.tokens import (
    ABSENT,
    INSTANT,
    ISSUER,
    NOW,
    PUBLIC_URL,
    SERVICE_PATH,
    TokenMemory,
    bearer,
    claims,
    ec_key,
    edwards_key,
    key_set,
    part,
    rsa_key,
    signed,
    token,
)

DAY = 86_400


class NoNetwork(Outbound):
    """Fails the test that makes a request."""

    def get(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nothing may be fetched")


def gate(*clients: Client, memory: TokenMemory | None = None) -> Gate:
    """A gate that knows these clients; keys come from their files."""
    trusted = [Trusted(each, keys_of(each, NoNetwork()).find) for each in clients]
    return Gate(trusted, PUBLIC_URL, memory or TokenMemory(), lambda: NOW)


@pytest.fixture
def hospital(tmp_path: Path) -> Client:
    return tokens.client(tmp_path)


@pytest.fixture
def refusal(hospital: Client) -> Callable[..., str]:
    """The reason why a header is refused, "" when it is let in."""

    def told(header: str, path: str = SERVICE_PATH, **changes: Any) -> str:
        return reason(gate(replace(hospital, **changes)), header, path)

    return told


def reason(at: Gate, header: str, path: str = SERVICE_PATH) -> str:
    try:
        at.admit(header, path)
    except TokenRefused as refused:
        return refused.reason
    return ""


class TestTheHeaderLine:
    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
    def test_the_scheme_may_be_in_any_case(self, refusal, scheme):
        assert refusal(f"{scheme} {token()}") == ""

    def test_several_spaces_may_follow_the_scheme(self, refusal):
        assert refusal(f"Bearer  {token()}") == ""
        assert refusal(f" Bearer     {token()} ") == ""

    @pytest.mark.parametrize(
        ("header", "why"),
        [
            ("", "no-token"),
            ("  ", "no-token"),
            ("Bearer", "not-bearer"),
            ("Bearer ", "not-bearer"),
            ("Basic YTpi", "not-bearer"),
            ("Bearer a.b.c d", "not-bearer"),
            ("Bearer\ta.b.c", "not-bearer"),
            ("Bearer a.b.c", "not-a-jwt"),
            ("Bearer a.b", "not-a-jwt"),
            ("Bearer a.b.c.d", "not-a-jwt"),
            ("Bearer ..", "not-a-jwt"),
            ("Bearer é.é.é", "not-a-jwt"),
            ("Bearer " + "a" * 9000, "too-long"),
        ],
    )
    def test_anything_else_is_no_token(self, refusal, header, why):
        assert refusal(header) == why

    def test_a_token_without_scheme_is_none(self, refusal):
        assert refusal(token()) == "not-bearer"

    def test_two_tokens_are_none(self, refusal):
        assert refusal(f"{bearer()}, {bearer()}") == "not-bearer"

    @pytest.mark.parametrize("payload", [[], "x", 1, None, b"{", b"\xff", b'{"a":1,"a":2}'])
    def test_a_payload_must_be_a_plain_object(self, refusal, payload):
        header = {"alg": "ES384", "kid": "ec-1", "typ": "JWT"}

        assert refusal(f"Bearer {signed(ec_key(), header, payload)}") == "not-a-jwt"

    def test_a_header_that_says_a_thing_twice_is_refused(self, refusal):
        header = b'{"alg":"ES384","alg":"none","kid":"ec-1","typ":"JWT"}'

        assert refusal(f"Bearer {signed(ec_key(), header, claims())}") == "not-a-jwt"


class TestAlgorithms:
    @pytest.mark.parametrize("key", [ec_key(), rsa_key()], ids=["ES384", "RS384"])
    def test_both_recommended_algorithms_are_let_in(self, refusal, key):
        assert refusal(bearer(key)) == ""

    @pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
    @pytest.mark.parametrize("signature", ["", "YQ"])
    def test_none_is_refused_in_every_spelling(self, refusal, name, signature):
        header = {"alg": name, "kid": "ec-1", "typ": "JWT"}

        assert refusal(f"Bearer {part(header)}.{part(claims())}.{signature}") != ""

    @pytest.mark.parametrize("key", [ec_key(), rsa_key()], ids=["EC", "RSA"])
    @pytest.mark.parametrize("named", ["HS256", "ES384", "RS384"])
    def test_a_public_key_is_no_shared_secret(self, refusal, key, named):
        """The oldest attack: the public key, which everybody has, used as an HMAC secret."""
        header = {"alg": named, "kid": key.kid, "typ": "JWT"}
        for secret in (key.pem, json.dumps(key.jwk).encode(), key_set(key)):
            assert refusal(f"Bearer {tokens.hmac_token(secret, header)}") != ""

    @pytest.mark.parametrize("key", [ec_key(), rsa_key()], ids=["EC", "RSA"])
    def test_the_header_cannot_switch_the_kind_of_key(self, refusal, key):
        other = {"ES384": "RS384", "RS384": "ES384"}[key.algorithm]

        assert refusal(bearer(key, {"alg": other})) == "key-does-not-fit"

    def test_an_algorithm_the_client_was_not_given_is_refused(self, refusal):
        assert refusal(bearer(), algorithms=("RS384",)) == "algorithm-not-allowed"

    @pytest.mark.parametrize("name", ["RS256", "RS512", "PS256", "PS384"])
    def test_another_algorithm_works_once_it_is_allowed(self, refusal, name):
        key = replace(rsa_key(), algorithm=name)

        assert refusal(bearer(key)) == "algorithm-not-allowed"
        assert refusal(bearer(key), algorithms=(name,)) == ""

    def test_ed25519_works_once_it_is_allowed(self, tmp_path):
        hospital = tokens.client(tmp_path, edwards_key(), algorithms=("EdDSA",))

        assert reason(gate(hospital), bearer(edwards_key())) == ""

    def test_a_key_is_held_to_the_algorithm_it_names(self, tmp_path):
        hospital = tokens.client(tmp_path, {**rsa_key().jwk, "alg": "RS512"})

        assert reason(gate(hospital), bearer(rsa_key())) == "key-does-not-fit"

    def test_a_curve_of_another_size_does_not_fit(self, tmp_path):
        small = ec_key("small", "ES256")
        hospital = tokens.client(tmp_path, small)

        assert reason(gate(hospital), bearer(small, {"alg": "ES384"})) == "key-does-not-fit"


class TestTheTokensHeader:
    @pytest.mark.parametrize("written", ["JWT", "jwt", "Jwt"])
    def test_the_type_may_be_in_any_case(self, refusal, written):
        assert refusal(bearer(header={"typ": written})) == ""

    @pytest.mark.parametrize("written", [ABSENT, "", "JOSE", "at+jwt", 1, None, ["JWT"]])
    def test_another_type_or_none_is_refused(self, refusal, written):
        assert refusal(bearer(header={"typ": written})) == "wrong-type"

    @pytest.mark.parametrize("written", [ABSENT, "", None])
    def test_a_token_that_names_no_key_is_refused(self, refusal, written):
        assert refusal(bearer(header={"kid": written})) == "no-kid"

    @pytest.mark.parametrize("written", [1, ["ec-1"], {"kid": "ec-1"}, True])
    def test_the_name_of_a_key_is_text(self, refusal, written):
        assert refusal(bearer(header={"kid": written})) == "no-kid"

    @pytest.mark.parametrize(
        "written", ["ec-2", "EC-1", "ec-1 ", "../../etc/passwd", "' or 1=1 --", "x" * 3000]
    )
    def test_a_key_that_was_not_published_is_refused(self, refusal, written):
        assert refusal(bearer(header={"kid": written})) == "unknown-key"

    def test_keys_of_two_kinds_may_share_a_name(self, tmp_path):
        twins = ec_key("same"), rsa_key("same")
        at = gate(tokens.client(tmp_path, *twins, refuse_replay=False))

        assert [reason(at, bearer(key)) for key in twins] == ["", ""]

    def test_of_keys_with_one_name_either_may_have_signed(self, tmp_path):
        first, second = ec_key("same"), replace(ec_key("other"), kid="same")
        at = gate(tokens.client(tmp_path, first, second, refuse_replay=False))

        assert [reason(at, bearer(key)) for key in (first, second)] == ["", ""]
        assert reason(at, bearer(replace(ec_key("third"), kid="same"))) == "bad-signature"

    @pytest.mark.parametrize("written", [[], ["exp"], ["b64"], "exp", None])
    def test_a_header_that_must_be_understood_is_refused(self, refusal, written):
        assert refusal(bearer(header={"crit": written, "b64": False})) == "critical-header"

    def test_a_key_that_the_token_brings_along_is_not_looked_at(self, refusal):
        attacker = ec_key("attacker")
        header = {
            "kid": "ec-1",
            "jwk": attacker.jwk,
            "x5u": "https://attacker.example",
            "x5c": ["x"],
        }

        assert refusal(bearer(attacker, header)) == "bad-signature"
        assert refusal(bearer(header=header)) == ""

    @pytest.mark.parametrize(
        "jku",
        ["https://attacker.example/jwks.json", "http://169.254.169.254/", "file:///etc", 1, None],
    )
    def test_a_key_address_that_is_not_the_clients_causes_no_request(self, tmp_path, jku):
        """``NoNetwork`` fails on any request at all."""
        url = f"{ISSUER}/jwks.json"
        hospital = tokens.client(tmp_path, jwks_url=url)

        assert reason(gate(hospital), bearer(header={"jku": jku})) == "foreign-jku"

    def test_where_keys_come_from_a_file_a_key_address_is_passed_over(self, refusal):
        """A client seen in the wild names an address that holds no key set."""
        assert refusal(bearer(header={"jku": "https://ehr.example.org/not-a-set"})) == ""
        assert refusal(bearer(ec_key("ec-2"), {"jku": "https://attacker.example"})) == "unknown-key"


class TestSignature:
    def test_a_signature_by_another_key_is_refused(self, refusal):
        forged = replace(ec_key("attacker"), kid="ec-1")

        assert refusal(bearer(forged)) == "bad-signature"

    def test_claims_cannot_be_changed_under_a_signature(self, refusal):
        header, _, signature = token().split(".")
        changed = part(claims(jti="another"))

        assert refusal(f"Bearer {header}.{changed}.{signature}") == "bad-signature"

    def test_a_signature_of_zeros_is_refused(self, refusal):
        message = token().rpartition(".")[0]

        assert refusal(f"Bearer {message}.{part(bytes(96))}") == "bad-signature"


class TestClaims:
    @pytest.mark.parametrize("name", ["iss", "aud", "exp", "iat", "jti"])
    @pytest.mark.parametrize("value", [ABSENT, None, "", {}, [], True, [1], [[]]], ids=str)
    def test_each_required_claim_must_be_there_and_of_its_type(self, refusal, name, value):
        assert refusal(bearer(**{name: value})) != ""

    @pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
    @pytest.mark.parametrize("value", [str(INSTANT), "soon", f"{INSTANT}x", [INSTANT], None])
    def test_an_instant_is_a_number(self, refusal, name, value):
        assert refusal(bearer(**{name: value})) == f"{name}-missing"

    @pytest.mark.parametrize("value", [10**90, -(10**90), 0, -1])
    @pytest.mark.parametrize("name", ["exp", "iat"])
    def test_an_instant_beyond_all_measure_is_refused(self, refusal, name, value):
        assert refusal(bearer(**{name: value})) != ""

    def test_an_instant_may_have_a_fraction(self, refusal):
        assert refusal(bearer(iat=INSTANT - 0.25, exp=INSTANT + 299.75)) == ""

    @pytest.mark.parametrize("value", ["https://attacker.example", f"{ISSUER}/", ISSUER.upper()])
    def test_an_issuer_is_known_exactly_as_it_is_written(self, refusal, value):
        assert refusal(bearer(iss=value)) == "unknown-issuer"

    def test_claims_that_nobody_defined_are_passed_over(self, refusal):
        assert refusal(bearer(sub="client-id", scope="x", **{"urn:x": {"a": [1]}})) == ""


class TestTime:
    """The clock stands at ``NOW``; a token is issued at 0 seconds and ends at 300."""

    @pytest.mark.parametrize(
        ("issued", "expires", "why"),
        [
            (-400, -20, ""),
            (-400, -LEEWAY_SECONDS + 1, ""),
            (-400, -LEEWAY_SECONDS, "expired"),
            (-900, -600, "expired"),
            (20, 320, ""),
            (LEEWAY_SECONDS, 320, ""),
            (LEEWAY_SECONDS + 1, 420, "issued-in-the-future"),
            (3600, 3900, "issued-in-the-future"),
            (0, DAY, ""),
            (-20, DAY, ""),
            (0, 2 * DAY, "lifetime"),
            (-DAY, 3600, "lifetime"),
            (30, 30, "lifetime"),
            (30, 20, "lifetime"),
        ],
    )
    def test_a_token_is_in_force_from_issue_to_expiry(self, refusal, issued, expires, why):
        assert refusal(bearer(iat=INSTANT + issued, exp=INSTANT + expires)) == why

    def test_a_client_may_be_held_to_shorter_tokens(self, refusal):
        assert refusal(bearer(exp=INSTANT + DAY), max_token_seconds=3600) == "lifetime"

    @pytest.mark.parametrize(
        ("starts", "why"), [(-300, ""), (20, ""), (LEEWAY_SECONDS + 1, "not-yet-valid")]
    )
    def test_a_token_does_not_count_before_it_starts(self, refusal, starts, why):
        assert refusal(bearer(nbf=INSTANT + starts)) == why


class TestAudience:
    URL = PUBLIC_URL + SERVICE_PATH

    @pytest.mark.parametrize(
        "audience",
        [
            URL,
            f"{URL}/",
            [URL],
            ["https://other.example", URL],
        ],
    )
    def test_the_called_address_in_the_public_url_is_meant(self, refusal, audience):
        assert refusal(bearer(aud=audience)) == ""

    @pytest.mark.parametrize(
        "audience",
        [
            PUBLIC_URL,
            f"{PUBLIC_URL}/cds-services",
            f"{PUBLIC_URL}/cds-services/inotuzumab-order-select",
            f"{URL}/feedback",
            f"{URL}//",
            f"{URL}?x=1",
            f"http://127.0.0.1:8080{SERVICE_PATH}",
            f"http://localhost{SERVICE_PATH}",
            SERVICE_PATH,
            "*",
            ["https://other.example"],
        ],
    )
    def test_every_other_audience_is_refused(self, refusal, audience):
        assert refusal(bearer(aud=audience)) == "other-audience"

    @pytest.mark.parametrize("audience", [[URL, 1], {URL: 1}, 1])
    def test_an_audience_is_text_or_a_list_of_texts(self, refusal, audience):
        assert refusal(bearer(aud=audience)) == "audience-missing"

    @pytest.mark.parametrize("audience", [f"{URL}/feedback", f"{URL}/feedback/", URL, [URL]])
    def test_feedback_may_be_addressed_to_its_service(self, refusal, audience):
        assert refusal(bearer(aud=audience), f"{SERVICE_PATH}/feedback") == ""

    def test_feedback_is_not_addressed_to_another_service(self, refusal):
        other = f"{PUBLIC_URL}/cds-services/inotuzumab-order-select"

        assert refusal(bearer(aud=other), f"{SERVICE_PATH}/feedback") == "other-audience"

    @pytest.mark.parametrize("path", ["/cds-services", "/explain/inotuzumab-order-sign"])
    def test_every_endpoint_has_its_own_address(self, refusal, path):
        assert refusal(bearer(aud=PUBLIC_URL + path), path) == ""
        assert refusal(bearer(), path) == "other-audience"

    def test_a_client_with_a_fixed_audience_is_served_when_it_is_listed(self, refusal):
        assert refusal(bearer(aud="sand_man")) == "other-audience"
        assert refusal(bearer(aud="sand_man"), audiences=("sand_man",)) == ""


class TestTenant:
    @pytest.mark.parametrize("tenant", [ABSENT, "", "north"])
    def test_any_tenant_will_do_when_none_is_listed(self, refusal, tenant):
        assert refusal(bearer(tenant=tenant)) == ""

    @pytest.mark.parametrize("tenant", [ABSENT, "", "south", "North", "north "])
    def test_a_tenant_that_is_not_listed_is_refused(self, refusal, tenant):
        assert refusal(bearer(tenant=tenant), tenants=("north",)) == "tenant-not-allowed"

    @pytest.mark.parametrize("tenant", [1, ["north"], None, {}])
    def test_a_tenant_is_text(self, refusal, tenant):
        assert refusal(bearer(tenant=tenant)) == "tenant-unreadable"

    def test_the_tenant_is_told_to_who_answers(self, hospital):
        at = gate(replace(hospital, tenants=("north",)))

        assert at.admit(bearer(tenant="north"), SERVICE_PATH)[1] == "north"


class TestReplay:
    def test_a_token_is_let_in_once(self, hospital):
        at, once = gate(hospital), bearer()

        assert [reason(at, once), reason(at, once)] == ["", "used-before"]

    def test_another_endpoint_is_no_second_chance(self, hospital):
        at, both = gate(hospital), [PUBLIC_URL + SERVICE_PATH, f"{PUBLIC_URL}/cds-services"]

        assert reason(at, bearer(aud=both)) == ""
        assert reason(at, bearer(aud=both), "/cds-services") == "used-before"

    def test_a_client_that_reuses_its_tokens_is_served_when_it_is_allowed_to(self, hospital):
        memory = TokenMemory()
        at, once = gate(replace(hospital, refuse_replay=False), memory=memory), bearer()

        assert [reason(at, once), reason(at, once)] == ["", ""]
        assert memory.used == {}

    def test_two_issuers_may_use_the_same_id(self, hospital, tmp_path):
        other = tokens.client(tmp_path, name="Other", issuer="https://other.example")
        at = gate(hospital, other)

        assert [reason(at, bearer()), reason(at, bearer(iss="https://other.example"))] == ["", ""]

    @pytest.mark.parametrize("length", [1, 64, 128, 512])
    def test_an_id_may_be_long(self, refusal, length):
        assert refusal(bearer(jti="f" * length)) == ""

    @pytest.mark.parametrize("value", ["f" * 513, "a\x00b", "a\nb"])
    def test_an_id_that_cannot_be_remembered_is_refused(self, refusal, value):
        assert refusal(bearer(jti=value)) == "token-id-unusable"

    def test_an_id_is_remembered_until_the_token_is_out_of_force(self, hospital):
        memory = TokenMemory()
        gate(hospital, memory=memory).admit(bearer(exp=INSTANT + 300), SERVICE_PATH)

        (until,) = memory.used.values()
        assert until >= NOW + timedelta(seconds=300 + LEEWAY_SECONDS)

    def test_a_token_that_is_refused_is_not_used_up(self, hospital):
        memory = TokenMemory()
        at = gate(hospital, memory=memory)

        assert reason(at, bearer(), "/cds-services") == "other-audience"
        assert memory.used == {}
        assert reason(at, bearer()) == ""

    def test_of_many_uses_at_the_same_moment_exactly_one_passes(self, hospital):
        at, once = gate(hospital), bearer()
        together = threading.Barrier(8)
        told: list[str] = []

        def use() -> None:
            together.wait()
            told.append(reason(at, once))

        threads = [threading.Thread(target=use) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert sorted(told) == ["", *["used-before"] * 7]

    def test_without_the_store_nobody_can_tell(self, hospital):
        memory = TokenMemory()
        memory.is_away = True

        with pytest.raises(StoreUnavailable):
            gate(hospital, memory=memory).admit(bearer(), SERVICE_PATH)


class TestWhatTheLogMayHold:
    def told(self, at: Gate, header: str) -> dict[str, str]:
        with pytest.raises(TokenRefused) as refused:
            at.admit(header, SERVICE_PATH)
        return refused.value.told

    def test_nothing_of_a_token_of_a_stranger(self, hospital):
        assert self.told(gate(hospital), bearer(iss="Ada Lovelace", jti="Ada")) == {}

    def test_only_the_issuer_before_the_signature_is_verified(self, hospital):
        forged = bearer(replace(ec_key("attacker"), kid="ec-1"), jti="Ada", tenant="Lovelace")

        assert self.told(gate(hospital), forged) == {"issuer": ISSUER}

    def test_tenant_and_id_once_it_is_but_no_more_than_a_line_of_them(self, hospital):
        header = bearer(aud="x", jti="j" * 400, tenant="t" * 400)

        assert self.told(gate(hospital), header) == {
            "issuer": ISSUER,
            "tenant": "t" * 128,
            "token_id": "j" * 128,
        }


GOOD = {key.algorithm: token(key) for key in (ec_key(), rsa_key())}
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


@given(
    good=st.sampled_from(sorted(GOOD.values())),
    place=st.integers(0, 10_000),
    sign=st.sampled_from(_ALPHABET),
)
def test_a_token_with_any_one_sign_changed_is_refused(tmp_path_factory, good, place, sign):
    at = gate(_mutable(tmp_path_factory))
    index = place % len(good)
    changed = good[:index] + sign + good[index + 1 :]

    assert (reason(at, f"Bearer {changed}") == "") == (changed == good)


@given(good=st.sampled_from(sorted(GOOD.values())), cut=st.integers(1, 400), more=st.text("AQg=."))
def test_a_token_cut_short_or_made_longer_is_refused(tmp_path_factory, good, cut, more):
    at = gate(_mutable(tmp_path_factory))

    assert reason(at, f"Bearer {good[:-cut]}") != ""
    assert (reason(at, f"Bearer {good}{more}") == "") == (more == "")


@given(st.text())
def test_no_header_line_whatever_breaks_the_gate(tmp_path_factory, header):
    assert reason(gate(_mutable(tmp_path_factory)), header) != ""
    assert reason(gate(_mutable(tmp_path_factory)), f"Bearer {header}") != ""


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "jku", "b64", "zip"]), _JSON),
    payload=st.dictionaries(st.sampled_from(["aud", "exp", "iat", "jti", "nbf"]), _JSON),
)
def test_no_signed_nonsense_breaks_the_gate(tmp_path_factory, header, payload):
    at = gate(_mutable(tmp_path_factory))
    with_key = {"alg": "ES384", "kid": "ec-1", "typ": "JWT", **header}

    reason(at, f"Bearer {signed(ec_key(), with_key, {'iss': ISSUER, **payload})}")
    assert reason(at, f"Bearer {signed(ec_key(), header, claims(jti=ABSENT))}") != ""


_CLIENTS: list[Client] = []


def _mutable(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """One client for all examples; nothing of it is changed by a call."""
    if not _CLIENTS:
        folder = tmp_path_factory.mktemp("keys")
        _CLIENTS.append(tokens.client(folder, refuse_replay=False))
    return _CLIENTS[0]
