"""The pipecat pipeline of one call: hearing, thinking, speaking, each thin, each with one story."""
