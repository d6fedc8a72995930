"""The embedded voice: Kokoro-82M (Apache-2.0) on onnxruntime, Mandarin, on any CPU, heard while it is being made."""

from voicebot.tts.kokoro.model import KokoroModel
from voicebot.tts.kokoro.synthesiser import KokoroSynthesiser

__all__ = ["KokoroModel", "KokoroSynthesiser"]
