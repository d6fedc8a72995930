"""What the city knows, for the people at the desk."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from dialog.city.deadlines import due_times
from dialog.city.nouns import City
from dialog.flow import DialogTools
from dialog.knowledge import KnowledgeIndex
from dialog.knowledge.standing import standing
from dialog.ticket import wording
from dialog.ticket.addresses import precise
from voicebot.app.conversations import Conversations
from voicebot.core.ports import Clock
from voicebot.core.ticket import TicketDraft, TicketType
from voicebot.desk.ports import ArticleLine, Choice, Passage, Service, Suggestion

_NO_PLACE = (TicketType.INQUIRY, TicketType.SUGGESTION, TicketType.PRAISE)
_ACCUSING = (TicketType.COMPLAINT, TicketType.REPORT)
_WORTH_SHOWING = 0.3  # probability that an article answers
_SAID = 3  # sentences of the caller that a reply may answer


class CityHelp:
    """`DeskHelp` from the models and texts that the bot itself uses."""

    def __init__(self, city: City, conversations: Conversations, clock: Clock):
        self._city = city
        self._conversations = conversations
        self._clock = clock

    def search(self, question: str, limit: int) -> Sequence[Passage]:
        """The articles that come nearest."""
        knowledge = self._tools.knowledge
        if not isinstance(knowledge, KnowledgeIndex):
            return ()
        return [
            Passage(hit.article_id, hit.title, "".join(hit.portions), hit.source, self._name(hit.owner), hit.score)
            for hit in knowledge.ranked(question, self._today(), limit)
        ]

    def suggest(self, draft: TicketDraft, said: Sequence[str]) -> Sequence[Suggestion]:
        """The first open question of the ticket, and an answer when an article has one."""
        found = [Suggestion("question", self._tools.texts["zh"].get(key)) for key in self._open_questions(draft)[:2]]
        for sentence in reversed(said[-_SAID:]):
            hit = self._tools.knowledge.search(sentence, self._today())
            if hit is not None and hit.score >= _WORTH_SHOWING:
                found.append(Suggestion("reply", hit.portions[0], hit.title))
                break
        return found

    def complete(self, draft: TicketDraft) -> TicketDraft:
        """Fill in what the bot would have filled in."""
        tools = self._tools
        draft = replace(draft, what=draft.what or draft.title)
        if not draft.category:
            path, probability = tools.categories.categorise(draft.what)
            if probability >= self._city.thresholds.category_sure:
                draft = replace(draft, category=path)
        if draft.type is None:
            kind, _probability = tools.types.classify(draft.what)
            draft = replace(draft, type=kind)
        draft = replace(
            draft,
            title=draft.title or wording.title(draft, tools.record),
            summary=draft.summary or wording.summary(draft, tools.record),
        )
        draft = replace(draft, due=due_times(self._city, draft.urgency, self._clock.now()))
        return draft if draft.dispatch else replace(draft, dispatch=tools.router.route(draft.what, draft))

    def departments(self) -> Sequence[Choice]:
        """The departments of the city."""
        return [Choice(department.id, department.name) for department in self._city.departments]

    def articles(self) -> Sequence[ArticleLine]:
        """Every article of the city, those that are not spoken first."""
        today = self._today()
        lines = [
            ArticleLine(
                article.id,
                article.title,
                self._name(article.owner),
                article.version,
                article.valid_to,
                standing(article, today),
                article.speakable(today),
                len(article.questions),
            )
            for article in self._city.articles
        ]
        return sorted(lines, key=lambda line: (line.speakable, line.valid_to, line.id))

    def services(self) -> Sequence[Service]:
        """The categories of the city."""
        return [Service(category.code, category.path) for category in self._city.categories]

    @staticmethod
    def _open_questions(draft: TicketDraft) -> list[str]:
        keys = []
        if not draft.what:
            keys.append("ask_what")
        if not precise(draft.address) and draft.type not in _NO_PLACE and not draft.companies:
            keys.append("ask_where")
        if not draft.caller_phone and not draft.anonymous:
            keys.append("ask_phone")
        if draft.type in _ACCUSING and draft.confidentiality is None and not draft.anonymous:
            keys.append("ask_confidential")
        return keys

    @property
    def _tools(self) -> DialogTools:
        return self._conversations.tools

    def _today(self) -> date:
        return self._clock.now().astimezone(self._city.timezone).date()

    def _name(self, department: str) -> str:
        found = self._city.department_by_id.get(department)
        return found.name if found else department
