"""Addresses of shared state: taken apart, shown without what is secret, and refused in words."""

import pytest

from seawall.stores.address import parse_address


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("redis://localhost", "redis://localhost:6379/0"),
        ("redis://10.0.0.5:6380/3", "redis://10.0.0.5:6380/3"),
        ("redis://[::1]:7000/", "redis://[::1]:7000/0"),
        ("rediss://user:p%40ss@redis.lan/1?ca=/etc/ca.pem", "rediss://redis.lan:6379/1"),
    ],
)
def test_what_is_shown(text: str, place: str):
    """Host, port and database; no user, no password, no file."""
    assert parse_address(text).place == place


def test_the_parts():
    """Percent-encoding is taken off user and password; options name files."""
    address = parse_address("rediss://us%2Fer:p%40s%23s@h:1?ca=/a.pem&certificate=/c.pem&key=/k.pem")
    assert (address.user, address.password.reveal()) == ("us/er", "p@s#s")
    assert (address.tls, address.ca, address.certificate, address.key) == (True, "/a.pem", "/c.pem", "/k.pem")
    assert "p@s#s" not in repr(address)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("redis+cluster://a:1", "clusters and sentinels are not supported"),
        ("rediss+sentinel://a:1/main", "clusters and sentinels are not supported"),
        ("redis-sentinel://a", "clusters and sentinels are not supported"),
        ("redis://:pw@a:1,b:2,c:3/0", "clusters and sentinels are not supported"),
        ("http://a", "redis:// or rediss://"),
        ("redis:/a", "redis:// or rediss://"),
        ("redis://", "host"),
        ("redis://a:0", "port"),
        ("redis://a:99999", "port"),
        ("redis://a/main", "number of a database"),
        ("redis://a/0/1", "number of a database"),
        ("redis://a/0?ssl_cert_reqs=none", "options ca, certificate and key"),
        ("redis://a/0?ca=/x.pem", "rediss://"),
        ("rediss://a/0?certificate=/x.pem", "together"),
        ("redis://:p#w@a/0", "host"),
        ("redis://a/0#x", "%23"),
        ("redis://a b", "redis:// or rediss://"),
    ],
)
def test_what_is_refused(text: str, word: str):
    """Each with the rule and an example, and with nothing of what was written."""
    with pytest.raises(ValueError, match="must|may") as refused:
        parse_address(text)
    assert word in str(refused.value)
    assert "(for example" in str(refused.value)
    assert "pw" not in str(refused.value)
