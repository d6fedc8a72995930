"""``voicebot bench``: the benchmarks that live beside the packages."""

import subprocess
import sys
from pathlib import Path

import click

from voicebot.core.errors import ConfigurationError

_ROOT = Path(__file__).resolve().parent.parent.parent
BENCHMARKS = {
    "audio-core": ("benchmarks.audio_core", "音频核心：每 20 毫秒一帧进出各步所用的处理器时间（不含模型）"),
    "recogniser": ("benchmarks.recogniser", "听写：与 faster-whisper 的 transcribe()、pipecat 的 Whisper 服务同场比较"),
    "vad": ("benchmarks.vad", "人声检测：webrtcvad、Silero 与两者合用的漏检、误报、开销"),
    "answers": ("benchmarks.answers", "短答：知道问了什么与不知道时，各听懂多少；有没有把别的话当成回答"),
    "voice": ("benchmarks.voice", "语音：多久出第一声、多少开销，与同一网络整句合成同场比较"),
    "turn-ends": ("benchmarks.turn_ends", "话轮：句中停顿时的误切率与等待时间"),
    "barge-in": ("benchmarks.barge_in", "插话：真的打断多快停下，咳嗽、嗯、关门声会不会让它停下"),
    "latency": ("benchmarks.latency", "应答：真实 SIP 电话上从说完到听见回答，与 pipecat 的标准流水线同场比较"),
    "capacity": ("benchmarks.capacity", "容量：同时多少路对话还答得及时，多少路静听还不断音；处理器用量随路数怎么长"),
    "faults": ("benchmarks.faults", "线路不好：丢包、抖动、延迟时，还听不听得懂，多久应答，工单记得对不对"),
    "soak": ("benchmarks.soak", "耐久：几个小时里电话来来去去，内存、文件、线程、任务和应答时间变不变"),
}


@click.group(help="测速与比较；大多要一个录音清单（JSON 行），--json 输出结果。")
def command() -> None:
    """The benchmarks by name."""


def _add(name: str, module: str, help_line: str) -> None:
    @command.command(name, help=help_line, context_settings={"ignore_unknown_options": True, "help_option_names": []})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def run(arguments: tuple[str, ...]) -> None:
        if not (_ROOT / "benchmarks").is_dir():
            raise ConfigurationError("安装包里不含测速程序。", code="benchmarks_missing", remedy="请在源码目录里运行。")
        sys.exit(subprocess.run([sys.executable, "-m", module, *arguments], cwd=_ROOT, check=False).returncode)  # noqa: S603


for _name, (_module, _help) in BENCHMARKS.items():
    _add(_name, _module, _help)
