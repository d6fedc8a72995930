"""Calls over Asterisk's chan_websocket: media in binary messages, events and commands in text."""
