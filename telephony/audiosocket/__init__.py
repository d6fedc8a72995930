"""Lines of a PBX that brings audio over TCP (Asterisk's AudioSocket)."""
