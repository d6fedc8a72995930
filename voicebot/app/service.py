"""The running service: lines and pages around a house, until it is told to stop."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import asdict
from typing import Any

import structlog

from telephony.audiosocket.server import AudioSocketServer
from telephony.settings import WebRtcSettings
from telephony.sip.addresses import shown_address
from telephony.webrtc.server import WebRtcServer
from telephony.websocket.server import WebSocketServer
from voicebot.app.desk import FIRST_ADMINISTRATOR, build_office, desk_tasks, first_administrator
from voicebot.app.house import House, Progress
from voicebot.core.errors import HotlineError, LineError, ModelError
from voicebot.core.ports import LineServer
from voicebot.heaps import keep_what_is_loaded
from voicebot.storage.retention import Retention
from voicebot.web.call_routes import CallDoor
from voicebot.web.front_page import Front
from voicebot.web.headset_routes import HeadsetDoor
from voicebot.web.metrics import Metrics
from voicebot.web.server import WebServer, build_web

log = structlog.get_logger(__name__)

_DAY_S = 24 * 3600.0
_BEAT_S = 10.0  # a sign of life for other machines; they count a worker as lost after worker_lost_after_s


class Service:
    """One worker: a house, its SIP line, its pages."""

    def __init__(self, house: House, metrics: Metrics):
        settings = house.settings
        self._house = house
        self._servers: list[LineServer] = [house.sip]
        if settings.audiosocket is not None:
            self._servers.append(AudioSocketServer(settings.audiosocket, house.clock, house.city.tenant))
        if settings.websocket is not None:
            self._servers.append(WebSocketServer(settings.websocket, house.clock, house.city.tenant))
        browsers = WebRtcServer(settings.webrtc, house.clock, house.city.tenant) if settings.webrtc.enabled else None
        if browsers is not None:
            self._servers.append(browsers)
        self._started = False
        door = _door(browsers, settings.webrtc, lambda: self._started)
        headset = (
            HeadsetDoor(house.phones.answer, door, house.phones.enter)
            if house.phones is not None and door is not None
            else None
        )
        self._office = build_office(house, headset)
        self._web = WebServer(
            build_web(
                settings.web,
                front=Front(
                    house.city.hotline, f"sip:{settings.sip.number}@{shown_address(settings.sip.listen_address)}"
                    f":{settings.sip.port}", _links(browsers is not None),
                ),
                probes=self._probes(),
                metrics=metrics,
                office=self._office,
                calls=door,
            ),
            settings.web,
        )  # fmt: skip
        metrics.watch("recogniser", lambda: float(sum(engine.waiting for engine in house.local_engines)))
        metrics.watch_tasks(lambda: float(len(asyncio.all_tasks())))  # read by the page, on the loop

    async def run(self, stop: asyncio.Event, say: Progress) -> None:
        """Serve until ``stop`` is set, then let the calls that last finish. Raises on a taken port or a bad part."""
        house = self._house
        try:
            # The ports first: a taken one is told at once and not after the models have been loaded.
            await self._web.start()
            for server in self._servers:
                await server.start()
            if not await finished_before(stop, house.start(say)):
                say("启动已中止。")
                return
            keep_what_is_loaded()
            self._started = True
            tasks = [
                *(asyncio.create_task(self._serve(server), name="calls") for server in self._servers),
                asyncio.create_task(self._beat(), name="sign-of-life"),
                asyncio.create_task(house.render_ahead(), name="render-ahead"),
                asyncio.create_task(self._forget(), name="retention"),
                *desk_tasks(house, self._office),
            ]
            try:
                say(self._welcome(await first_administrator(self._office)))
                await stop.wait()
                say("正在停止：不再接新来电，等待进行中的通话结束……")
                await self._drain()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._started = False
            for server in self._servers:
                await server.stop()
            await house.stop()
            await self._web.stop()

    def _welcome(self, password: str) -> str:
        sip, address = self._house.settings.sip, shown_address(self._house.settings.sip.listen_address)
        return (
            f"{self._house.city.hotline}已就绪。\n"
            f"  打电话：用任意 SIP 软电话拨打 sip:{sip.number}@{address}:{sip.port}\n"
            + (f"  网页拨打：浏览器打开 {self._web.url}/call\n" if self._house.settings.webrtc.enabled else "")
            + f"  坐席台：浏览器打开 {self._web.url}/desk\n"
            + (
                f"  首次登录：用户名 {FIRST_ADMINISTRATOR}，一次性密码 {password}（只显示这一次，登录后须改）\n"
                if password
                else "  添加坐席：voicebot users add 用户名\n"
            )
            + f"  看状态：浏览器打开 {self._web.url}\n"
            f"  没有电话也能听：另开一个终端运行 make demo\n"
            f"  停止：按 Ctrl+C"
        )

    async def _serve(self, server: LineServer) -> None:
        async for line in server.calls():
            self._house.serve(line)

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(self._house.settings.drain_s):
                await self._house.sip.drain()
                await asyncio.gather(*self._house.sessions, return_exceptions=True)
        except TimeoutError:
            log.warning("drain_cut", calls=len(self._house.sessions))

    async def _forget(self) -> None:
        """Erase what is older than the retention settings allow, at start and once a day."""
        house = self._house
        retention = Retention(house.database, house.clock, house.settings.storage)
        while True:
            try:
                report = await asyncio.to_thread(retention.run)
                log.info("retention_done", **asdict(report))
            except HotlineError as error:
                log.warning("retention_failed", code=error.code)
            await asyncio.sleep(_DAY_S)

    async def _beat(self) -> None:
        """A sign of life; and the calls of workers that gave none any more are marked as cut off."""
        while True:
            await asyncio.sleep(_BEAT_S)
            try:
                await self._house.calls.beat()
                await self._house.calls.mark_cut_off()
                await self._house.recordings.repair()
            except HotlineError as error:
                log.warning("beat_failed", code=error.code)

    def _probes(self) -> dict[str, Callable[[], Awaitable[str]]]:
        house = self._house

        async def models() -> str:
            if not self._started:
                raise ModelError("模型正在装入。", code="models_loading")
            return f"{house.recogniser.capabilities.name}，{house.synthesiser.name}"

        async def sip() -> str:
            if not self._started:
                raise LineError("还没有开始接听。", code="sip_starting")
            return f"通话中 {len(house.sessions)} 路，最多 {house.settings.sip.max_concurrent_calls} 路"

        async def queue() -> str:
            return f"等待人工 {len(await house.queue.waiting())} 人"

        return {"models": models, "database": house.database.probe, "sip": sip, "queue": queue}


def _links(browsers: bool) -> tuple[tuple[str, str], ...]:
    desk = (("坐席台", "/desk"), ("班长台", "/desk/supervisor"))
    return (("网页拨打", "/call"), *desk) if browsers else desk


def _door(browsers: WebRtcServer | None, settings: WebRtcSettings, started: Callable[[], bool]) -> CallDoor | None:
    if browsers is None:
        return None

    async def answer(offer: str) -> str:
        if not started():
            raise ModelError("热线正在启动。", code="starting", remedy="请过一会儿再拨。")
        return await browsers.answer(offer)

    return CallDoor(
        answer,
        settings.calls_per_minute,
        settings.stun_servers,
        settings.turn_servers,
        settings.turn_secret.get_secret_value(),
    )


async def finished_before(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do ``work`` unless ``stop`` is set first, then cancel it. Returns whether it was done; raises what it raises."""
    doing, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            await doing
            return True
        return False
    finally:
        for task in (doing, stopping):
            task.cancel()
        await asyncio.gather(doing, stopping, return_exceptions=True)
