"""The voice: Mandarin for the telephone, early, cached, and never the only one."""
