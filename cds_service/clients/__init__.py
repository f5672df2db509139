"""The EHRs that may call us: who they are, their public keys, and the operator's file of them."""

from cds_service.clients.key_set import KeySet, KeySetError, PublicKey, read_key_set
from cds_service.clients.model import SANDBOX, WORKBENCH, Client, Dialect
from cds_service.clients.reading import ClientsError, read_clients

__all__ = [
    "SANDBOX",
    "WORKBENCH",
    "Client",
    "ClientsError",
    "Dialect",
    "KeySet",
    "KeySetError",
    "PublicKey",
    "read_clients",
    "read_key_set",
]
