"""Agents' headsets: a browser connection for each agent that stays for as long as their desk is open."""

import asyncio

import structlog

from telephony.settings import WebRtcSettings
from telephony.webrtc.server import WebRtcServer
from voicebot.core.errors import LineError
from voicebot.core.ports import Clock, Line
from voicebot.pipeline.listening import ListeningPosts, Mode
from voicebot.pipeline.phone import LinePhone

log = structlog.get_logger(__name__)

_SHIFT_S = 14 * 3600  # longer than anybody's working day
_MOST_AGENTS = 200


class DeskPhones:
    """`Phones` over WebRTC: the newest connection of an agent is their headset."""

    def __init__(self, settings: WebRtcSettings, clock: Clock, tenant: str, listening: ListeningPosts):
        longer = {"max_call_s": _SHIFT_S, "max_concurrent_calls": _MOST_AGENTS}
        self._server = WebRtcServer(settings.model_copy(update=longer), clock, tenant)
        self._headsets: dict[str, LinePhone] = {}
        self.listening = listening

    def of(self, agent: str) -> LinePhone | None:
        """The headset of an agent; None when there is none here."""
        headset = self._headsets.get(agent)
        return headset if headset is not None and headset.line.end is None else None

    async def answer(self, agent: str, offer: str) -> str:
        """The answer to the session description of an agent's page. Raises as `WebRtcServer.answer` does."""
        return await self._server.answer(offer, caller=agent)

    def enter(self, supervisor: str, call_id: str, mode: str) -> None:
        """The supervisor listens, whispers or joins; mode "off" ends it.

        Raises `LineError`: ``no_headset`` without a headset here, and as `ListeningPosts.enter`.
        """
        headset = self.of(supervisor)
        if headset is None:
            raise LineError("请先点“用耳机”。", code="no_headset", remedy="接上耳机后再旁听。")
        if mode == "off":
            self.listening.leave(headset)
        else:
            self.listening.enter(call_id, headset, Mode(mode))

    async def run(self) -> None:
        """Take the connections as they stand, until cancelled."""
        await self._server.start()
        try:
            async with asyncio.TaskGroup() as worn:
                async for line in self._server.calls():
                    worn.create_task(self._wear(line), name="headset")
        finally:
            await self._server.stop()

    async def _wear(self, line: Line) -> None:
        # One connection of an agent's page, until it is gone or a newer one takes its place.
        agent = line.start.caller_number
        headset = LinePhone(line, "headset")
        before, self._headsets[agent] = self._headsets.get(agent), headset
        if before is not None:
            before.lay_down()
        log.info("headset_connected", agent=agent)
        try:
            await headset.over()
        finally:
            self.listening.leave(headset)
            if self._headsets.get(agent) is headset:
                del self._headsets[agent]
            await headset.close()
