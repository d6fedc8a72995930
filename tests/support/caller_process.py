"""A process that serves calls on a database until it is killed: ``python -m tests.support.caller_process URL FOLDER``.

It says on standard output what is durable, line by line, the moment it is.
"""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.support.nouns import caller_turn, full_draft, hand_off
from voicebot.core.call import CallStart, Channel
from voicebot.core.clock import SystemClock
from voicebot.core.ticket import TicketDraft
from voicebot.desk.agent_queue import SqlAgentQueue
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.database import Database
from voicebot.storage.recordings import Recordings
from voicebot.storage.settings import StorageSettings
from voicebot.storage.tickets import SqlTicketStore


def tell(*words: object) -> None:
    """Say a line at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def serve(url: str, folder: Path) -> None:
    """One call that never ends, with everything a call leaves behind."""
    clock, settings = SystemClock(), StorageSettings(url=url, recordings_folder=folder)
    database = Database(settings)
    calls, tickets = SqlCallStore(database, clock), SqlTicketStore(database, clock)
    queue, recordings = SqlAgentQueue(database, clock), Recordings(database, clock, settings)
    await calls.mark_cut_off()
    start = CallStart("call-1", Channel.SIP, datetime.now(UTC), "luoyang", "13800138000", "12345")
    await calls.begin(start)
    recorder = recordings.recorder(start)
    assert recorder is not None
    await queue.join(hand_off("call-1"))
    tell("begun", recorder.path)
    index = 0
    while True:
        for position in range(index * 800, (index + 1) * 800, 160):
            recorder.caller(position, b"\x10\x00" * 160)
        await calls.add_turn("call-1", caller_turn(index, f"第{index}句"))
        tell("turn", index)
        await calls.save_draft("call-1", TicketDraft(what=f"第{index}稿"))
        tell("draft", index)
        ticket = await tickets.file(start, full_draft(), index)
        tell("ticket", ticket.number)
        index += 1


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
