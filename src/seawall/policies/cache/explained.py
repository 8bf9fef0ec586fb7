"""The line of `seawall explain` about a cache."""

from seawall.contracts.units import show_duration, show_size
from seawall.policies.cache.settings import CacheSettings

__all__ = ["explain"]


def explain(settings: CacheSettings) -> str:
    """Return the line of `seawall explain`."""
    words = []
    if settings.ttl is None:
        words.append("fresh for as long as the response says")
    elif settings.override:
        words.append(f"fresh for {show_duration(settings.ttl)} whatever the response says")
    else:
        words.append(f"fresh for {show_duration(settings.ttl)} where the response says nothing")
    if settings.stale_while_revalidate:
        words.append(f"then {show_duration(settings.stale_while_revalidate)} stale while refreshed behind")
    if settings.stale_if_error:
        words.append(
            f"{show_duration(settings.stale_if_error)} stale where the upstream fails or takes longer than "
            f"{show_duration(settings.patience)}"
        )
    words.append(f"shared by {'one caller' if settings.share == 'caller' else 'all with the same credential'}")
    words.append(f"answers up to {show_size(settings.largest)}")
    return "; ".join(words)
