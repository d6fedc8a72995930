import io

import av
import numpy as np
import pytest

from voicebot.core.errors import SynthesisError
from voicebot.tts.edge import MP3_RATE_HZ, EdgeSynthesiser, Mp3Decoder
from voicebot.tts.settings import TtsSettings

HZ = 440


def mp3_of_a_tone(seconds: float) -> bytes:
    """Real MP3, as the endpoint sends it: 24 kHz mono."""
    samples = (8000 * np.sin(2 * np.pi * HZ * np.arange(int(seconds * MP3_RATE_HZ)) / MP3_RATE_HZ)).astype(np.int16)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as container:
        stream = container.add_stream("mp3", rate=MP3_RATE_HZ)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.rate = MP3_RATE_HZ
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return buffer.getvalue()


def test_mp3_becomes_telephone_audio_piece_by_piece() -> None:
    data, decoder = mp3_of_a_tone(1.0), Mp3Decoder()
    pieces = [decoder.push(data[at : at + 720]) for at in range(0, len(data), 720)]
    pcm = np.frombuffer(b"".join(pieces) + decoder.finish(), "<i2").astype(float)
    assert any(pieces[: len(pieces) // 2]), "nothing came before half of the data"
    assert len(pcm) == pytest.approx(8000, abs=800)
    spectrum = np.abs(np.fft.rfft(pcm[1000:7000]))
    assert np.argmax(spectrum) * 8000 / 6000 == pytest.approx(HZ, abs=3)


@pytest.mark.network
async def test_an_endpoint_that_is_not_there_is_said_so_at_once() -> None:
    settings = TtsSettings(engine="edge", edge_proxy="http://127.0.0.1:9", stall_ms=2000)
    with pytest.raises(SynthesisError) as caught:
        [_ async for _ in EdgeSynthesiser(settings).speak("您好。")]
    assert caught.value.code == "voice_unreachable"
    assert caught.value.retryable
