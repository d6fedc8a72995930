"""The low-latency audio core: codecs, resampling, levels, tones, and the ear for voices. Pure: no loop, no socket."""
