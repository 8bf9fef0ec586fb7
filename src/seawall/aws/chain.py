"""The order in which sources are asked: that of AWS's own SDKs, as far as they are supported here."""

from collections.abc import Callable, Mapping

from seawall.aws.credentials import Credentials, CredentialsError
from seawall.aws.fetch import Fetch
from seawall.aws.profile import Profiles, read_profiles
from seawall.aws.roles import Role, assume, sts_of, web_identity
from seawall.aws.sources import container, environment, instance, off_loop, static

__all__ = ["Chain"]

_HOPS = 4
_NOT_HERE = {
    "sso_session": "single sign-on", "sso_start_url": "single sign-on", "credential_process": "credential_process",
    "login_session": "a console login",
}  # fmt: skip
_NOWHERE = (
    "no AWS credentials: none in the environment, in a profile, from a web identity, from the container or from the "
    "instance; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the upstream's key"
)


class Chain:
    """Finds credentials anew each time it is called.

    Args:
        env: the process's environment.
        region: whose STS is asked.
        fetch: makes calls to metadata services and STS.
        wall: seconds since the epoch.
    """

    def __init__(self, env: Mapping[str, str], region: str, fetch: Fetch, wall: Callable[[], float]) -> None:
        self._env = env
        self._sts = sts_of(env, region)
        self._fetch = fetch
        self._wall = wall

    async def __call__(self) -> Credentials:
        """Return the credentials of the first source that has any.

        Raises:
            CredentialsError: a source that is configured cannot give them, or there is no source at all.
        """
        env = self._env
        found = environment(env)
        if found is None:
            profiles = await off_loop(lambda: read_profiles(env))
            found = await self._profile(profiles) or await container(env, self._fetch) or await self._instance()
        if found is None:
            raise CredentialsError(_NOWHERE)
        return found

    async def _instance(self) -> Credentials | None:
        return await instance(self._env, self._fetch)

    async def _profile(self, profiles: Profiles) -> Credentials | None:
        """Return what the profile in force gives; a web identity stands between its role and its keys."""
        env, name = self._env, profiles.name
        values = profiles.get(name)
        if values is None and profiles.asked:
            raise CredentialsError(f"there is no profile {name}, which AWS_PROFILE names")
        values = values or {}
        if "role_arn" in values and "web_identity_token_file" not in values:
            return await self._role(profiles, name, ())
        path = env.get("AWS_WEB_IDENTITY_TOKEN_FILE") or values.get("web_identity_token_file")
        if path:
            arn = env.get("AWS_ROLE_ARN") or values.get("role_arn")
            if not arn:
                raise CredentialsError("AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not")
            session = env.get("AWS_ROLE_SESSION_NAME") or values.get("role_session_name", "")
            return await web_identity(self._sts, Role(arn, session), path, self._fetch)
        return self._keys(values, name)

    def _keys(self, values: Mapping[str, str], name: str) -> Credentials | None:
        found = static(values, name)
        if found is None:
            for key, words in _NOT_HERE.items():
                if key in values:
                    raise CredentialsError(
                        f"profile {name} uses {words}, which is not supported here; "
                        f"`aws configure export-credentials --profile {name} --format env` gives keys that are"
                    )
        return found

    async def _role(self, profiles: Profiles, name: str, on_the_way: tuple[str, ...]) -> Credentials:
        """Return the credentials of the role a profile names, taken on by those of its source."""
        if name in on_the_way or len(on_the_way) >= _HOPS:
            raise CredentialsError(f"profile {name} leads back to itself, or over more than {_HOPS} roles")
        values = profiles.get(name)
        if values is None:
            raise CredentialsError(f"there is no profile {name}, which profile {on_the_way[-1]} names")
        if "role_arn" not in values:
            found = self._keys(values, name)
            if found is None:
                raise CredentialsError(f"profile {name} has no keys and no role")
            return found
        if "mfa_serial" in values:
            raise CredentialsError(f"profile {name} wants a code of a person (mfa_serial); nobody is here to give one")
        own = static(values, name) if values.get("source_profile") == name else None
        by = own or await self._source(profiles, values, name, on_the_way)
        role = Role(
            values["role_arn"], values.get("role_session_name", ""), values.get("external_id", ""),
            values.get("duration_seconds", ""),
        )  # fmt: skip
        return await assume(self._sts, role, by, self._wall(), self._fetch)

    async def _source(
        self, profiles: Profiles, values: Mapping[str, str], name: str, on_the_way: tuple[str, ...]
    ) -> Credentials:
        source, word = values.get("source_profile"), values.get("credential_source")
        if (source is None) == (word is None):
            raise CredentialsError(f"profile {name} has role_arn and needs either source_profile or credential_source")
        if source is not None:
            return await self._role(profiles, source, (*on_the_way, name))
        match word:
            case "Environment":
                found = environment(self._env)
            case "EcsContainer":
                found = await container(self._env, self._fetch)
            case "Ec2InstanceMetadata":
                found = await self._instance()
            case _:
                raise CredentialsError(
                    f"credential_source of profile {name} must be Environment, EcsContainer or Ec2InstanceMetadata"
                )
        if found is None:
            raise CredentialsError(f"credential_source of profile {name} is {word}, which gives none")
        return found
