"""The city's articles: finding the one that answers, and knowing when none does."""

from dialog.knowledge.index import KnowledgeIndex

__all__ = ["KnowledgeIndex"]
