"""A supervisor in a call: hears both sides, may speak to the agent alone, or to both."""

from collections import deque
from enum import StrEnum

from voicebot.audio.mixing import mixed
from voicebot.core.errors import LineError
from voicebot.core.frames import FRAME_BYTES, SAMPLE_RATE_HZ
from voicebot.pipeline.phone import Phone
from voicebot.pipeline.state import CallState

_MOST_BOT_BYTES = 2 * SAMPLE_RATE_HZ  # one second of the other side that waits for its frame of the caller's
_MOST_SAID = 10  # frames of the supervisor's that wait for one of the agent's


class Mode(StrEnum):
    """Who hears the supervisor."""

    LISTEN = "listen"  # nobody
    WHISPER = "whisper"  # the agent
    JOIN = "join"  # agent and caller


class ListeningPost:
    """One call's. It is told both directions like a recorder; while nobody listens it does nothing."""

    def __init__(self, state: CallState):
        self._state = state
        self._phone: Phone | None = None
        self._mode = Mode.LISTEN
        self._other = bytearray()
        self._said_to_agent: deque[bytes] = deque(maxlen=_MOST_SAID)
        self._said_to_caller: deque[bytes] = deque(maxlen=_MOST_SAID)

    def caller(self, position: int, pcm: bytes) -> None:
        """20 ms of the caller's; what the other side said meanwhile is laid over it."""
        if self._phone is not None:
            other = bytes(self._other[:FRAME_BYTES])
            del self._other[:FRAME_BYTES]
            self._phone.hear(mixed(pcm, other))

    def bot(self, position: int, pcm: bytes) -> None:
        """What the caller heard of the bot; of an agent's call it would hold the supervisor's own voice."""
        if self._phone is not None and self._state.bridged is None:
            self._lay_by(pcm)

    def _lay_by(self, pcm: bytes) -> None:
        self._other += pcm
        del self._other[: max(0, len(self._other) - _MOST_BOT_BYTES)]

    async def close(self) -> None:
        """The call is over."""
        self.leave()

    def enter(self, phone: Phone, mode: Mode) -> None:
        """A supervisor listens from now on; another one before them leaves."""
        if phone is not self._phone:
            self.leave()
        self._phone, self._mode = phone, mode
        self._state.to_agent = lambda pcm: mixed(pcm, self._next(self._said_to_agent))
        self._state.to_caller = lambda pcm: mixed(pcm, self._next(self._said_to_caller))
        self._state.agent_said = self._lay_by
        phone.listen(self._say)

    def leave(self) -> None:
        """Nobody listens any more."""
        phone, self._phone = self._phone, None
        if phone is not None:
            phone.listen(None)
        self._state.to_agent = self._state.to_caller = self._state.agent_said = None
        for waiting in (self._other, self._said_to_agent, self._said_to_caller):
            waiting.clear()

    def listens(self, phone: Phone) -> bool:
        """Is it this one?"""
        return phone is self._phone

    @property
    def has_agent(self) -> bool:
        """Is there somebody who hears a supervisor?"""
        return self._state.bridged is not None

    def _say(self, pcm: bytes) -> None:
        if self._mode in (Mode.WHISPER, Mode.JOIN):
            self._said_to_agent.append(pcm)
        if self._mode is Mode.JOIN:
            self._said_to_caller.append(pcm)

    @staticmethod
    def _next(waiting: deque[bytes]) -> bytes:
        return waiting.popleft() if waiting else b""


class ListeningPosts:
    """Those of the calls of this process, by call."""

    def __init__(self) -> None:
        self._posts: dict[str, ListeningPost] = {}

    def open(self, call_id: str, state: CallState) -> ListeningPost:
        """A call began."""
        post = self._posts[call_id] = ListeningPost(state)
        return post

    def close(self, call_id: str) -> None:
        """It is over."""
        if (post := self._posts.pop(call_id, None)) is not None:
            post.leave()

    def enter(self, call_id: str, phone: Phone, mode: Mode) -> None:
        """A supervisor listens to this call and to no other; who is refused stays where they were.

        Raises `LineError`: ``call_elsewhere`` for a call that is not in this process, ``no_agent`` for a wish to be
        heard while no agent hears it.
        """
        post = self._posts.get(call_id)
        if post is None:
            raise LineError("这通电话不在这里。", code="call_elsewhere", remedy="它已经结束，或在别的接听进程上。")
        if mode is not Mode.LISTEN and not post.has_agent:
            raise LineError("这通电话现在没有坐席。", code="no_agent", remedy="可以先旁听，坐席接起后再耳语或加入。")
        self.leave(phone)
        post.enter(phone, mode)

    def leave(self, phone: Phone) -> None:
        """Let this supervisor listen to no call."""
        for post in self._posts.values():
            if post.listens(phone):
                post.leave()
