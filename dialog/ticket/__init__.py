"""From what a caller says to a complete ticket."""
