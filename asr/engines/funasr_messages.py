"""The two-pass WebSocket protocol of a FunASR runtime server, as messages; no socket near.

Source: FunASR, ``runtime/docs/websocket_protocol.md``. The client sends one JSON message, then PCM, then
``{"is_speaking": false}``. The server answers with ``2pass-online`` (new words of a sentence in progress) and
``2pass-offline`` (the whole sentence, heard again).
"""

import json
from dataclasses import dataclass

from voicebot.core.errors import RecognitionError

RATE_HZ = 16000  # every server takes it; the one in Python knows no other
CHUNK_MS = 60  # 600 ms, the step of the streaming model, in ten messages


def opening(name: str) -> str:
    """The first message of a turn."""
    return json.dumps(
        {
            "mode": "2pass",
            "wav_name": name,
            "wav_format": "pcm",
            "audio_fs": RATE_HZ,
            "chunk_size": [5, 10, 5],  # 300 ms back, 600 ms now, 300 ms ahead
            "chunk_interval": 10,
            "is_speaking": True,
            "itn": False,  # numbers stay as they were spoken
        }
    )


def closing() -> str:
    """The last message of a turn."""
    return json.dumps({"is_speaking": False})


@dataclass(slots=True)
class TwoPassText:
    """The text of a turn while answers come in."""

    sentences: str = ""
    in_progress: str = ""
    ended: bool = False
    complete: bool = False

    def end(self) -> None:
        """The closing message was sent."""
        self.ended = True

    def take(self, message: str) -> None:
        """One message of the server. Raises `RecognitionError` when it is none of the protocol."""
        try:
            answer = json.loads(message)
            mode, text = str(answer["mode"]), str(answer["text"])
        except (ValueError, KeyError, TypeError) as error:
            raise RecognitionError(
                f"The FunASR server sent something else: {error!r}.",
                code="remote_answer",
                remedy="Check that asr.funasr_url is a FunASR runtime server in 2pass mode.",
            ) from error
        if mode.endswith("offline"):
            self.sentences += text
            self.in_progress = ""
            # The server in Python marks nothing: the sentence after the closing message is the last one.
            self.complete = self.ended
        elif mode.endswith("online"):
            self.in_progress += text
        self.complete = self.complete or (self.ended and answer.get("is_final") is True)

    @property
    def text(self) -> str:
        """All that is known."""
        return self.sentences + self.in_progress
