"""Which addresses must not be dialled; pure (security.md 2)."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

__all__ = ["canonical", "classify"]

# `is_global` is not enough: it is True for 64:ff9b::7f00:1, 2002:7f00:1:: and 224.0.0.1. The IANA special-purpose
# registries (RFC 6890) in full, each range with the word an error shows.
_V4 = tuple(
    (IPv4Network(network), reason)
    for network, reason in (
        ("169.254.169.254/32", "cloud metadata"),
        ("100.100.100.200/32", "cloud metadata"),
        ("192.0.0.192/32", "cloud metadata"),
        ("0.0.0.0/8", "unspecified"),
        ("127.0.0.0/8", "loopback"),
        ("10.0.0.0/8", "private"),
        ("172.16.0.0/12", "private"),
        ("192.168.0.0/16", "private"),
        ("169.254.0.0/16", "link-local"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("224.0.0.0/4", "multicast"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("198.18.0.0/15", "benchmarking"),
        ("168.63.129.16/32", "cloud metadata"),
        ("240.0.0.0/4", "reserved"),
    )
)
_V6 = tuple(
    (IPv6Network(network), reason)
    for network, reason in (
        ("fd00:ec2::/32", "cloud metadata"),
        ("fd20:ce::254/128", "cloud metadata"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        ("::/96", "IPv4-compatible"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "NAT64"),
        ("100::/64", "discard-only"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("2002::/16", "6to4"),
        ("5f00::/16", "reserved"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
_UNICAST = IPv6Network("2000::/3")  # everything else is not allocated (RFC 4291 section 2.4)


def canonical(ip: str) -> IPv4Address | IPv6Address:
    """Return the address that is really dialled: without a zone, and the IPv4 address of an IPv4-mapped one.

    Raises:
        ValueError: `ip` is not an address literal.
    """
    address = ip_address(ip.partition("%")[0])
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or address
    return address


def classify(ip: str) -> str | None:
    """Return why `ip`, an address literal, must not be dialled by default, or None when it is a public address.

    What is not an address literal is refused as well, since nothing else may reach a socket.
    """
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        return "not an address"
    if isinstance(address, IPv4Address):
        return next((reason for network, reason in _V4 if address in network), None)
    reason = next((reason for network, reason in _V6 if address in network), None)
    if reason is None and address not in _UNICAST:
        return "reserved"
    return reason
