"""What AWS says when it does not take a signature, in words for whoever runs the gateway."""

from email.utils import parsedate_to_datetime

from seawall.contracts.body import Headers

__all__ = ["concerns_credentials", "error_name", "explained"]

_SKEW = 300.0  # seconds that AWS takes either way
_EXPIRED = frozenset(("ExpiredTokenException", "ExpiredToken"))
_SIGNATURE = frozenset((
    "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignatureException", "IncompleteSignature",
    "RequestExpired", "RequestTimeTooSkewed", "MissingAuthenticationTokenException", "MissingAuthenticationToken",
))  # fmt: skip
_UNKNOWN = frozenset(("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"))


def error_name(headers: Headers) -> str:
    """Return the name of an error from `x-amzn-errortype`, `""` where there is none."""
    for name, value in headers:
        if name == b"x-amzn-errortype":
            return value.decode("latin-1").partition(":")[0].rpartition("#")[2][:128]
    return ""


def concerns_credentials(name: str) -> bool:
    """Whether an error is about our signature: its message may quote what was signed, the session token included."""
    return name in _EXPIRED or name in _SIGNATURE or name in _UNKNOWN


def explained(name: str, headers: Headers, now: float) -> str:
    """Return what is wrong and what to do.

    Args:
        name: of the error.
        headers: of the answer; its Date tells AWS's clock.
        now: seconds since the epoch by our own clock.
    """
    skew = _skew(headers, now)
    if abs(skew) > _SKEW:
        side = "ahead of" if skew > 0 else "behind"
        return f"{name}: the clock of this machine is {abs(skew):.0f} s {side} that of AWS; set it right"
    if name in _EXPIRED:
        return f"{name}: the gateway's AWS credentials have expired; give it new ones"
    if name in _UNKNOWN:
        return f"{name}: AWS does not know the gateway's credentials; look at the key's id and the session token"
    if name in _SIGNATURE:
        return f"{name}: AWS does not take the gateway's signature; look at the secret key and the region"
    return name


def _skew(headers: Headers, now: float) -> float:
    """Return seconds by which our clock is ahead of the answer's Date, 0 where it names none."""
    date = next((value for name, value in headers if name == b"date"), b"")
    try:
        return now - parsedate_to_datetime(date.decode("latin-1")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
