"""What those who edit the knowledge base need to see: what callers asked in vain, and how the articles stand."""

import asyncio
from collections import Counter
from dataclasses import dataclass

from aiohttp import web

from dialog.privacy import mask_text
from voicebot.desk.ports import DeskHelp
from voicebot.storage.documents import plain
from voicebot.storage.questions import UnansweredQuestions
from voicebot.web.doorkeeper import EDITORS, Doorkeeper
from voicebot.web.queries import number_in

_MOST = 500


@dataclass(frozen=True, slots=True)
class Editing:
    """What the routes work with."""

    questions: UnansweredQuestions
    help: DeskHelp
    tenant: str


def editor_routes(editing: Editing, doorkeeper: Doorkeeper) -> list[web.RouteDef]:
    """``/api/knowledge/articles`` and ``/api/knowledge/unanswered``."""

    async def articles(_request: web.Request) -> web.Response:
        found = await asyncio.to_thread(editing.help.articles)
        rows = [{**plain(each), "valid_to": each.valid_to.isoformat()} for each in found]
        return web.json_response({"articles": rows})

    async def unanswered(request: web.Request) -> web.Response:
        found = await editing.questions.latest(editing.tenant, min(number_in(request, "limit", 100), _MOST))
        times = Counter(each.question for each in found)
        rows = [
            {
                "question": mask_text(each.question),
                "asked_at": plain(each.asked_at),
                "times": times.pop(each.question),
                "nearest_article": each.nearest_article,
                "score": round(each.score, 3),
            }
            for each in found
            if each.question in times  # the newest of those that are word for word the same
        ]
        return web.json_response({"questions": rows})

    guard = doorkeeper.guard
    return [
        web.get("/api/knowledge/articles", guard(articles, EDITORS, program=True)),
        web.get("/api/knowledge/unanswered", guard(unanswered, EDITORS, program=True)),
    ]
