"""Bedrock's Converse and ConverseStream: requests of OpenAI's and Anthropic's clients spoken, their answers heard."""

from seawall.llm.bedrock.spoken import Converse

__all__ = ["Converse"]
