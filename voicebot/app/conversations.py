"""What every conversation of a city shares, and a dialog for each call."""

from collections.abc import Callable, Iterator
from itertools import zip_longest

from threadpoolctl import threadpool_limits

from dialog.city.nouns import City
from dialog.embedding import Embedder
from dialog.flow import DialogTools, HotlineDialog
from dialog.knowledge import KnowledgeIndex
from dialog.routing import CategoryClassifier, DepartmentRouter, RequestTypeClassifier
from voicebot.app.language_model import OpenAiTicketReader
from voicebot.core.call import CallStart
from voicebot.core.errors import ModelError
from voicebot.core.ports import Clock, Dialog
from voicebot.settings import Settings
from voicebot.tts.sentences import split_clauses


class Conversations:
    """Built quickly; `start` loads the models that understanding needs."""

    def __init__(
        self, settings: Settings, city: City, clock: Clock, fault: Callable[[str, str], None] = lambda _, __: None
    ):
        """``fault`` is told the stage and the code of what fails beside a call."""
        self._settings = settings
        self._city = city
        self._clock = clock
        model = settings.dialog.language_model
        self._reader = OpenAiTicketReader(model, clock, fault) if model else None
        self._tools: DialogTools | None = None

    def start(self) -> None:
        """Load the embeddings and the routing models; a few seconds, longer the first time. Blocks."""
        # A turn's matrix products take a millisecond. Spread over threads, those wait for more work by spinning, which
        # doubles the processor time of a turn, and takes it from other calls.
        threadpool_limits(1, user_api="blas")
        var = self._settings.var_dir
        embedder = Embedder(var / "embeddings")
        self._tools = DialogTools.build(
            self._city,
            knowledge=KnowledgeIndex(self._city, embedder),
            router=DepartmentRouter(self._city, embedder, var / "routing"),
            types=RequestTypeClassifier(self._city, embedder, var / "routing"),
            categories=CategoryClassifier(self._city, embedder, var / "routing"),
            settings=self._settings.dialog,
            now=self._clock.now,
            vectorise=embedder.sentence,
            reader=self._reader,
        )

    def stop(self) -> None:
        """Ask the language model nothing more."""
        if self._reader is not None:
            self._reader.close()

    def open(self, start: CallStart) -> Dialog:
        """The dialog of one call."""
        return HotlineDialog(self.tools, start)

    def text(self, key: str, language: str, **values: str) -> str:
        """A text of the bot's own that the pipeline says by itself; in Chinese to whoever speaks no language we do."""
        texts = self.tools.texts
        return texts.get(language, texts["zh"]).get(key, 0, **values)

    def fixed_texts(self, language: str = "zh") -> Iterator[str]:
        """Every sentence of the bot's own that does not depend on the call, and those for emergencies."""
        yield from self.tools.texts[language].fixed()
        for emergency in self._city.emergencies:
            yield self.text("three_way", language, name=emergency.number)

    def article_beginnings(self) -> Iterator[str]:
        """The first clause of every portion that may be spoken today, first portions first."""
        for portion in self.article_texts():
            yield from split_clauses(portion)[:1]

    def article_texts(self) -> Iterator[str]:
        """What may be spoken of the articles today."""
        day = self._clock.now().astimezone(self._city.timezone).date()
        speakable = [article for article in self._city.articles if article.speakable(day)]
        # First portions first: most callers hear no more.
        for turn in zip_longest(*(article.portions for article in speakable)):
            yield from (portion for portion in turn if portion)

    @property
    def tools(self) -> DialogTools:
        """What conversations share; raises `ModelError` before `start`."""
        if self._tools is None:
            raise ModelError("模型正在装入，请稍等。", code="models_loading")
        return self._tools
