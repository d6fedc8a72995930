"""The nouns of a city's data. All frozen: a running service never changes what clerks wrote."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import IntEnum, StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

_PLAIN_QUESTIONS = 6  # of an article; twenty ways to ask would drown the words that complaints are made of
_OF_A_PEOPLE = re.compile("(.{2,3}?)(?:[一-龥]{1,4}族)+(?:自治)?([区县旗])")


class UnitLevel(IntEnum):
    """The four levels of the unit tree."""

    CITY = 1
    DISTRICT = 2
    STREET = 3
    COMMUNITY = 4


class PlaceKind(StrEnum):
    """What a name in the gazetteer stands for."""

    ROAD = "road"
    STREET = "street"
    COMMUNITY = "community"
    ESTATE = "estate"
    LANDMARK = "landmark"
    SCENIC = "scenic"
    SCHOOL = "school"
    HOSPITAL = "hospital"
    STATION = "station"
    MARKET = "market"


class ArticleStatus(StrEnum):
    """Only a published article is ever spoken."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Department:
    """A body that handles tickets. ``phone`` is a public general number or empty; ``parent`` an id or empty."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    duties: tuple[str, ...] = ()
    phone: str = ""
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """A node of the unit tree; ``parent`` is empty for the city alone."""

    id: str
    name: str
    level: UnitLevel
    parent: str = ""

    @property
    def short_name(self) -> str:
        """What people say for the name of an autonomous unit (瀍河区 for 瀍河回族区); "" when they say it in full."""
        people = _OF_A_PEOPLE.fullmatch(self.name)
        return people[1] + people[2] if people else ""


@dataclass(frozen=True, slots=True)
class Place:
    """A name of the gazetteer. ``district`` and ``node`` are unit ids; both are empty when the place spans several."""

    name: str
    kind: PlaceKind
    district: str = ""
    node: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cover:
    """A place of a grid cell: a name, of a road perhaps only the house numbers ``first`` to ``last``."""

    name: str
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class Grid:
    """A cell that one grid worker looks after; ``node`` is the unit it lies in."""

    id: str
    name: str
    node: str
    covers: tuple[Cover, ...]


@dataclass(frozen=True, slots=True)
class Category:
    """A leaf of the three-level table of requests."""

    code: str
    level1: str
    level2: str
    level3: str
    department: str
    keywords: tuple[str, ...] = ()

    @property
    def path(self) -> tuple[str, str, str]:
        """The three levels, widest first."""
        return self.level1, self.level2, self.level3


@dataclass(frozen=True, slots=True)
class CatalogueRule:
    """A line of the duty catalogue: what is said, who is responsible, and on what that rests."""

    id: str
    department: str
    keywords: tuple[str, ...]
    examples: tuple[str, ...]
    basis: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """Time allowed for one stage, in minutes; ``working`` counts office hours only. ``amber`` is the warning share."""

    urgency: str
    stage: str
    minutes: int
    working: bool
    amber: float


@dataclass(frozen=True, slots=True)
class Article:
    """A knowledge article. ``portions`` are spoken aloud, one after the other; ``notes`` never are.

    Valid on every day from ``valid_from`` to ``valid_to``, both included, as the city counts days.
    """

    id: str
    title: str
    owner: str
    valid_from: date
    valid_to: date
    version: int
    status: ArticleStatus
    source: str
    questions: tuple[str, ...]
    tags: tuple[str, ...]
    portions: tuple[str, ...]
    notes: tuple[str, ...] = ()
    file: str = ""

    def speakable(self, day: date) -> bool:
        """May it be spoken on that day?"""
        return self.status is ArticleStatus.PUBLISHED and self.valid_from <= day <= self.valid_to


@dataclass(frozen=True, slots=True)
class Emergency:
    """An emergency number, what it is called and what it is for."""

    number: str
    name: str
    purpose: str


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """When departments work; ``days`` are ISO weekdays (Monday 1), ``holidays`` and ``workdays`` override them."""

    days: tuple[int, ...]
    opens: time
    closes: time
    holidays: tuple[date, ...] = ()
    workdays: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What counts as sure. ``routing_automatic`` and ``category_sure`` are probabilities; see the city's README."""

    routing_automatic: float = 0.8
    category_sure: float = 0.5
    answer: float = 0.5


