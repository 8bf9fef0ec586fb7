"""Known secrets are replaced in every form in which they may be written."""

import orjson
import pytest

from seawall.contracts.secret import Secret
from seawall.observers.redact import Redactor


@pytest.mark.parametrize("form", ["{}", "x={}&y", "Bearer {}", "a {} b {} c"])
def test_a_secret_is_replaced_wherever_it_stands(form: str) -> None:
    """Every occurrence becomes ***, the rest stays."""
    clean = Redactor([Secret("s3cr3t-value")])
    assert clean.text(form.format("s3cr3t-value", "s3cr3t-value")) == form.format("***", "***")


@pytest.mark.parametrize("secret", ['quote"back\\slash', "umläut-secret", "tab\tsecret", "with space/slash"])
def test_its_escaped_forms_are_replaced_in_json(secret: str) -> None:
    """What JSON or a URL makes of a secret is the secret too."""
    clean = Redactor([Secret(secret)])
    line = orjson.dumps({"message": f"before {secret} after"})
    assert orjson.loads(clean.line(line)) == {"message": "before *** after"}
    assert "%" not in clean.text("quoted " + __import__("urllib.parse").parse.quote(secret, safe=""))


def test_the_longer_of_two_overlapping_secrets_goes_first() -> None:
    """No tail of a longer secret is left standing because a shorter one is its beginning."""
    clean = Redactor([Secret("abcdef"), Secret("abcdef-ghijkl")])
    assert clean.text("abcdef-ghijkl abcdef") == "*** ***"


def test_too_short_a_secret_is_left_alone_and_clean_text_is_the_same_object() -> None:
    """A secret of one letter would destroy every line; text without secrets is not copied."""
    clean = Redactor([Secret("e"), Secret("")])
    text = "hello there"
    assert clean.text(text) is text


def test_other_secrets_are_known_beside_those_just_before() -> None:
    """After a reload calls under way still end on the old settings; two reloads later nobody does."""
    clean = Redactor([Secret("first-secret")])
    clean.renew([Secret("second-secret")])
    assert clean.text("first-secret second-secret") == "*** ***"
    clean.renew([Secret("third-secret")])
    assert clean.text("first-secret second-secret third-secret") == "first-secret *** ***"
