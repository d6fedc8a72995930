"""Calls from a browser (WebRTC), over aiortc."""
