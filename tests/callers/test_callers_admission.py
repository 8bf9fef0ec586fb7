"""The guard: who is let in, what limits leave, and what an answer tells of them."""

import pytest
from callers_rig import KITCHEN, Guarded, request

from seawall.callers import ANONYMOUS, Rules, Strangers, UserRules, digest
from seawall.contracts.admission import NO_KEY, Admitted
from seawall.contracts.errors import QuotaExceeded, Unauthenticated
from seawall.contracts.request import Memory
from seawall.contracts.units import Rate

APP = Rules(
    "app", (digest(b"sw-app"),), rate=Rate(600, 60.0), concurrency=2, upstreams=frozenset({"weather"}),
    models=frozenset({"fast"}), users=UserRules(b"x-seawall-user", Rate(20, 60.0), Rate(1000, 60.0), 3),
)  # fmt: skip
STRANGER = Rules(ANONYMOUS, rate=Rate(10, 60.0), concurrency=1)


def user(name: str) -> tuple[bytes, bytes]:
    """Return the header that names an end user."""
    return (b"x-seawall-user", name.encode())


async def test_a_key_lets_its_caller_in_and_says_who_it_is():
    """With what it may call and use."""
    here = Guarded(KITCHEN, APP)
    kitchen, app = await here.admit(), await here.admit("sw-app", user("ann"))
    assert (kitchen.caller, kitchen.user, app.caller, app.user) == ("kitchen", "", "app", "ann")
    assert (kitchen.may_call("lamps"), kitchen.may_use("smart")) == (True, True)
    assert [app.may_call(name) for name in ("weather", "lamps")] == [True, False]
    assert [app.may_use(name) for name in ("fast", "smart")] == [True, False]


@pytest.mark.parametrize(
    "key", [None, "", "nope", "sw-kitchen ", "SW-KITCHEN", "sw-\xe9\xff", "sw-kitchen, sw-kitchen"]
)
@pytest.mark.parametrize("model", [False, True])
async def test_one_answer_for_missing_malformed_and_unknown_keys(key: str | None, model: bool):
    """Nothing tells them apart."""
    with pytest.raises(Unauthenticated) as caught:
        await Guarded(KITCHEN).admit(key, model=model)
    assert (caught.value.detail, caught.value.headers) == (NO_KEY, ((b"www-authenticate", b'Bearer realm="seawall"'),))


async def test_both_keys_are_good_while_one_is_rotated():
    """They are one caller, with one limit."""
    here = Guarded(Rules("k", (digest(b"sw-old"), digest(b"sw-new")), rate=Rate(20, 60.0)))
    assert (await here.admit("sw-old")).caller == (await here.admit("sw-new")).caller == "k"
    assert await here.passes(5, lambda: here.admit("sw-old")) == 0
    here.callers.configure([Rules("k", (digest(b"sw-new"),), rate=Rate(20, 60.0))], here.strangers)
    with pytest.raises(Unauthenticated):
        await here.admit("sw-old")


@pytest.mark.parametrize(
    ("let_in", "loopback", "callers", "rules", "entered"),
    [
        ("auto", True, False, None, ""),
        ("auto", True, False, STRANGER, ANONYMOUS),
        ("auto", True, True, None, None),
        ("auto", True, True, STRANGER, None),
        ("auto", False, False, None, None),
        ("auto", False, True, STRANGER, None),
        ("yes", True, False, None, ""),
        ("yes", True, True, None, ""),
        ("yes", True, True, STRANGER, ANONYMOUS),
        ("yes", False, True, STRANGER, ANONYMOUS),
        ("no", True, False, None, None),
        ("no", True, False, STRANGER, None),
        ("no", True, True, STRANGER, None),
    ],
)
async def test_who_sends_no_key(let_in: str, loopback: bool, callers: bool, rules: Rules | None, entered: str | None):
    """`server.anonymous` as the settings say it; an unknown key is never let in, whatever it says."""
    here = Guarded(*([KITCHEN] if callers else []), strangers=Strangers(let_in, loopback, rules))
    assert here.callers.open == (entered == "")
    if entered is None:
        with pytest.raises(Unauthenticated):
            await here.admit(None)
    else:
        assert (await here.admit(None)).caller == entered
    for model in (False, True):
        with pytest.raises(Unauthenticated):
            await here.admit("sw-unknown", model=model)


