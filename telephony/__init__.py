"""Lines: SIP trunks, browsers, media sockets and files as callers."""
