"""Which addresses are refused by default (security.md 2)."""

import pytest

from seawall.wire.guard import canonical, classify

REFUSED = {
    "127.0.0.1": "loopback", "127.255.255.254": "loopback", "::1": "loopback",
    "10.1.2.3": "private", "172.16.0.1": "private", "172.31.255.255": "private", "192.168.1.1": "private",
    "fc00::1": "private", "fd12:3456::1": "private",
    "169.254.1.1": "link-local", "fe80::1": "link-local", "fe80::1%eth0": "link-local", "fec0::1": "site-local",
    "100.64.0.1": "carrier-grade NAT", "100.127.255.255": "carrier-grade NAT",
    "224.0.0.1": "multicast", "239.255.255.255": "multicast", "ff02::1": "multicast",
    "0.0.0.0": "unspecified", "0.1.2.3": "unspecified", "::": "unspecified",
    "240.0.0.1": "reserved", "255.255.255.255": "reserved", "192.0.0.1": "reserved",
    "192.0.2.1": "documentation", "198.51.100.1": "documentation", "203.0.113.1": "documentation",
    "2001:db8::1": "documentation", "3fff::1": "documentation", "198.18.0.1": "benchmarking",
    "192.88.99.1": "6to4 relay", "2002:7f00:1::": "6to4", "2001::1": "Teredo", "2001:10::1": "reserved",
    "64:ff9b::7f00:1": "NAT64", "64:ff9b::808:808": "NAT64", "64:ff9b:1::1": "NAT64",
    "::ffff:127.0.0.1": "IPv4-mapped", "::ffff:8.8.8.8": "IPv4-mapped", "::7f00:1": "IPv4-compatible",
    "::ffff:0:127.0.0.1": "IPv4-translated", "100::1": "discard-only", "5f00::1": "reserved", "4000::1": "reserved",
    "169.254.169.254": "cloud metadata", "fd00:ec2::254": "cloud metadata", "100.100.100.200": "cloud metadata",
    "168.63.129.16": "cloud metadata", "192.0.0.192": "cloud metadata", "fd20:ce::254": "cloud metadata",
    "127.1": "not an address", "localhost": "not an address", "": "not an address", "0x7f.1": "not an address",
}  # fmt: skip


@pytest.mark.parametrize(("ip", "reason"), REFUSED.items())
def test_special_addresses_are_refused_with_their_reason(ip, reason):
    """Also those that `ipaddress.is_global` takes for public."""
    assert classify(ip) == reason


@pytest.mark.parametrize("ip", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"])
def test_public_addresses_may_be_dialled(ip):
    """The neighbours of the ranges too."""
    assert classify(ip) is None


@pytest.mark.parametrize(
    ("ip", "text"), [("::ffff:127.0.0.1", "127.0.0.1"), ("fe80::1%eth0", "fe80::1"), ("8.8.8.8", "8.8.8.8")]
)
def test_canonical_is_what_is_really_dialled(ip, text):
    """So that our own listener is found under every spelling."""
    assert str(canonical(ip)) == text
