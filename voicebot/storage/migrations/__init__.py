"""Migrations of the schema, run by `voicebot.storage.schema`."""
