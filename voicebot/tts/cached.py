"""Sentences rendered once: hot clauses in memory, fixed ones on disk, personal ones never on disk."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from pathlib import Path

import structlog

from voicebot.core.errors import StorageError
from voicebot.core.frames import ms_to_samples
from voicebot.core.ports import Synthesiser
from voicebot.tts.ahead import Source, closing_early, spoken_in_order
from voicebot.tts.clip_store import ClipStore
from voicebot.tts.sentences import split_clauses

log = structlog.get_logger(__name__)

VERSION = 2
"""Raised when the same text sounds different: trimming, loudness, the reading of figures."""
_PIECE_BYTES = 2 * ms_to_samples(200)


class CachedSynthesiser:
    """A `Synthesiser` that remembers, clause by clause, so a sentence with a new part reuses the known rest.

    ``fingerprint`` says what else shapes the sound (speed, level) and is part of the key. Only clauses of
    texts given to `declare` or `prerender` go to disk; everything else (it may hold a citizen's name or
    address) stays in a bounded memory.
    """

    def __init__(
        self,
        inner: Synthesiser,
        cache_dir: Path,
        *,
        fingerprint: str = "",
        memory_bytes: int = 64 << 20,
        disk_bytes: int = 512 << 20,
        clauses_ahead: int = 2,
    ):
        self._inner = inner
        self._store = ClipStore(cache_dir, disk_bytes)
        self._fingerprint = fingerprint
        self._memory_bytes = memory_bytes
        self._ahead = clauses_ahead
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._memory_used = 0
        self._fixed: set[str] = set()
        self._store_works = False

    @property
    def name(self) -> str:
        """Engine and voice."""
        return self._inner.name

    async def start(self) -> None:
        """Start the engine and open the cache; a cache that cannot be used costs time, not the service."""
        try:
            await asyncio.to_thread(self._store.open)
            self._store_works = True
        except StorageError as error:
            log.warning("voice cache unusable", code=error.code, remedy=error.remedy)
        await self._inner.start()

    async def stop(self) -> None:
        """Stop the engine and forget what was in memory."""
        await self._inner.stop()
        self._memory.clear()
        self._memory_used = 0

    def declare(self, texts: Iterable[str]) -> None:
        """These texts are the city's own words: their clauses may be kept on disk once spoken."""
        for text in texts:
            self._fixed.update(self._key(clause) for clause in split_clauses(text))

    async def prerender(
        self,
        texts: Iterable[str],
        progress: Callable[[int, int], None] | None = None,
        turn: Callable[[], Awaitable[None]] | None = None,
    ) -> int:
        """Declare texts and render what is not on disk yet; the clips are then in memory, as far as it holds.

        ``turn`` is awaited before each clause is rendered: it can make this work wait for better work.
        ``progress`` gets (clauses rendered, clauses to render) after each; nothing is told when all are there.
        Returns how many had to be rendered. Raises what the engine raises; what was rendered until then is kept.
        """
        texts = list(texts)
        self.declare(texts)
        clauses = list(dict.fromkeys(clause for text in texts for clause in split_clauses(text)))
        missing = [clause for clause in clauses if await self._recall(self._key(clause)) is None]
        for rendered, clause in enumerate(missing, 1):
            if turn is not None:
                await turn()
            async for _ in self._render(clause):
                pass
            if progress is not None:
                progress(rendered, len(missing))
        return len(missing)

    async def speak(self, text: str) -> AsyncIterator[bytes]:
        """8 kHz int16 PCM; known clauses at once, new ones as the engine makes them, ahead of being spoken."""
        sources = [self._source(clause) for clause in split_clauses(text)]
        async with aclosing(spoken_in_order(sources, self._ahead)) as pieces:
            async for piece in pieces:
                yield piece

    def _key(self, clause: str) -> str:
        shaped_by = f"{VERSION}\n{self._inner.name}\n{self._fingerprint}\n{clause}"
        return hashlib.sha256(shaped_by.encode()).hexdigest()

    def _source(self, clause: str) -> Source:
        async def pieces() -> AsyncGenerator[bytes]:
            pcm = await self._recall(self._key(clause))
            if pcm is None:
                async with aclosing(self._render(clause)) as rendering:
                    async for piece in rendering:
                        yield piece
                return
            for start in range(0, len(pcm), _PIECE_BYTES):
                yield pcm[start : start + _PIECE_BYTES]

        return pieces

    async def _render(self, clause: str) -> AsyncGenerator[bytes]:
        whole = bytearray()
        async with closing_early(self._inner.speak(clause)) as speaking:
            async for piece in speaking:
                whole += piece
                yield piece
        await self._keep(self._key(clause), bytes(whole))

    async def _recall(self, key: str) -> bytes | None:
        if (pcm := self._memory.get(key)) is not None:
            self._memory.move_to_end(key)
            return pcm
        if key not in self._fixed or not self._store_works:
            return None
        pcm = await asyncio.to_thread(self._store.read, key)
        if pcm is not None:
            self._remember(key, pcm)
        return pcm

    async def _keep(self, key: str, pcm: bytes) -> None:
        if not pcm:
            return
        self._remember(key, pcm)
        if key in self._fixed and self._store_works:
            try:
                await asyncio.to_thread(self._store.write, key, pcm)
            except StorageError as error:  # the caller hears the clause all the same
                log.warning("voice cache not written", code=error.code, remedy=error.remedy)

    def _remember(self, key: str, pcm: bytes) -> None:
        if len(pcm) > self._memory_bytes:
            return
        self._memory_used += len(pcm) - len(self._memory.pop(key, b""))
        self._memory[key] = pcm
        while self._memory_used > self._memory_bytes:  # full: the longest unused clause goes
            _, dropped = self._memory.popitem(last=False)
            self._memory_used -= len(dropped)
