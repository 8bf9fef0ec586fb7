"""A request put into a provider's words: the client's own where they are the same, translated where they differ."""

from collections.abc import Callable, Mapping

from seawall.llm.bedrock import Converse
from seawall.llm.same import Same
from seawall.llm.seam import Api, Asked, NotUnderstood, Operation, Spoken
from seawall.llm.to_anthropic import ChatToAnthropic
from seawall.llm.to_openai import MessageToChat

__all__ = ["speak"]

# (client's dialect, its operation, provider's api) -> what translates; the arguments are Same's.
_TRANSLATIONS: Mapping[tuple[Api, Operation, Api], Callable[[Asked, str, int, bool], Spoken]] = {
    ("openai", "chat", "anthropic"): ChatToAnthropic,
    ("anthropic", "messages", "openai"): MessageToChat,
    ("openai", "chat", "bedrock"): Converse,
    ("anthropic", "messages", "bedrock"): Converse,
}


def speak(asked: Asked, api: Api, model: str, max_output: int, stream_usage: bool) -> Spoken:
    """Return the request in a provider's words.

    Args:
        asked: what the client asks.
        api: which dialect the provider speaks.
        model: as the provider knows it.
        max_output: output tokens for one choice, put in where the client set no limit.
        stream_usage: the provider understands `stream_options` (`upstreams.<name>.stream_usage`).

    Raises:
        NotUnderstood: this cannot be said in that dialect; the message names the field.
    """
    if asked.dialect == api:
        return Same(asked, model, max_output, stream_usage)
    translate = _TRANSLATIONS.get((asked.dialect, asked.operation, api))
    if translate is None:
        raise NotUnderstood(
            f"{asked.operation} of the {asked.dialect} dialect cannot be asked of {api}; "
            f"choose a model whose target speaks {asked.dialect}",
            "model",
        )
    return translate(asked, model, max_output, stream_usage)
