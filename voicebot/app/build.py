"""Builds the house from the settings: the only file that names concrete classes of the rooms."""

from dataclasses import dataclass

from asr.dialects.ear import DialectEar
from asr.dialects.loader import load_packs
from asr.lexicon import Entry, Lexicon, hotline_words
from asr.phonetics.corrector import PhoneticCorrector
from dialog.city.loader import load_city
from dialog.city.nouns import City
from telephony.sip.server import SipLineServer
from telephony.transport import LineTransport
from voicebot.app.conversations import Conversations
from voicebot.app.hearing import build_recogniser, require_models
from voicebot.app.house import House
from voicebot.app.phones import DeskPhones
from voicebot.audio.hold_music import hold_music
from voicebot.audio.vad import GatedDetector
from voicebot.core.actions import HandOff
from voicebot.core.clock import SystemClock
from voicebot.core.ports import Line, Synthesiser
from voicebot.desk.agent_queue import SqlAgentQueue
from voicebot.desk.taking import CallTaking
from voicebot.models import ModelStore
from voicebot.pipeline.book import RecordedCalls
from voicebot.pipeline.held import Contact, Exchange, HeldCalls
from voicebot.pipeline.listening import ListeningPosts
from voicebot.pipeline.observer import Observer
from voicebot.pipeline.session import Parts
from voicebot.settings import Settings
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.changes import Changes, hearing_topic
from voicebot.storage.database import Database
from voicebot.storage.questions import UnansweredQuestions
from voicebot.storage.recordings import Recordings
from voicebot.storage.tickets import SqlTicketStore
from voicebot.tts.cached import CachedSynthesiser
from voicebot.tts.edge import EdgeSynthesiser
from voicebot.tts.fallback import FallbackSynthesiser
from voicebot.tts.kokoro import KokoroSynthesiser
from voicebot.turns.barge_in import BargeIn
from voicebot.turns.ending import ending_model
from voicebot.turns.endpoint import AdaptiveEndpointer
from voicebot.turns.silence import SilenceTimer


@dataclass(frozen=True, slots=True)
class SettingsTargets:
    """`TransferTargets` from the settings: only what is written there is ever dialled."""

    table: dict[str, str]

    def target(self, handoff: HandOff) -> str:
        """By emergency number first, then by seat skill."""
        return self.table.get(handoff.emergency, "") or self.table.get(handoff.skill, "")


def build(settings: Settings, observer: Observer) -> House:
    """Build everything that calls share; some five seconds. Nothing is started, nothing written.

    Raises `CityError`, `ModelError` and `StorageError` for what cannot work.
    """
    ending_model()  # read now, not in the middle of the first call
    clock = SystemClock()
    city = load_city(settings.city_dir)
    models = ModelStore(settings.models_dir)
    require_models(settings, models)
    database = Database(settings.storage)
    conversations = Conversations(settings, city, clock, observer.fault)
    changes = Changes(database)
    calls = SqlCallStore(database, clock, worker_lost_after_s=settings.storage.worker_lost_after_s, changes=changes)
    recordings = Recordings(database, clock, settings.storage)
    packs = load_packs()
    spoken = [packs[name] for name, share in city.dialects.items() if share > 0 and name in packs]
    recogniser = build_recogniser(settings, models, build_corrector(models, city), spoken)
    synthesiser = build_voice(settings, models)
    queue = SqlAgentQueue(database, clock, settings.desk, changes)
    tickets = SqlTicketStore(database, clock, number_prefix=city.ticket_prefix)
    listening = ListeningPosts()
    phones = DeskPhones(settings.webrtc, clock, city.tenant, listening) if settings.webrtc.enabled else None
    questions = UnansweredQuestions(database, clock)
    sip = SipLineServer(settings.sip, clock, city.tenant, RecordedCalls(calls, questions, observer))
    parts = Parts(
        ear=lambda: DialectEar(recogniser, packs, city.dialects),
        synthesiser=synthesiser,
        calls=calls,
        tickets=tickets,
        questions=questions,
        queue=queue,
        targets=SettingsTargets(settings.targets),
        observer=observer,
        clock=clock,
        dialog=conversations.open,
        detector=GatedDetector,
        endpointer=lambda: AdaptiveEndpointer(settings.turns),
        barge_in=lambda: BargeIn(settings.turns),
        silence=lambda: SilenceTimer(settings.turns),
        recorder=recordings.recorder,
        transport=LineTransport,
        fault_text=lambda language: conversations.text("handoff_fault", language),
        patience_text=lambda language: conversations.text("one_moment", language),
        max_call_s=settings.sip.max_call_s,
        queue_news_s=settings.desk.queue_news_s,
        hold_music=hold_music(settings.desk.hold_music),
        takers=CallTaking(database, clock, changes),
        phones=phones,
        listening=listening,
        held=HeldCalls(_exchange(settings, city, sip, conversations)),
        hearing=lambda call_id, text: changes.tell_everywhere(hearing_topic(call_id, text)),
    )
    return House(settings, clock, city, models, database, recogniser, synthesiser, conversations, calls, queue,
                 recordings, observer, parts, changes, tickets, sip, phones)  # fmt: skip


def _exchange(settings: Settings, city: City, sip: SipLineServer, conversations: Conversations) -> Exchange:
    """Third parties are called on the line that calls come in on, at the targets that are set or by their number."""

    async def dial(number: str, call_id: str) -> Line:
        return await sip.call(settings.targets.get(number, number), call_id)

    return Exchange(
        contacts_of(city, settings.sip.number),
        dial,
        lambda name, language: conversations.text("three_way", language, name=name),
    )


def contacts_of(city: City, own_number: str) -> tuple[Contact, ...]:
    """Whom agents may call into a call: the emergency numbers, and the departments that have a number."""
    known = [(each.number, each.name, each.number) for each in city.emergencies]
    known += [(each.phone, each.name, each.name) for each in city.departments]
    found: dict[str, Contact] = {}
    for written, name, spoken in known:
        number = "".join(sign for sign in written if sign.isdigit() or sign == "+")
        found.setdefault(number, Contact(number, name, spoken))
    return tuple(contact for number, contact in found.items() if number not in ("", own_number))


def lexicon_entries(city: City) -> list[Entry]:
    """The words that every hotline hears, and the city's names and departments."""
    return [*hotline_words(), *(Entry(word.text, word.weight, word.kind) for word in city.lexicon())]


def build_corrector(models: ModelStore, city: City) -> PhoneticCorrector:
    """The correction by sound for a city, with the trigram model where it is installed."""
    folder = models.folder("trigram-zh")
    return PhoneticCorrector(
        Lexicon(lexicon_entries(city)),
        load_packs(),
        folder if folder.is_dir() else None,
        texts=city.texts(),
        spoken=[name for name, share in city.dialects.items() if share > 0],
    )


def build_voice(settings: Settings, models: ModelStore) -> CachedSynthesiser:
    """The voice behind its cache."""
    tts = settings.tts
    voice: Synthesiser = KokoroSynthesiser(tts, models.path("kokoro"))
    if tts.engine == "edge":
        first = EdgeSynthesiser(tts)
        voice = FallbackSynthesiser(
            first, voice, SystemClock(), first_audio_ms=tts.first_audio_ms, cool_down_s=tts.cool_down_s
        )
    return CachedSynthesiser(
        voice,
        settings.var_dir / "voice",
        fingerprint=f"{tts.speed}:{tts.level_dbfs}",
        memory_bytes=tts.cache_memory_mb << 20,
        disk_bytes=tts.cache_disk_mb << 20,
        clauses_ahead=tts.clauses_ahead,
    )
