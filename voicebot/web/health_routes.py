"""Is the process alive, is each part ready, and what has been counted."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from voicebot.core.errors import HotlineError
from voicebot.core.ports import AgentQueue
from voicebot.web.metrics import CONTENT_TYPE, Metrics

Probe = Callable[[], Awaitable[str]]
"""Asks one part how it is: returns a few words, raises `HotlineError` when it cannot work."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How one part is. ``detail`` is a sentence for the operator."""

    ok: bool
    detail: str
    code: str = ""


class Health:
    """The parts of the service, asked all at once and none for longer than the deadline."""

    def __init__(self, probes: Mapping[str, Probe], *, deadline_s: float):
        self._probes = probes
        self._deadline_s = deadline_s

    async def conditions(self) -> dict[str, Condition]:
        """How every part is now."""
        found = await asyncio.gather(*(self._ask(probe) for probe in self._probes.values()))
        return dict(zip(self._probes, found, strict=True))

    async def _ask(self, probe: Probe) -> Condition:
        try:
            async with asyncio.timeout(self._deadline_s):
                return Condition(ok=True, detail=await probe())
        except HotlineError as error:
            return Condition(ok=False, detail=str(error), code=error.code)
        except TimeoutError:
            return Condition(ok=False, detail=f"{self._deadline_s:g} 秒内没有答复。", code="timeout")


def health_routes(health: Health, metrics: Metrics, queue: AgentQueue) -> list[web.RouteDef]:
    """``/healthz``, ``/readyz`` and ``/metrics``; none of them holds personal data."""

    async def alive(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_request: web.Request) -> web.Response:
        conditions = await health.conditions()
        is_ready = all(condition.ok for condition in conditions.values())
        parts = {
            name: {"ok": condition.ok, "detail": condition.detail, "code": condition.code}
            for name, condition in conditions.items()
        }
        return web.json_response({"ready": is_ready, "parts": parts}, status=200 if is_ready else 503)

    async def measures(_request: web.Request) -> web.Response:
        try:
            metrics.queue_waiting(len(await queue.waiting()))
        except HotlineError:
            metrics.queue_waiting(float("nan"))
        return web.Response(body=metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    return [web.get("/healthz", alive), web.get("/readyz", ready), web.get("/metrics", measures)]
