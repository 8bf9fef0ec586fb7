"""Upstreams as they are run: dependent defaults put in, routes inherit what they do not name."""

from configs import tree, upstream

from seawall.config import ResolvedUpstream, resolve
from seawall.config.regions import BEDROCK_REGIONS
from seawall.contracts.target import Timeouts
from seawall.policies.balance.settings import BalanceSettings
from seawall.policies.breaker.settings import BreakerSettings
from seawall.policies.deadline.settings import DeadlineSettings
from seawall.policies.retry.settings import RetrySettings


def one(*lines: str) -> ResolvedUpstream:
    """Return the one upstream of a text."""
    (found,) = resolve(tree(upstream(*lines)))
    return found


def test_timeouts_default_to_each_other() -> None:
    """The attempt's to timeout, first byte to attempt."""
    assert one('timeout = "10s"').timeouts == Timeouts(10.0, 10.0, 5.0, 10.0, 30.0, 600.0)
    assert one('attempt_timeout = "4s"').timeouts == Timeouts(30.0, 4.0, 5.0, 4.0, 30.0, 600.0)
    assert one('first_byte_timeout = "2s"').timeouts == Timeouts(30.0, 30.0, 5.0, 2.0, 30.0, 600.0)


def test_a_route_inherits_the_timeouts_it_does_not_name() -> None:
    """Its own timeout is also what its attempts default to, unless the upstream names one."""
    routes = one('idle_timeout = "9s"', "[[upstreams.a.routes]]", 'match = "GET /x"', 'timeout = "5s"').routes
    assert routes[0].timeouts == Timeouts(5.0, 5.0, 5.0, 5.0, 9.0, 600.0)
    assert routes[0].own["deadline"] == DeadlineSettings(timeout=5.0, attempt_timeout=5.0)
    assert "deadline" not in routes[0].shared
    routes = one('attempt_timeout = "4s"', "[[upstreams.a.routes]]", 'match = "GET /x"', 'timeout = "60s"').routes
    assert routes[0].timeouts.attempt == 4.0


def test_the_last_route_matches_everything() -> None:
    """What no pattern matches is the upstream as it is."""
    found = one("[[upstreams.a.routes]]", 'match = "GET,PUT /x"', 'name = "x"')
    assert [route.name for route in found.routes] == ["x", ""]
    assert found.routes[0].methods == {"GET", "PUT"}
    assert (found.routes[1].match, found.routes[1].methods) == ("", None)
    assert found.routes[0].shared == found.routes[1].shared == found.policies
    assert dict(found.routes[0].own) == {}


def test_a_policy_that_is_off_has_no_entry() -> None:
    """A false switches it off, for the upstream or for one route."""
    found = one("retry = false", "[[upstreams.a.routes]]", 'match = "GET /x"', "breaker = false")
    assert "retry" not in found.policies
    assert found.routes[1].attempts == 1
    assert "breaker" in found.routes[1].shared
    assert "breaker" not in {*found.routes[0].shared, *found.routes[0].own}


def test_a_route_may_switch_on_what_its_upstream_switched_off() -> None:
    """With the defaults for what it does not name."""
    found = one("retry = false", "[[upstreams.a.routes]]", 'match = "GET /x"', "retry = { attempts = 2 }")
    assert found.routes[0].own["retry"] == RetrySettings(attempts=2)
    assert found.routes[0].attempts == 2


def test_a_route_names_single_values_of_a_policy() -> None:
    """What it does not name is the upstream's, and not the default."""
    lines = ('retry = { attempts = 5, base = "1s" }', "[[upstreams.a.routes]]", 'match = "GET /x"')
    found = one(*lines, 'retry = { base = "50ms" }', 'breaker = { mode = "shadow" }')
    assert found.routes[0].own["retry"] == RetrySettings(attempts=5, base=0.05)
    assert found.routes[0].own["breaker"] == BreakerSettings(mode="shadow")
    assert "retry" not in found.routes[0].shared
    assert found.routes[0].attempts == 5


def test_rate_and_concurrency_of_a_route_stand_beside_the_upstreams() -> None:
    """The upstream's hold for all its routes together."""
    lines = ('rate = "600/h"', "concurrency = 8", "[[upstreams.a.routes]]", 'match = "GET /x"')
    found = one(*lines, 'rate = "1/s"', "concurrency = 1")
    route = found.routes[0]
    assert route.shared["rate"] == found.policies["rate"]
    assert route.shared["concurrency"] == found.policies["concurrency"]
    assert getattr(route.own["concurrency"], "limit", None) == 1
    assert "rate" in route.own


