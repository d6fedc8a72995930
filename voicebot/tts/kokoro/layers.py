"""What the two halves of the network must agree upon: how its generator is laid out."""

from dataclasses import dataclass

HARMONICS = 9
BINS = 11
"""Bins of a spectrum of 20 samples; the generator takes and gives magnitudes and phases of each."""
UPSAMPLING = (10, 6)
"""A frame of the decoder (12.5 ms) becomes 10 and then 60 columns of the spectrum."""
DILATIONS = (1, 3, 5)
CHANNELS = (256, 128)
"""Width of the generator behind its first and its second upsampling."""


@dataclass(frozen=True, slots=True)
class Norm:
    """One place where the generator levels its channels: a block, which of its halves, which of its three rounds."""

    block: str
    half: int
    step: int
    channels: int

    @property
    def path(self) -> str:
        """Its name inside the published network."""
        return f"{self.block}/adain{self.half}.{self.step}"


def stage_blocks(stage: int) -> tuple[str, ...]:
    """The residual blocks behind an upsampling: the one of the buzz, then the three of the voice."""
    return (f"noise_res.{stage}", *(f"resblocks.{3 * stage + number}" for number in range(3)))


NORMS = tuple(
    Norm(block, half, step, CHANNELS[stage])
    for stage in range(2)
    for block in stage_blocks(stage)
    for step in range(len(DILATIONS))
    for half in (1, 2)
)
CHANNELS_LEVELLED = sum(norm.channels for norm in NORMS)