async def test_a_caller_made_while_it_runs_closes_the_door_to_strangers():
    """On loopback strangers come in only while nobody has a key."""
    here = Guarded()
    assert here.callers.open
    here.callers.put(KITCHEN)
    assert not here.callers.open
    with pytest.raises(Unauthenticated):
        await here.admit(None)
    here.callers.drop("kitchen")
    assert here.callers.open


async def test_a_rate_refuses_and_says_when_to_come_again():
    """A tenth of the limit at once, then one a second; Retry-After is not earlier than `t` (semantics 5.2)."""
    here = Guarded(KITCHEN)
    assert await here.passes(50) == 6
    with pytest.raises(QuotaExceeded) as caught:
        await here.admit()
    error = caught.value
    assert (error.status_hint, error.caller, error.policy, error.retry_after) == (429, "kitchen", "callers", 1)
    assert dict(error.headers) == {b"ratelimit-policy": b'"rate";q=60;w=60', b"ratelimit": b'"rate";r=0;t=1'}
    assert "60/min" in error.detail
    here.now += 3.0
    assert await here.passes(50) == 3


async def test_headers_on_plain_and_on_model_routes():
    """What language-model SDKs read stands on their routes only."""
    here = Guarded(APP)
    plain = await here.admit("sw-app", user("ann"))
    assert dict(plain.headers) == {
        b"ratelimit-policy": b'"user";q=20;w=60, "rate";q=600;w=60',
        b"ratelimit": b'"user";r=1;t=3, "rate";r=59;t=1',
    }
    model = await here.admit("sw-app", user("ann"), model=True)
    assert dict(model.headers) == {
        b"ratelimit-policy": b'"user";q=20;w=60, "rate";q=600;w=60, "user-tokens";q=1000;qu="tokens";w=60',
        b"ratelimit": b'"user";r=0;t=3, "rate";r=58;t=1, "user-tokens";r=1000;t=0',
        b"x-ratelimit-limit-requests": b"20",
        b"x-ratelimit-remaining-requests": b"0",
        b"x-ratelimit-reset-requests": b"3s",
        b"x-ratelimit-limit-tokens": b"1000",
        b"x-ratelimit-remaining-tokens": b"1000",
        b"x-ratelimit-reset-tokens": b"0ms",
    }
    unlimited = await Guarded(Rules("free", (digest(b"sw-free"),))).admit("sw-free", model=True)
    assert unlimited.headers == []


async def test_concurrency_counts_until_a_call_is_closed_and_closing_is_idempotent():
    """Nothing is taken from the rate by a call that finds no place."""
    here = Guarded(APP)
    first, second = await here.admit("sw-app", user("a")), await here.admit("sw-app", user("b"))
    for _ in range(3):
        with pytest.raises(QuotaExceeded) as caught:
            await here.admit("sw-app", user("c"))
        assert (caught.value.retry_after, caught.value.user) == (1, "c")
    first.close()
    first.close()
    third = await here.admit("sw-app", user("c"))
    assert dict(third.headers)[b"ratelimit"] == b'"user";r=1;t=3, "rate";r=57;t=1'
    with pytest.raises(QuotaExceeded):
        await here.admit("sw-app", user("d"))
    second.close()
    third.close()
    assert await here.passes(4, lambda: here.admit("sw-app", user("d"))) == 2


async def test_each_user_has_its_own_limit_and_those_without_a_name_share_one():
    """Leaving the name off gains nothing; nor does one user's refusal use up the others' caller."""
    here = Guarded(APP)
    assert await here.passes(10, lambda: here.admit("sw-app", user("ann"))) == 2
    assert await here.passes(10, lambda: here.admit("sw-app", user("bob"))) == 2
    assert await here.passes(10, lambda: here.admit("sw-app")) == 2
    assert dict((await here.admit("sw-app", user("eve"))).headers)[b"ratelimit"] == b'"user";r=1;t=3, "rate";r=53;t=1'


async def test_a_caller_that_is_refused_uses_nothing_of_its_user():
    """The user's unit is given back."""
    rules = Rules("app", (digest(b"sw-app"),), rate=Rate(10, 60.0), users=UserRules(b"x-u", Rate(20, 60.0)))
    here = Guarded(rules)
    assert await here.passes(9, lambda: here.admit("sw-app", (b"x-u", b"ann"))) == 1
    here.callers.configure([Rules("app", (digest(b"sw-app"),), users=rules.users)], here.strangers)
    assert await here.passes(9, lambda: here.admit("sw-app", (b"x-u", b"ann"))) == 1


