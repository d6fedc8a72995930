"""``voicebot serve``: answer the telephone until told to stop."""

import asyncio
import signal
import sys

import click
import structlog

from voicebot.app import build
from voicebot.app.service import Service
from voicebot.app.workers import Supervisor
from voicebot.heaps import share_heaps
from voicebot.logs import set_up_logs
from voicebot.settings import Settings
from voicebot.web.metrics import Metrics


@click.command(
    help="启动服务，接听电话。Ctrl+C 停止：不再接新来电，等进行中的通话讲完（最长 drain_s 秒）。"
    "设置了 workers 时启动这么多个进程，由本进程看护。"
)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Run the service in the foreground; exit code 1 when its workers cannot start."""
    settings: Settings = ctx.obj
    share_heaps()
    set_up_logs(json=settings.log_json, level=settings.log_level)
    if settings.worker_name:
        structlog.contextvars.bind_contextvars(worker=settings.worker_name)
    if settings.workers == 1:
        asyncio.run(_serve(settings))
    else:
        file = ctx.find_root().params["config"]
        again = [sys.executable, "-m", "voicebot.cli", *(["--config", str(file)] if file else []), "serve"]
        if not asyncio.run(_supervise(Supervisor(settings, again))):
            sys.exit(1)


async def _serve(settings: Settings) -> None:
    metrics = Metrics()
    service = Service(build(settings, metrics), metrics)
    await service.run(_told_to_stop(), lambda text: click.echo(text, err=True))


async def _supervise(supervisor: Supervisor) -> bool:
    return await supervisor.run(_told_to_stop(), lambda text: click.echo(text, err=True))


def _told_to_stop() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
