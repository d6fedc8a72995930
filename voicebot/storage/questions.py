"""Questions that the knowledge base could not answer, for those who edit it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from voicebot.core.ports import Clock
from voicebot.storage.database import Database
from voicebot.storage.tables import unanswered_questions


@dataclass(frozen=True, slots=True)
class UnansweredQuestion:
    """A caller's question, the article that came nearest, and its similarity in [-1, 1]."""

    tenant: str
    call_id: str
    asked_at: datetime
    question: str
    nearest_article: str
    score: float


class UnansweredQuestions:
    """The editors' list of what is missing."""

    def __init__(self, database: Database, clock: Clock):
        self._database = database
        self._clock = clock

    async def add(
        self, tenant: str, call_id: str, question: str, *, nearest_article: str = "", score: float = 0.0
    ) -> None:
        """Keep a question that went unanswered."""
        row = {
            "tenant": tenant,
            "call_id": call_id,
            "asked_at": self._clock.now(),
            "question": question,
            "nearest_article": nearest_article,
            "score": score,
        }
        await self._database.write(lambda connection: connection.execute(insert(unanswered_questions).values(row)))

    async def latest(self, tenant: str, limit: int = 100) -> tuple[UnansweredQuestion, ...]:
        """The newest questions of a city first."""
        table = unanswered_questions
        query = select(table).where(table.c.tenant == tenant).order_by(table.c.question_id.desc()).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(
            UnansweredQuestion(row.tenant, row.call_id, row.asked_at, row.question, row.nearest_article, row.score)
            for row in rows
        )
