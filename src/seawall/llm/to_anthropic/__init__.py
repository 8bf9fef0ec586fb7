"""A chat completion of OpenAI's dialect asked of Anthropic: request, answer and stream."""

from seawall.llm.to_anthropic.spoken import ChatToAnthropic

__all__ = ["ChatToAnthropic"]