async def test_strangers_are_told_apart_by_address():
    """IPv6 by its /64; forwarded addresses only from hops that are trusted."""
    here = Guarded(strangers=Strangers("yes", False, STRANGER, hops=1))

    def come(peer: str, *headers: tuple[bytes, bytes]) -> object:
        return here.admit(None, *headers, peer=peer)

    assert await here.passes(3, lambda: come("192.0.2.1")) == 1
    assert await here.passes(3, lambda: come("192.0.2.2")) == 1
    assert await here.passes(3, lambda: come("2001:db8::1")) == 1
    assert await here.passes(3, lambda: come("2001:db8::2")) == 0
    assert await here.passes(3, lambda: come("192.0.2.9", (b"x-forwarded-for", b"6.6.6.6, 198.51.100.1"))) == 1
    assert await here.passes(3, lambda: come("192.0.2.9", (b"x-forwarded-for", b"7.7.7.7, 198.51.100.1"))) == 0
    blind = Guarded(strangers=Strangers("yes", False, STRANGER))
    forged = [(b"x-forwarded-for", b"%d.1.1.1" % number) for number in range(5)]
    assert sum([await blind.passes(1, lambda one=one: blind.admit(None, one)) for one in forged]) == 1


async def test_a_reload_doubles_no_limit():
    """What is used stays used when rules change, keys rotate, or nothing changes at all (semantics 2.7)."""
    here = Guarded(APP)
    held = await here.admit("sw-app", user("ann"))
    assert await here.passes(5, lambda: here.admit("sw-app", user("ann"))) == 1
    for rules in (APP, Rules("app", (digest(b"sw-app"),), Rate(600, 60.0), None, 2, None, None, APP.users)):
        here.callers.configure([rules], here.strangers)
        assert await here.passes(5, lambda: here.admit("sw-app", user("ann"))) == 0
    here.callers.configure([Rules("app", (digest(b"sw-app"),), concurrency=1)], here.strangers)
    assert await here.passes(5, lambda: here.admit("sw-app")) == 0
    held.close()
    assert await here.passes(5, lambda: here.admit("sw-app")) == 5
    wider = UserRules(b"x-seawall-user", Rate(60, 60.0), None, 3)
    here.callers.configure([Rules("app", (digest(b"sw-app"),), users=wider)], here.strangers)
    assert await here.passes(9, lambda: here.admit("sw-app", user("ann"))) == 6


async def test_names_of_all_callers_are_told_whenever_they_change():
    """Metrics bind them, so that no name of a client becomes a label."""
    here = Guarded(KITCHEN, strangers=Strangers("yes", True, STRANGER))
    here.callers.put(APP)
    assert here.names[-3:] == ["kitchen", "app", ANONYMOUS]
    assert [one.name for one in here.callers.rules] == ["kitchen", "app", ANONYMOUS]


async def test_a_caller_of_the_settings_goes_before_one_that_was_made():
    """Else whoever can make callers could take a name over."""
    here = Guarded(KITCHEN)
    here.callers.put(Rules("kitchen", (digest(b"sw-other"),)))
    assert here.callers.from_settings("kitchen")
    with pytest.raises(Unauthenticated):
        await here.admit("sw-other")
    assert (await here.admit()).caller == "kitchen"


async def test_a_repeated_head_is_let_in_only_while_its_key_is_good():
    """What is remembered with a connection's head is the key's digest, and not whose it is."""
    here, head = Guarded(KITCHEN, APP), Memory()

    async def again(key: str, *, model: bool = False) -> Admitted:
        one = request(key)
        one.memory = head
        return await here.callers.admit(one, model_route=model)

    assert [(await again("sw-app")).caller, (await again("sw-app")).caller] == ["app", "app"]
    here.callers.configure([KITCHEN], here.strangers)
    with pytest.raises(Unauthenticated):
        await again("sw-app")
    assert b"sw-app" not in repr(head.key).encode()
    here.callers.configure([KITCHEN, APP], here.strangers)
    assert (await again("sw-app")).caller == "app"


async def test_a_key_in_authorization_counts_on_the_routes_of_models_only():
    """Also where both kinds of route are asked over one head: what one kind remembers is not the other's."""
    here, head = Guarded(KITCHEN, strangers=Strangers("yes")), Memory()
    one = request(None, (b"authorization", b"Bearer sw-kitchen"))
    one.memory = head
    admit = here.callers.admit
    assert [(await admit(one, model_route=model)).caller for model in (True, False, True)] == ["kitchen", "", "kitchen"]
