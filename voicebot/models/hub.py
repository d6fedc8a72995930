"""Model hubs over HTTPS: short patience, and a broken download goes on where it stopped."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp
from huggingface_hub import hf_hub_url

from voicebot.models.catalogue import HubSource, ModelFile
from voicebot.models.progress import Bar, Reporter
from voicebot.models.sources import Delivery, SourceUnavailable

MODELSCOPE = "https://www.modelscope.cn"
_HUB_NAMES = {"huggingface": "Hugging Face", "modelscope": "ModelScope"}
_PIECE_BYTES = 1 << 18
_CONNECT_S = 4.0  # a machine without a way out is found out quickly
_SILENCE_S = 20.0


class HubRepository:
    """One repository of a hub.

    ``endpoint`` replaces the hub's address (a mirror, an address inside a closed network); empty is the
    hub's own, which for Hugging Face follows its library's ``HF_ENDPOINT``.
    """

    def __init__(self, entry: HubSource, endpoint: str = ""):
        self._entry = entry
        self._endpoint = endpoint.rstrip("/")

    @property
    def name(self) -> str:
        """Hub and repository."""
        return f"{_HUB_NAMES[self._entry.hub]} {self._entry.repository}"

    @property
    def hub(self) -> str:
        """The hub, as the catalogue calls it."""
        return self._entry.hub

    def offers(self, file: ModelFile) -> bool:
        """Does the catalogue place this file here?"""
        return not self._entry.files or file.path in self._entry.files

    def fetch(self, files: Sequence[ModelFile], staging: Path, report: Reporter) -> Iterator[Delivery]:
        """Download what the repository has in the right size; a file of another size is not touched."""
        for file in files:
            path = staging / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                fetched = asyncio.run(self._download(file, path, report))
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                reason = type(error).__name__ if not str(error) else str(error)
                raise SourceUnavailable(f"连不上（{reason[:120]}）") from error
            if fetched:
                yield Delivery(file, path)

    def _url(self, file: ModelFile) -> str:
        there = self._entry.files.get(file.path, file.path)
        if self._entry.hub == "huggingface":
            return hf_hub_url(
                self._entry.repository, there, revision=self._entry.revision, endpoint=self._endpoint or None
            )
        root = self._endpoint or MODELSCOPE
        return f"{root}/models/{self._entry.repository}/resolve/{self._entry.revision}/{there}"

    async def _download(self, file: ModelFile, path: Path, report: Reporter) -> bool:
        patience = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENCE_S)
        async with aiohttp.ClientSession(timeout=patience, trust_env=True) as session:
            if not await self._is_ours(session, file, report):
                return False
            part = path.with_name(path.name + ".part")
            done = part.stat().st_size if part.exists() else 0
            if done >= file.size:
                part.unlink(missing_ok=True)
                done = 0
            headers = {"Range": f"bytes={done}-"} if done else {}
            async with session.get(self._url(file), headers=headers) as response:
                response.raise_for_status()
                if response.status != 206:
                    done = 0  # the server starts again from the beginning
                with report.bar(file.path, file.size) as bar:
                    await _write(response, part, done, bar, file.size)
        part.replace(path)
        return True

    async def _is_ours(self, session: aiohttp.ClientSession, file: ModelFile, report: Reporter) -> bool:
        """Ask before downloading: a hub tells size and, for large files, the digest."""
        async with session.head(self._url(file), allow_redirects=False) as response:
            if response.status >= 400:
                report.line(f"  {self.name} 没有 {file.path}（{response.status}），跳过。")
                return False
            size = response.headers.get("X-Linked-Size") or (
                response.headers.get("Content-Length") if response.status == 200 else None
            )
            digest = response.headers.get("X-Linked-ETag", "").strip('"')
        other_size = size is not None and size.isdigit() and int(size) != file.size
        other_digest = re.fullmatch(r"[0-9a-f]{64}", digest) is not None and digest != file.sha256
        if other_size or other_digest:
            report.line(f"  {self.name} 的 {file.path} 是另一个版本，跳过。")
            return False
        return True


async def _write(response: aiohttp.ClientResponse, part: Path, done: int, bar: Bar, limit: int) -> None:
    """Append the answer to ``part`` from ``done`` on; never more than the file should have."""
    with part.open("ab" if done else "wb") as out:
        async for piece in response.content.iter_chunked(_PIECE_BYTES):
            done += len(piece)
            if done > limit:
                break  # not our file; the digest will tell
            out.write(piece)
            bar.at(done)
