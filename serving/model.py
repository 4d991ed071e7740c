"""One model in this process: which of its versions answer whom, and why others do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from serving import version_labels
from serving.errors import InklingError, NotFoundError
from serving.policy import Policy
from serving.recognizer import Recognizer
from serving.versions import Version

Which = int | str | None
"""A version's number, its label, or the newest that the policy serves."""


@dataclass(frozen=True)
class Model:
    """The versions of a model that are loaded here, or were tried."""

    name: str
    on_disk: Sequence[int] = ()
    """Ascending."""
    versions: Mapping[int, Version] = field(default_factory=dict)
    served: Sequence[int] = ()
    """Those that the policy wants, newest first; what only a label names is served beside them."""
    labels: Mapping[str, int] = field(default_factory=dict)
    labels_error: InklingError | None = None
    """Why the labels are not what the file says now."""

    def recognizers(self) -> dict[Which, Recognizer]:
        """What answers those who name a version, a label, or neither."""
        found: dict[Which, Recognizer] = {
            number: version.recognizer for number, version in self.versions.items() if version.recognizer
        }
        found |= {label: found[number] for label, number in self.labels.items() if number in found}
        return found | ({None: found[self.served[0]]} if self.served else {})

    def available(self) -> list[int]:
        """The versions that answer, ascending."""
        return sorted(number for number, version in self.versions.items() if version.recognizer)

    def labelled(self, label: str) -> int:
        """The version that a label stands for; raises NotFoundError, or the error of a file that was never right."""
        if label in self.labels:
            return self.labels[label]
        if self.labels_error and not self.labels:
            raise again(self.labels_error)
        raise NotFoundError(f"model {self.name!r} has no label {label!r}; {version_labels.known(self.labels)}")

    def why_not(self, which: Which, policy: Policy) -> InklingError:
        """Why what was asked for is not among `recognizers()`."""
        number = self.labelled(which) if isinstance(which, str) else which
        there = ", ".join(map(str, self.on_disk))
        errors = {version: tried.error for version, tried in self.versions.items() if tried.error}
        error = errors.get(max(errors, default=0) if number is None else number)
        if error:
            return again(error)
        if number is None:
            return NotFoundError(f"model {self.name!r} has no version that {policy.text} would serve; there is {there}")
        if number not in self.on_disk:
            return NotFoundError(f"model {self.name!r} has no version {number}; there is {there}")
        return NotFoundError(
            f"version {number} of model {self.name!r} is there, but the server serves {policy.text}, which is "
            f"{', '.join(map(str, self.available())) or 'none'}; give it a label, or start the server with "
            f"--model-version-policy specific:{number}"
        )


def again(error: InklingError) -> InklingError:
    """A copy to raise: one exception raised by several threads would gather all their tracebacks."""
    return type(error)(str(error))
