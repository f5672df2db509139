"""Nobody makes us connect to where the operator did not say: each trick, and what becomes of it."""

from __future__ import annotations

import time
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.clients import SANDBOX, Client
from cds_service.fhir.access import FHIRAccess
from cds_service.fhir.access.base import base_of
from cds_service.fhir.access.permission import Permission, permission_of
from cds_service.fhir.hook_call import Authorization, HookCall
from cds_service.fhir.prefetch import search_template
from cds_service.outbound import (
    Outbound,
    OutboundError,
    is_loopback_host,
    listed_server,
    loopback_only,
    place_of,
)
from tests import fhir_stub as stub
from tests.fhir_stub import FHIRStub

LISTED = "https://ehr.example.org/fhir"
TEMPLATES = {"conditions": search_template("Condition")}


class Unreachable:
    """Stands where ``Outbound`` stands, and fails the test when it is used."""

    def get(self, url: str, *_: object) -> None:
        raise AssertionError("a request was made")


def call(server: str, client: Client, is_authorized: bool = True) -> HookCall:
    authorization = Authorization("t") if is_authorized else None
    return HookCall(
        service_id="inotuzumab-order-sign",
        hook="order-sign",
        hook_instance="1",
        patient_id="p-1",
        fhir_server=server,
        authorization=authorization,
        client=client,
    )


def is_permitted(server: str, client: Client) -> bool:
    return isinstance(permission_of(call(server, client)), Permission)


def hospital(*servers: str) -> Client:
    return Client("General Hospital", fhir_servers=servers or (LISTED,))


class TestTheList:
    @pytest.mark.parametrize(
        "server",
        [
            "https://ehr.example.org/fhir",
            "https://ehr.example.org/fhir/",
            "https://EHR.Example.ORG/fhir",
            "HTTPS://ehr.example.org/fhir",
            "https://ehr.example.org:443/fhir",
            "https://ehr.example.org./fhir",
            "https://ehr.example.org/fhir/tenant-1",
            " https://ehr.example.org/fhir ",
        ],
    )
    def test_holds(self, server):
        assert is_permitted(server, hospital())

    @pytest.mark.parametrize(
        "server",
        [
            "http://ehr.example.org/fhir",
            "https://ehr.example.org:8443/fhir",
            "https://ehr.example.org:80/fhir",
            "https://ehr.example.org",
            "https://ehr.example.org/",
            "https://ehr.example.org/fhirx",
            "https://ehr.example.org/FHIR",
            "https://ehr.example.org/other",
            "https://ehr.example.org//fhir",
            "https://ehr.example.org/fhir/../admin",
            "https://ehr.example.org/fhir/..",
            "https://ehr.example.org/fhir/./",
            "https://ehr.example.org/fhir/%2e%2e/admin",
            "https://ehr.example.org/fhir/%2E./admin",
            "https://ehr.example.org/fhir/..%2fadmin",
            "https://ehr.example.org/fhir/..%5cadmin",
            "https://ehr.example.org/fhir/%252e%252e/admin",
            "https://ehr.example.org/fhir/..;/admin",
            "https://ehr.example.org/fhir/.;x/admin",
            "https://ehr.example.org/fhir//admin",
            "https://ehr.example.org/fhir?x=1",
            "https://ehr.example.org/fhir#x",
            "https://ehr.example.org@evil.example.net/fhir",
            "https://user@ehr.example.org/fhir",
            "https://user:secret@ehr.example.org/fhir",
            "https://evil.example.net/https://ehr.example.org/fhir",
            "https://evil.example.net\\@ehr.example.org/fhir",
            "https://ehr.example.org\\.evil.example.net/fhir",
            "https:\\\\ehr.example.org/fhir",
            "https:ehr.example.org/fhir",
            "https:/ehr.example.org/fhir",
            "//ehr.example.org/fhir",
            "ehr.example.org/fhir",
            "https://ehr.example.org.evil.example.net/fhir",
            "https://evilehr.example.org/fhir",
            "https://ehr.example.org\t/fhir",
            "https://ehr.example.org/fhir\r\nHost: evil",
            "https://ehr.example.org/fh\u00adir",
            "https://ehr。example。org/fhir",
            "https://\uff45hr.example.org/fhir",
            "https://xn--ehr.example.org/fhir",
            "https://[ehr.example.org]/fhir",
            "https://ehr..example.org/fhir",
            "https://ehr.example.org:0/fhir",
            "https://ehr.example.org:99999/fhir",
            "https://ehr.example.org:443x/fhir",
            "https://ehr.example.org:٤٤٣/fhir",
            "ftp://ehr.example.org/fhir",
            "file:///etc/passwd",
            "gopher://ehr.example.org/fhir",
            "http://127.0.0.1/fhir",
            "http://localhost/fhir",
            "http://169.254.169.254/latest/meta-data",
            "http://[fd00:ec2::254]/latest/meta-data",
            "",
        ],
    )
    def test_does_not_hold_and_nothing_is_asked(self, server):
        asking = call(server, hospital())
        assert not is_permitted(server, hospital())
        done = FHIRAccess(Unreachable(), 1000).complete(asking, TEMPLATES)
        assert (done.call, dict(done.fetched)) == (asking, {})

    @pytest.mark.parametrize("server", ["http://10.1.2.3/fhir", "http://127.0.0.1:8080/fhir"])
    def test_may_name_private_and_loopback_addresses(self, server):
        assert is_permitted(server, hospital(server))

    def test_of_one_client_is_not_that_of_another(self):
        assert not is_permitted(LISTED, hospital("https://other.example.org/fhir"))

    def test_may_be_empty(self):
        assert not is_permitted(LISTED, Client("General Hospital"))