@dataclass(frozen=True, slots=True)
class Word:
    """A word that the recogniser should know. ``weight`` is relative: 1 an ordinary name, 3 one heard every day."""

    text: str
    weight: float
    kind: str


@dataclass(frozen=True)
class City:
    """Everything a city's folder says. Ids and names look up in constant time."""

    name: str
    tenant: str
    ticket_prefix: str
    hotline: str
    timezone: ZoneInfo
    voice: str
    dialects: Mapping[str, float]
    thresholds: Thresholds
    emergencies: tuple[Emergency, ...]
    office_hours: OfficeHours
    departments: tuple[Department, ...]
    units: tuple[Unit, ...]
    places: tuple[Place, ...]
    categories: tuple[Category, ...]
    catalogue: tuple[CatalogueRule, ...]
    deadlines: tuple[Deadline, ...]
    prompts: Mapping[str, str]
    articles: tuple[Article, ...]
    words: tuple[str, ...] = field(default=())
    elsewhere: tuple[str, ...] = field(default=())
    grids: tuple[Grid, ...] = field(default=())

    @cached_property
    def department_by_id(self) -> Mapping[str, Department]:
        """Departments by id."""
        return {d.id: d for d in self.departments}

    @cached_property
    def unit_by_id(self) -> Mapping[str, Unit]:
        """Nodes of the unit tree by id."""
        return {u.id: u for u in self.units}

    @cached_property
    def category_by_code(self) -> Mapping[str, Category]:
        """Categories by code."""
        return {c.code: c for c in self.categories}

    @cached_property
    def category_by_path(self) -> Mapping[tuple[str, ...], Category]:
        """Categories by their three levels."""
        return {c.path: c for c in self.categories}

    @cached_property
    def article_by_id(self) -> Mapping[str, Article]:
        """Articles by id."""
        return {a.id: a for a in self.articles}

    def lineage(self, node: str) -> tuple[Unit, ...]:
        """The node and all above it, the city first; empty for an unknown id."""
        line: list[Unit] = []
        while (unit := self.unit_by_id.get(node)) is not None:
            line.append(unit)
            node = unit.parent
        return tuple(reversed(line))

    def node_at(self, node: str, level: UnitLevel) -> str:
        """The id at ``level`` on the way from the city to ``node``; the node's own id when it lies higher."""
        line = self.lineage(node)
        return line[min(level, len(line)) - 1].id if line else ""

    def lexicon(self) -> Iterator[Word]:
        """Words the recogniser's correction should know, each once, the heavier kind first."""
        seen: set[str] = set()
        for word in self._all_words():
            if len(word.text) >= 2 and word.text not in seen:
                seen.add(word.text)
                yield word

    def texts(self) -> Iterator[str]:
        """What the city writes about its business, for the recogniser to learn which words go together."""
        for article in self.articles:
            yield from (article.title, *article.questions[:_PLAIN_QUESTIONS], *article.portions)
        for department in self.departments:
            yield from department.duties
        for category in self.categories:
            yield from (category.level3, *category.keywords)
        for rule in self.catalogue:
            yield from rule.keywords
        yield from self.words

    def _all_words(self) -> Iterator[Word]:
        for unit in self.units:
            weight = {UnitLevel.CITY: 3.0, UnitLevel.DISTRICT: 3.0, UnitLevel.STREET: 2.0, UnitLevel.COMMUNITY: 1.0}
            for name in (unit.name, unit.short_name):
                yield Word(name, weight[unit.level], "unit")
        for place in self.places:
            for name in (place.name, *place.aliases):
                yield Word(name, 2.0 if place.kind is PlaceKind.ROAD else 1.5, place.kind.value)
        for department in self.departments:
            for name in (department.name, *department.aliases):
                yield Word(name, 2.0, "department")
        for text in self.words:
            yield Word(text, 2.0, "hotline")
        for rule in self.catalogue:
            for keyword in rule.keywords:
                yield Word(keyword, 1.0, "catalogue")
        for category in self.categories:
            for name in (category.level3, *category.keywords):
                yield Word(name, 1.0, "category")
        for article in self.articles:
            for tag in article.tags:
                yield Word(tag, 1.5, "knowledge")
