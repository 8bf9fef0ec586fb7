"""Text to one frozen tree of settings."""

from seawall.config.load import Loaded, load, load_with_sources, parse
from seawall.config.resolve import ResolvedRoute, ResolvedUpstream, resolve
from seawall.config.serve import serve_faults
from seawall.config.tree import Tree

__all__ = [
    "Loaded",
    "ResolvedRoute",
    "ResolvedUpstream",
    "Tree",
    "load",
    "load_with_sources",
    "parse",
    "resolve",
    "serve_faults",
]
