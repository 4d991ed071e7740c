"""What a transfer tried before it chose, as its bundle tells."""

from dataclasses import dataclass

from serving.bundle import Metadata
from training.metrics import Share, share


@dataclass(frozen=True)
class Tried:
    """A strategy that was tried, and how well it read pictures that it had not seen."""

    strategy: str
    frozen: int
    """Layers with weights that stayed as they were."""
    parameters: int
    """Numbers that were trained."""
    accuracy: Share
    seconds: float
    chosen: bool


def tried(metadata: Metadata) -> tuple[Tried, ...]:
    """The strategies, the simplest first; none for a bundle that is no transferred one."""
    return tuple(
        Tried(
            strategy=row["strategy"],
            frozen=row["layers_frozen"],
            parameters=row["trainable"],
            accuracy=share(round(row["accuracy"] * row["pictures"]), row["pictures"]),
            seconds=row["seconds"],
            chosen=row["chosen"],
        )
        for row in metadata.training.get("trials", ())
    )
