"""AWS credentials as everything here hands them on; their secret parts do not print."""

from dataclasses import dataclass

from seawall.contracts.secret import Secret

__all__ = ["Credentials", "CredentialsError"]


class CredentialsError(Exception):
    """A source cannot give its credentials; says which source, what is wrong and what to do, never a secret."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """One set of credentials.

    Attributes:
        access_key: the id, which is no secret but stays out of metrics and errors all the same.
        secret_key: signs.
        token: of temporary credentials, None for lasting ones.
        expires: seconds since the epoch, None for credentials that do not expire.
        source: where they came from, in words for logs and diagnostics.
    """

    access_key: str
    secret_key: Secret
    token: Secret | None = None
    expires: float | None = None
    source: str = ""

    def __repr__(self) -> str:
        return f"Credentials(source={self.source!r}, expires={self.expires!r})"
