"""Looks at every part that a call needs and says what to do about those that are not well."""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from asr.settings import EngineName
from dialog.city.loader import load_city
from telephony.sip.runtime import check_port_free
from voicebot.app.build import build_corrector, build_voice
from voicebot.app.hearing import build_engine
from voicebot.app.language_model import OpenAiTicketReader
from voicebot.core.clock import SystemClock
from voicebot.core.errors import HotlineError, SignInError
from voicebot.core.frames import FRAME_BYTES, AudioFrame
from voicebot.core.speech import HearingContext
from voicebot.models import ModelStore
from voicebot.models.store import State
from voicebot.settings import Settings
from voicebot.storage.database import Database
from voicebot.web.identity_provider import IdentityProvider
from voicebot.web.settings import OidcSettings

_SPOKEN = "涧西区南昌路的路灯坏了三天了。"
_MUST_HEAR = ("路灯",)
_FREE_BYTES = 2 << 30
_MEMORY_BYTES = 3 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: ``ok`` is None when it works with a restriction. ``detail`` says what to do when it is not ok."""

    part: str
    ok: bool | None
    detail: str


Check = Callable[[], Awaitable[Finding]]


class Doctor:
    """Runs the checks one after the other, cheap ones first."""

    def __init__(self, settings: Settings):
        self._settings = settings

    async def examine(self, say: Callable[[Finding], None]) -> bool:
        """Check everything; True when nothing that a call needs is broken."""
        well = True
        for part, check in self._checks():
            try:
                finding = await check()
            except HotlineError as error:
                finding = Finding(part, False, str(error))
            say(finding)
            well = well and finding.ok is not False
        return well

    def _checks(self) -> Iterator[tuple[str, Check]]:
        yield "运行环境", self._machine
        yield "模型", self._models
        yield "按读音纠错", self._trigram
        yield "城市数据", self._city
        yield "数据库", self._database
        yield "SIP 端口", self._sip_port
        yield "网页端口", self._web_port
        if self._settings.dialog.language_model is not None:
            yield "语言模型", self._language_model
        if self._settings.web.oidc is not None:
            yield "统一身份认证", partial(self._identity_provider, self._settings.web.oidc)
        for engine in dict.fromkeys((self._settings.asr.engine, *self._settings.asr.fallback)):
            yield f"音频通路（{engine}）", partial(self._audio_path, engine)

    async def _machine(self) -> Finding:
        var = self._settings.var_dir
        free = shutil.disk_usage(_existing(var)).free
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        detail = (
            f"Python {sys.version_info.major}.{sys.version_info.minor}，{os.cpu_count()} 核，内存 {memory >> 30} GiB，"
            f"{var} 所在磁盘剩余 {free >> 30} GiB"
        )
        if free < _FREE_BYTES:
            return Finding("运行环境", False, f"{detail}。请腾出至少 {_FREE_BYTES >> 30} GiB 磁盘空间。")
        if memory < _MEMORY_BYTES:
            return Finding("运行环境", None, f"{detail}。内存偏小，建议至少 {_MEMORY_BYTES >> 30} GiB。")
        return Finding("运行环境", True, detail)

    async def _models(self) -> Finding:
        store = ModelStore(self._settings.models_dir)
        missing: list[str] = []
        optional: list[str] = []
        for entry in store.catalogue.model:
            look = await asyncio.to_thread(store.look, entry.id)
            if look.state is not State.OK:
                (missing if entry.required else optional).append(entry.id)
        if missing:
            return Finding("模型", False, f"缺少或损坏：{'、'.join(missing)}。请运行：voicebot models pull")
        if optional:
            return Finding("模型", None, f"可选模型未安装：{'、'.join(optional)}。需要时运行：voicebot models pull")
        return Finding("模型", True, f"齐全（{self._settings.models_dir}）；逐字节校验请运行：voicebot models verify")

    async def _trigram(self) -> Finding:
        store = ModelStore(self._settings.models_dir)
        city = await asyncio.to_thread(load_city, self._settings.city_dir)
        status = (await asyncio.to_thread(build_corrector, store, city)).status()
        if not status.trigram:
            return Finding("按读音纠错", None, f"只用城市词表：{status.problem}")
        return Finding("按读音纠错", True, f"三元语言模型（{status.vocabulary_words} 词）与城市词表")

    async def _city(self) -> Finding:
        city = await asyncio.to_thread(load_city, self._settings.city_dir)
        return Finding(
            "城市数据",
            True,
            f"{city.name}：部门 {len(city.departments)}，地名 {len(city.places)}，知识 {len(city.articles)} 篇",
        )

    async def _database(self) -> Finding:
        database = Database(self._settings.storage)
        try:
            revision = await asyncio.to_thread(database.check)
        except HotlineError as error:
            if error.code == "schema_missing":
                return Finding("数据库", None, f"{database.place} 还没有建立，首次启动时自动建立")
            raise
        finally:
            database.close()
        return Finding("数据库", True, f"{database.place}，版本 {revision}")

    async def _sip_port(self) -> Finding:
        sip = self._settings.sip
        check_port_free(sip.listen_address, sip.port)
        return Finding("SIP 端口", True, f"{sip.listen_address}:{sip.port} 可用")

    async def _web_port(self) -> Finding:
        web = self._settings.web
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((web.host, web.port))
            except OSError as error:
                return Finding(
                    "网页端口",
                    False,
                    f"{web.host}:{web.port} 不可用（{error.strerror}）。请停掉占用它的程序或改设置 web.port。",
                )
        return Finding("网页端口", True, f"{web.host}:{web.port} 可用")

    async def _language_model(self) -> Finding:
        """Have it read one sentence, as a call would."""
        settings = self._settings.dialog.language_model
        assert settings is not None  # noqa: S101  only then is it looked at
        faults: list[str] = []
        clock = SystemClock()
        reader = OpenAiTicketReader(settings, clock, lambda _, code: faults.append(code))
        began_s = clock.monotonic()
        reading = await asyncio.to_thread(lambda: reader.begin((_SPOKEN,)).take(wait=True))
        reader.close()
        took = f"{clock.monotonic() - began_s:.1f} 秒"
        if faults:
            return Finding(
                "语言模型",
                None,
                f"{settings.url} 没有用得上的回答（{faults[0]}，{took}）。通话照常，只按规则；请检查它。",
            )
        if not reading.location:
            return Finding("语言模型", None, f"{settings.url} 有回答（{took}），但没有读出地点：这个模型可能太小。")
        return Finding("语言模型", True, f"{settings.url}（{took}）")

    async def _identity_provider(self, settings: OidcSettings) -> Finding:
        provider = IdentityProvider(settings, SystemClock())
        try:
            keys, leads_out = await provider.keys(), await provider.way_out()
        except SignInError as error:  # people with a password still get in, and calls need none of this
            return Finding("统一身份认证", None, f"{settings.issuer}（{error.code}：{error.reason}）：{error}")
        logout = "退出时一并退出" if leads_out else "没有退出地址，退出时只退出坐席台"
        return Finding("统一身份认证", True, f"{settings.issuer}，签名密钥 {len(keys.keys)} 把，{logout}")

    async def _audio_path(self, engine: EngineName) -> Finding:
        """Say a sentence with the voice, hear it with one engine, as a call would."""
        part = f"音频通路（{engine}）"
        store = ModelStore(self._settings.models_dir)
        voice = build_voice(self._settings, store)
        recogniser = build_engine(engine, self._settings, store, None)
        try:
            await asyncio.gather(voice.start(), recogniser.start())
            pcm = b"".join([piece async for piece in voice.speak(_SPOKEN)])
            stream = recogniser.open(HearingContext())
            for offset in range(0, len(pcm) - FRAME_BYTES, FRAME_BYTES):
                stream.push(AudioFrame(pcm[offset : offset + FRAME_BYTES], offset // 2))
            heard = await stream.finish()
        finally:
            await asyncio.gather(voice.stop(), recogniser.stop())
        if not all(word in heard.text for word in _MUST_HEAR):
            return Finding(part, False, f"说“{_SPOKEN}”听成“{heard.text}”。请运行：voicebot models verify")
        return Finding(part, True, f"说“{_SPOKEN}”听到“{heard.text}”")


def _existing(path: Path) -> Path:
    path = path.resolve()
    while not path.exists():
        path = path.parent
    return path
