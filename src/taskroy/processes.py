"""Several processes, on one machine or several, that fit one panel together."""

from __future__ import annotations

from dataclasses import dataclass

from taskroy.errors import FitError, StudyError
from taskroy.inference.settings import InferenceSettings


@dataclass(frozen=True)
class Processes:
    """How many processes fit together, and which of them this is.

    Attributes
    ----------
    coordinator
        ``HOST:PORT`` at which process 0 can be reached; None where there is but one process.
    number
        How many they are.
    index
        Which this is, from 0. Process 0 stores the posterior; the others only compute.
    """

    coordinator: str | None = None
    number: int = 1
    index: int = 0

    def check(self, inference: InferenceSettings, *, resume: bool) -> None:
        """Raise a StudyError where they cannot fit a study together."""
        if self.number > 1 and resume:
            raise StudyError(
                "Several processes keep nothing of a fit that is stopped: there is no going on.",
                remedy="leave out --resume, or fit in one process",
            )
        if not 0 <= self.index < self.number:
            raise StudyError(
                f"This is process {self.index} of {self.number}.",
                expected="--process from 0 to one less than --processes",
            )
        if (self.number > 1) != (self.coordinator is not None):
            raise StudyError(
                "Only one of --processes and --coordinator is given.",
                expected="both: how many processes there are, and HOST:PORT of the first",
            )
        if self.number > 1 and inference.devices != "workers":
            raise StudyError(
                "Several processes are to fit together, but the study spreads chains.",
                where="[inference]",
                expected='devices = "workers": each process takes its share of the workers',
            )

    def join(self) -> None:
        """Meet the other processes; returns when all are there.

        Raises
        ------
        FitError
            If they do not come within five minutes.
        """
        if self.number == 1:
            return
        import jax

        try:
            jax.distributed.initialize(self.coordinator, self.number, self.index)
        except RuntimeError as error:
            raise FitError(
                f"The processes did not meet: {error}",
                where=f"process {self.index} of {self.number}, coordinator {self.coordinator}",
                remedy="start all of them with the same --coordinator, a port of the first one's "
                "machine that the others can reach",
            ) from error
