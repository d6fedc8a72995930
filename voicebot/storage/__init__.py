"""The record: calls, turns, tickets, the human queue and recordings, on SQLite or PostgreSQL."""
