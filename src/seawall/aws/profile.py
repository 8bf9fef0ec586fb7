"""The profile files of AWS (`~/.aws/credentials`, `~/.aws/config`); reads disk, so never on the loop."""

import configparser
from collections.abc import Mapping
from pathlib import Path

from seawall.aws.credentials import CredentialsError

__all__ = ["Profiles", "read_profiles"]

_MOST = 1 << 20
Environment = Mapping[str, str]


class Profiles:
    """Every profile of both files.

    Attributes:
        name: of the one in force: `AWS_PROFILE`, `AWS_DEFAULT_PROFILE` or `default`.
        asked: it was named in the environment.
    """

    def __init__(
        self,
        name: str,
        asked: bool,
        credentials: Mapping[str, Mapping[str, str]],
        config: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.name = name
        self.asked = asked
        self._credentials = credentials
        self._config = config

    def get(self, name: str) -> dict[str, str] | None:
        """Return what both files say of a profile, the credentials file first; None where neither knows it."""
        one, other = self._credentials.get(name), self._config.get(name)
        if one is None and other is None:
            return None
        merged = dict(other or {})
        if one is not None and "aws_access_key_id" in one:
            for key in ("aws_secret_access_key", "aws_session_token", "aws_security_token"):
                merged.pop(key, None)  # never the halves of two sets of keys
        return merged | dict(one or {})


def read_profiles(environment: Environment) -> Profiles:
    """Return the profiles of this machine; none where there are no files.

    Raises:
        CredentialsError: a file cannot be read or understood; names the file, never what stands in it.
    """
    home = environment.get("HOME", "")
    credentials = _read(environment.get("AWS_SHARED_CREDENTIALS_FILE") or f"{home}/.aws/credentials", home)
    config = _read(environment.get("AWS_CONFIG_FILE") or f"{home}/.aws/config", home)
    named = environment.get("AWS_PROFILE") or environment.get("AWS_DEFAULT_PROFILE")
    profiles = {
        name if name == "default" else name.removeprefix("profile ").strip().strip("\"'"): values
        for name, values in config.items()
        if name == "default" or name.startswith("profile ")
    }
    return Profiles(named or "default", named is not None, credentials, profiles)


def _read(text: str, home: str) -> dict[str, dict[str, str]]:
    path = Path(home + text[1:] if text.startswith("~/") else text)
    parser = configparser.RawConfigParser(default_section="", strict=False)
    try:
        if path.stat().st_size > _MOST:
            raise CredentialsError(f"{path} is larger than 1 MiB")
        parser.read_string(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        # a parser's own message quotes the line, which may be a secret
        raise CredentialsError(f"{path} cannot be read: {type(error).__name__}") from None
    return {section: dict(parser.items(section)) for section in parser.sections()}
