"""What one training may take over from another of the same process; it changes nothing but the time."""

from dataclasses import dataclass, field

from bbc_classifier.data.token_memory import TokenMemory
from bbc_classifier.inference.encoder_memory import EncoderMemory


@dataclass(frozen=True)
class Reuse:
    """Memories that trainings share.

    Attributes:
        tokens: Texts that were tokenised.
        states: Batches that untrained encoders read; None where every encoder is trained.
    """

    tokens: TokenMemory = field(default_factory=TokenMemory)
    states: EncoderMemory | None = None
