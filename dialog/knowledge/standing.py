"""May an article be spoken today, and why not: in a word for those who edit it."""

from datetime import date

from dialog.city.nouns import Article, ArticleStatus

_SOON_DAYS = 30


def standing(article: Article, today: date) -> str:
    """可用 and 即将过期 are spoken, the others never."""
    if article.speakable(today):
        return "即将过期" if (article.valid_to - today).days <= _SOON_DAYS else "可用"
    if article.status is not ArticleStatus.PUBLISHED:
        return "草稿" if article.status is ArticleStatus.DRAFT else "已撤下"
    return "已过期" if article.valid_to < today else "还没生效"
