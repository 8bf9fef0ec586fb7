"""A message of Anthropic's dialect asked as a chat completion: request, answer and stream."""

from seawall.llm.to_openai.spoken import MessageToChat

__all__ = ["MessageToChat"]