class TestSandbox:
    @pytest.mark.parametrize(
        "server",
        [
            "http://127.0.0.1:8080/fhir",
            "http://127.1.2.3/fhir",
            "http://localhost/fhir",
            "http://LOCALHOST.:99/fhir",
            "http://[::1]:8080/fhir",
            "https://[0:0:0:0:0:0:0:1]/fhir",
        ],
    )
    def test_reaches_this_machine(self, server):
        assert is_permitted(server, SANDBOX)

    @pytest.mark.parametrize(
        "server",
        [
            "http://10.0.0.1/fhir",
            "http://192.168.1.1/fhir",
            "http://169.254.169.254/latest",
            "http://0.0.0.0/fhir",
            "http://[::]/fhir",
            "http://0/fhir",
            "http://127.1/fhir",
            "http://2130706433/fhir",
            "http://0x7f000001/fhir",
            "http://0x7f.0.0.1/fhir",
            "http://0177.0.0.1/fhir",
            "http://127.0.0.1.nip.io/fhir",
            "http://localhost.evil.example.net/fhir",
            "http://localtest.me/fhir",
            "http://ⓛocalhost/fhir",
            "http://127。0。0。1/fhir",
            "http://[::ffff:127.0.0.1]/fhir",
            "http://[::ffff:a9fe:a9fe]/fhir",
            "http://[::127.0.0.1]/fhir",
            "http://[fe80::1%25eth0]/fhir",
            "http://[fe80::1]/fhir",
            "http://127.0.0.1@evil.example.net/fhir",
            "http://evil.example.net#@127.0.0.1/fhir",
            "http://evil.example.net\\@127.0.0.1/fhir",
            "https://ehr.example.org/fhir",
        ],
    )
    def test_reaches_nothing_else(self, server):
        asking = call(server, SANDBOX, is_authorized=False)
        done = FHIRAccess(Unreachable(), 1000).complete(asking, TEMPLATES)
        assert (done.call, dict(done.fetched)) == (asking, {})


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            "169.254.169.254",
            "169.254.0.1",
            "fe80::1",
            "fe80::1%eth0",
            "fd00:ec2::254",
            "100.100.100.200",
            "0.0.0.0",  # noqa: S104 - an address that is refused, nothing is bound to it
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "ff02::1",
            "240.0.0.1",
            "255.255.255.255",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
        ],
    )
    def test_are_special_behind_a_name_though_the_name_is_listed(self, address):
        outbound = Outbound(lambda _: ["93.184.215.14", address])
        with pytest.raises(OutboundError, match="refused-address"):
            outbound.get(f"{LISTED}/x", {}, time.monotonic() + 60, 100, listed_server)

    @pytest.mark.parametrize(
        "address", ["127.0.0.1", "::1", "10.0.0.1", "192.168.0.1", "fd12::1", "100.64.0.1"]
    )
    def test_of_a_hospital_are_not(self, address):
        assert listed_server("ehr.example.org", ip_address(address))

    def test_that_are_listed_themselves_are_meant(self):
        assert listed_server("169.254.169.254", ip_address("169.254.169.254"))

    @pytest.mark.parametrize("addresses", [["10.0.0.1"], ["127.0.0.1", "10.0.0.1"], []])
    def test_of_localhost_must_all_be_this_machine(self, addresses):
        outbound = Outbound(lambda _: addresses)
        with pytest.raises(OutboundError, match="refused-address"):
            outbound.get("http://localhost/x", {}, time.monotonic() + 60, 100, loopback_only)

    def test_that_change_after_they_were_judged_do_not_count(self):
        """DNS rebinding: the second answer of the resolver leads to a server that must not hear."""
        with FHIRStub([]) as wanted:
            answers = iter([["127.0.0.1"], ["127.0.0.2"]])
            outbound = Outbound(lambda _: next(answers))
            server = wanted.url.replace("127.0.0.1", "ehr.example.org")
            access = FHIRAccess(outbound, 60_000)
            for _ in range(2):
                access.complete(call(server, hospital(server)), TEMPLATES)
            assert len(wanted.requests) == 2

    @given(st.ip_addresses())
    def test_are_judged_whatever_they_are(self, address):
        assert loopback_only("localhost", address) <= listed_server("localhost", address)
        assert not loopback_only("ehr.example.org", address)


