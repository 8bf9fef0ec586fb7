"""What of a client's headers reaches an upstream, and what of an upstream's reaches the client."""

from seawall.gateway.headers import actions_for, clean_reply, clean_request


def cleaned(*pairs: tuple[bytes, bytes], own: tuple[bytes, ...] = ()) -> list[tuple[bytes, bytes]]:
    """Return what goes upstream of `pairs`."""
    return clean_request(list(pairs), actions_for(own))[0]


def test_hop_by_hop_headers_stay_here() -> None:
    """RFC 9110 section 7.6.1; Host and framing are written anew."""
    for name in (b"host", b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade",
                 b"proxy-authorization", b"proxy-connection", b"content-length", b"expect"):  # fmt: skip
        assert cleaned((name, b"x")) == []


def test_a_header_named_in_connection_stays_here() -> None:
    """Every line of Connection counts, in any case."""
    assert cleaned((b"x-a", b"1"), (b"x-b", b"2"), (b"connection", b"X-A"), (b"connection", b"close, x-b")) == []


def test_connection_takes_no_identity_away() -> None:
    """A client cannot nominate Authorization, Host, Cookie, x-api-key or X-Forwarded-* away (security.md 5)."""
    pairs = [(b"authorization", b"a"), (b"cookie", b"c"), (b"x-api-key", b"k"), (b"idempotency-key", b"i")]
    assert cleaned(*pairs, (b"connection", b"authorization, cookie, x-api-key, idempotency-key")) == pairs


def test_our_own_control_headers_never_pass_in_either_direction() -> None:
    """x-seawall-key is the caller's key; x-seawall-anything from an upstream would be a forgery."""
    assert cleaned((b"x-seawall-key", b"k"), (b"x-seawall-user", b"u")) == []
    assert clean_reply([(b"x-seawall-cost", b"0"), (b"etag", b"1")], frozenset()) == [(b"etag", b"1")]


def test_underscores_and_method_overrides_are_dropped() -> None:
    """`x_forwarded_for` is `x-forwarded-for` to a WSGI upstream; an override would change the call's meaning."""
    assert cleaned((b"x_forwarded_for", b"1"), (b"x-http-method-override", b"DELETE"), (b"x-original-url", b"/")) == []


def test_forwarding_headers_of_the_client_are_not_believed() -> None:
    """They are written anew by the gateway."""
    assert cleaned((b"x-forwarded-for", b"1.2.3.4"), (b"forwarded", b"for=1.2.3.4"), (b"x-real-ip", b"1.2.3.4")) == []


def test_the_upstreams_own_headers_replace_the_clients() -> None:
    """A header the settings add is the settings' alone, in both directions."""
    assert cleaned((b"x-api-key", b"client"), own=(b"x-api-key",)) == []
    assert clean_reply([(b"x-api-key", b"echoed")], frozenset((b"x-api-key",))) == []


def test_order_and_repetition_are_kept() -> None:
    """Two Accept lines stay two lines."""
    pairs = [(b"accept", b"a"), (b"x-one", b"1"), (b"accept", b"b")]
    assert cleaned(*pairs) == pairs


def test_what_the_gateway_reads_is_noted() -> None:
    """Every line of a list header, and how many traceparents there were."""
    _, seen = clean_request(
        [
            (b"x-request-id", b"r"), (b"traceparent", b"t1"), (b"traceparent", b"t2"), (b"tracestate", b"a=1"),
            (b"tracestate", b"b=2"), (b"via", b"1.1 a"), (b"x-forwarded-for", b"1"), (b"x-forwarded-for", b"2"),
            (b"x-request-timeout", b"3"), (b"origin", b"o"), (b"sec-fetch-site", b"s"), (b"idempotency-key", b"k"),
        ],
        actions_for(()),
    )  # fmt: skip
    assert (seen.request_id, seen.traceparent, seen.tracestate, seen.via) == (b"r", b"t1, t2", b"a=1, b=2", b"1.1 a")
    assert (seen.forwarded_for, seen.hints) == (b"1, 2", [(b"x-request-timeout", b"3")])
    assert (seen.origin, seen.sec_fetch_site, seen.idempotency_key) == (b"o", b"s", b"k")


def test_alt_svc_does_not_lead_clients_around_the_gateway() -> None:
    """RFC 7838 would have a client call the upstream itself."""
    assert clean_reply([(b"alt-svc", b'h3=":443"'), (b"proxy-status", b"x")], frozenset()) == []
