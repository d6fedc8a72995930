"""The city's articles: finding the one that answers, and knowing when none does."""