def test_a_routes_fallback_replaces_the_whole_answer() -> None:
    """Half of one answer and half of another is none."""
    lines = ("fallback = { status = 503, json = 1 }", "[[upstreams.a.routes]]", 'match = "GET /x"')
    route = one(*lines, 'fallback = { body = "x" }').routes[0]
    assert getattr(route.own["fallback"], "status", None) == 200


def test_a_target_is_parsed_once() -> None:
    """Everything the wire needs stands in it."""
    found = one('url = "https://a.example:8443/v1/"', 'ca = "/ca.pem"', 'proxy = "http://p.lan:3128"', 'dns_ttl = "5s"')
    (target,) = found.targets
    assert (target.upstream, target.label, target.scheme, target.host) == ("a", "a", "https", "a.example")
    assert (target.port, target.base, target.authority) == (8443, b"/v1", b"a.example:8443")
    assert (target.ca, target.proxy, target.dns_ttl, target.allow_private) == (
        "/ca.pem",
        "http://p.lan:3128",
        5.0,
        False,
    )


def test_targets_have_labels_and_weights() -> None:
    """A label defaults to the host."""
    found = one('targets = [{ url = "https://eu.example", label = "eu", weight = 9 }, { url = "https://us.example" }]')
    assert [(target.label, target.weight) for target in found.targets] == [("eu", 9), ("us.example", 1.0)]
    assert found.policies["balance"] == BalanceSettings(mode="weighted")
    assert "balance" not in one().policies


def test_a_key_is_sent_as_its_api_wants_it() -> None:
    """Bearer by default, x-api-key for Anthropic, and never over a header that is set."""

    def headers(*lines: str) -> dict[bytes, str]:
        return {name: value.reveal() for name, value in one('key = "k"', *lines).headers}

    assert headers() == {b"authorization": "Bearer k"}
    assert headers('url = "https://a.example"', 'api = "anthropic"') == {b"x-api-key": "k"}
    assert headers('headers = { Authorization = "own" }') == {b"authorization": "own"}


def test_bodies_may_be_larger_for_language_models() -> None:
    """32 MiB and 8 MiB for replay, unless something else is said."""
    api = ('url = "https://a.example"', 'api = "openai"')
    assert one().max_body == 4 << 20
    found = one(*api)
    assert found.max_body == 32 << 20
    assert getattr(found.policies["retry"], "body", None) == 8 << 20
    assert getattr(one(*api, 'retry = { body = "1KiB" }').policies["retry"], "body", None) == 1024
    (said,) = resolve(tree('[server]\nmax_body = "1MiB"\n' + upstream(*api)))
    assert said.max_body == 1 << 20


def test_where_an_upstream_stands() -> None:
    """Its name, a mount, the root, or a Host of its own."""
    assert (one().mount, one().host) == ("/a", None)
    assert one('mount = "/"').mount == "/"
    assert (one('host = "A.lan"').mount, one('host = "A.lan"').host) == (None, "a.lan")


def test_the_address_of_bedrock_follows_from_its_region() -> None:
    """Unless one is given; the timeouts are those that are said."""
    (found,) = resolve(
        tree(upstream('api = "bedrock"', 'region = "eu-west-1"', 'connect_timeout = "10s"', 'timeout = "120s"'))
    )
    (target,) = found.targets
    assert (target.scheme, target.authority, target.base) == ("https", b"bedrock-runtime.eu-west-1.amazonaws.com", b"")
    assert (found.timeouts.connect, found.timeouts.total, found.timeouts.first_byte) == (10.0, 120.0, 120.0)
    (own,) = resolve(tree(upstream('api = "bedrock"', 'region = "eu-west-1"', 'url = "https://vpce.example/x"')))
    assert (own.targets[0].authority, own.targets[0].base) == (b"vpce.example", b"/x")


def test_the_regions_are_those_aws_ships() -> None:
    """The list is botocore's of the two partitions whose names end in amazonaws.com; a new one fails here."""
    from botocore.session import Session

    known = {name for part in ("aws", "aws-us-gov") for name in Session().get_available_regions("bedrock", part)}
    assert known == BEDROCK_REGIONS


def test_idempotent_and_required_pass_through() -> None:
    """And a route may say otherwise than its upstream."""
    found = one("idempotent = true", "required = true", 'check = "GET /s"', "[[upstreams.a.routes]]",
                'match = "POST /x"', "idempotent = false")  # fmt: skip
    assert (found.idempotent, found.required, found.check) == (True, True, "GET /s")
    assert [route.idempotent for route in found.routes] == [False, True]
