"""Which address a request came from, and what a stranger is told apart by (semantics 5.4)."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address

__all__ = ["address_key", "client_address"]


def address_key(peer: str) -> str:
    """Return what an unauthenticated caller is told apart by: its IPv4 address, or its IPv6 network of 64 bits.

    A household or a single machine has a whole /64 to itself, so that an address alone would be no limit. Whatever is
    no address (a Unix socket has none) is one key for all.
    """
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)


def client_address(peer: str, forwarded: Sequence[bytes], hops: int) -> str:
    """Return the address of the client behind `hops` trusted proxies.

    Args:
        peer: who connected.
        forwarded: the values of X-Forwarded-For, in order.
        hops: how many proxies in front may be believed; each has appended the address it saw, so the one that many
            places from the right was seen by the first of them. What stands further left anybody can have written.
    """
    if hops < 1:
        return peer
    entries = [entry.strip() for value in forwarded for entry in value.split(b",")]
    if len(entries) < hops:
        return peer
    text = entries[-hops].decode("latin-1")
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return peer
