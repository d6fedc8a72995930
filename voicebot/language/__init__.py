"""What the rooms share about written and spoken Chinese. Pure: needs the standard library and the core only."""
