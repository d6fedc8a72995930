"""The machine between the trunk and the workers, as configuration for well-known programs."""