class TestRedirects:
    def test_are_never_followed(self):
        with FHIRStub([]) as other, FHIRStub([]) as server:
            server.fault("*", stub.redirect_to(f"{other.url}/Condition"))
            done = FHIRAccess(Outbound(), 60_000).complete(
                call(server.url, hospital(server.url)), TEMPLATES
            )
            assert done.fetched == {"conditions": "failed"}
            assert len(server.requests) == 1
            assert other.requests == []

    def test_nor_on_the_same_server(self):
        with FHIRStub([]) as server:
            server.fault("*", stub.redirect_here)
            FHIRAccess(Outbound(), 60_000).complete(
                call(server.url, hospital(server.url)), TEMPLATES
            )
            assert len(server.requests) == 1


class TestTheTokenGoesNowhereElse:
    """What a listed server answers must not lead to another one."""

    @pytest.mark.parametrize("where", ["next", "medication"])
    def test_by_a_link_or_a_reference(self, where):
        templates = {"medicationRequests": search_template("MedicationRequest")}
        with FHIRStub([]) as other, FHIRStub([]) as server:
            order = {
                "resourceType": "MedicationRequest",
                "id": "1",
                "subject": {"reference": "Patient/p-1"},
                "medicationReference": {"reference": f"{other.url}/Medication/1"},
            }
            link = {"relation": "next", "url": f"{other.url}/MedicationRequest?page=2"}
            bundle = {"resourceType": "Bundle", "entry": [{"resource": order}]}
            if where == "next":
                bundle["link"] = [link]
            server.fault("*", stub.json_value(bundle))
            FHIRAccess(Outbound(), 60_000).complete(
                call(server.url, hospital(server.url, other.url)), templates
            )
            assert len(server.requests) == 1
            assert other.requests == []


@given(st.text() | st.from_regex(r"https?://[a-z@:/\\.%0-9\[\]-]{0,40}"))
def test_any_text_is_a_plain_url_or_refused(text):
    base = base_of(text)
    if base is not None:
        assert "@" not in base.url.partition("//")[2].partition("/")[0]
        assert base.holds(place_of(f"{base.url}/Patient/1"))
        assert is_loopback_host(base.place.host) in (True, False)
