"""``voicebot serve``: answer the telephone until told to stop."""

import asyncio
import signal

import click

from voicebot.app import build
from voicebot.app.service import Service
from voicebot.logs import set_up_logs
from voicebot.settings import Settings
from voicebot.web.metrics import Metrics


@click.command(help="启动服务，接听电话。Ctrl+C 停止：不再接新来电，等进行中的通话讲完（最长 drain_s 秒）。")
@click.pass_obj
def command(settings: Settings) -> None:
    """Run the service in the foreground."""
    set_up_logs(json=settings.log_json, level=settings.log_level)
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    metrics = Metrics()
    service = Service(build(settings, metrics), metrics)
    await service.run(stop, lambda text: click.echo(text, err=True))
