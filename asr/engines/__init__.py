"""Speech to text, one engine a file, all behind `voicebot.core.ports.Recogniser`."""
