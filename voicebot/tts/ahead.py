"""Clauses made ahead of the one being spoken, in order, with nothing left running when nobody listens."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager

Source = Callable[[], AsyncGenerator[bytes]]

PIECES_WAITING = 256
"""Pieces of one clause that may wait to be spoken; a source that makes more is held back until some are taken."""


@asynccontextmanager
async def closing_early(pieces: AsyncIterator[bytes]) -> AsyncGenerator[AsyncIterator[bytes]]:
    """A port's iterator, closed at the end of the block (where it can be closed): closing stops the work."""
    try:
        yield pieces
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


class _Clause:
    """One clause on its way: a task that pulls from the source, and what it has brought."""

    def __init__(self, source: Source):
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue(PIECES_WAITING)
        self._task = asyncio.create_task(self._pull(source))

    async def _pull(self, source: Source) -> None:
        async with aclosing(source()) as pieces:
            async for piece in pieces:
                await self._pieces.put(piece)
        await self._pieces.put(None)

    async def pieces(self) -> AsyncGenerator[bytes]:
        """What the source gives; its error is raised here."""
        while True:
            getting = asyncio.ensure_future(self._pieces.get())
            try:
                await asyncio.wait((getting, self._task), return_when=asyncio.FIRST_COMPLETED)
                if not getting.done() and self._pieces.empty():
                    self._task.result()  # it failed; a task that went well has left a None
                piece = await getting
            finally:
                getting.cancel()
            if piece is None:
                return
            yield piece

    async def drop(self) -> None:
        """Call the work off and wait until it is gone."""
        self._task.cancel()
        await asyncio.wait((self._task,))
        if not self._task.cancelled():
            self._task.exception()  # an error nobody will hear is taken note of


async def spoken_in_order(sources: Iterable[Source], ahead: int) -> AsyncGenerator[bytes]:
    """All pieces of the first source, then of the second, ...; up to ``ahead`` later ones are already at work."""
    coming = iter(sources)
    at_work: deque[_Clause] = deque()
    try:
        while True:
            while len(at_work) <= ahead and (source := next(coming, None)) is not None:
                at_work.append(_Clause(source))
            if not at_work:
                return
            async with aclosing(at_work[0].pieces()) as pieces:
                async for piece in pieces:
                    yield piece
            await at_work.popleft().drop()
    finally:
        for clause in at_work:
            await clause.drop()
