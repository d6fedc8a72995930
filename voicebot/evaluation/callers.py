"""The audio of a scenario's caller: recordings as they are, texts in one of the eight voices."""

from collections.abc import Iterable
from pathlib import Path

from voicebot.audio.narrowband import resample, to_pcm
from voicebot.core.errors import ConfigurationError
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.core.ports import Synthesiser
from voicebot.evaluation.conversation import with_line
from voicebot.evaluation.scenario import LoadedScenario
from voicebot.evaluation.speech import read_recording
from voicebot.models import ModelStore
from voicebot.tts.cached import CachedSynthesiser
from voicebot.tts.kokoro import KokoroSynthesiser
from voicebot.tts.settings import KOKORO_VOICES, TtsSettings


def read_audio(path: Path) -> bytes:
    """Any file that libsndfile reads, as 8 kHz mono int16 PCM. Raises `ConfigurationError` for anything else."""
    signal, rate_hz = read_recording(path)
    return to_pcm(resample(signal, rate_hz, SAMPLE_RATE_HZ))


def check_callers(scenarios: Iterable[LoadedScenario]) -> None:
    """Can every caller be played? Raises `ConfigurationError` before anything slow has begun."""
    for loaded in scenarios:
        for turn in loaded.scenario.turn:
            name = turn.voice or loaded.scenario.caller.voice
            if turn.say and name not in KOKORO_VOICES:
                raise ConfigurationError(
                    f"剧本 {loaded.name} 里没有名为 {name} 的声音。",
                    code="voice_unknown",
                    remedy=f"可用：{'、'.join(KOKORO_VOICES)}。",
                )
            if turn.wav:
                read_recording(loaded.folder / turn.wav)


class CallerVoices:
    """Speaks a scenario's texts; what was spoken once is kept in the cache folder."""

    def __init__(self, models: ModelStore, cache_dir: Path):
        self._models = models
        self._cache_dir = cache_dir
        self._voices: dict[str, Synthesiser] = {}

    async def clips(self, loaded: LoadedScenario) -> dict[int, bytes]:
        """Audio of each turn that speaks, by the turn's index (8 kHz int16)."""
        scenario, clips = loaded.scenario, {}
        for index, turn in enumerate(scenario.turn):
            if turn.say:
                clip = await self._say(turn.voice or scenario.caller.voice, turn.say)
            elif turn.wav:
                clip = read_audio(loaded.folder / turn.wav)
            else:
                continue
            clips[index] = with_line(clip, scenario.caller.gain_db, scenario.caller.noise_dbfs)
        return clips

    async def close(self) -> None:
        """Release the voices."""
        for voice in self._voices.values():
            await voice.stop()
        self._voices.clear()

    async def _say(self, name: str, text: str) -> bytes:
        if name not in self._voices:
            settings = TtsSettings(voice=name)
            voice = CachedSynthesiser(
                KokoroSynthesiser(settings, self._models.path("kokoro")),
                self._cache_dir,
                fingerprint=f"caller:{settings.speed}:{settings.level_dbfs}",
            )
            await voice.start()
            self._voices[name] = voice
        cached = self._voices[name]
        assert isinstance(cached, CachedSynthesiser)  # noqa: S101  made just above
        cached.declare([text])
        return b"".join([pcm async for pcm in cached.speak(text)])
