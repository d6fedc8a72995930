"""``python -m voicebot.cli``."""

from voicebot.cli import main

main()
