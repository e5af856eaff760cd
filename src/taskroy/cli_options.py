"""Options that commands share, and what every command does with them first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taskroy.errors import StudyError

if TYPE_CHECKING:
    from taskroy.study import Study

StudyFile = Annotated[
    Path | None,
    typer.Argument(metavar="STUDY.toml", help="The study; without one, the default study."),
]
Place = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="A run folder, or a posterior in it.")
]
Output = Annotated[
    Path | None,
    typer.Option(help="Folder of the run.  [default: runs/NAME OF THE STUDY, or report]"),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Fit from the start, and replace what stands in the folder."),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on from a fit that was stopped, as is the default, and say so if there is none.",
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Compute counterfactuals, and fit alternatives, on a cluster of dask.distributed: the "
        "address of its scheduler, such as tcp://host:8786.",
    ),
]
AllowFailed = Annotated[
    bool,
    typer.Option("--allow-failed", help="Report a failed fit all the same, watermarked."),
]


def read_study(path: Path | None) -> tuple[str, Study]:
    """Return a study with its text; what is no TOML is refused before anything heavy is loaded."""
    from taskroy.study_file import DEFAULT_NAME, default_text, parse_toml, read_text

    where, folder = (str(path), path.parent) if path else (DEFAULT_NAME, Path())
    text = read_text(path) if path else default_text()
    parse_toml(text, where)
    from taskroy.study import Study

    return text, Study.from_toml(text, where=where, folder=folder)


def require_one_of(overwrite: bool, resume: bool) -> None:
    """Refuse options that exclude each other."""
    if overwrite and resume:
        raise StudyError(
            "--overwrite starts anew, --resume goes on: they exclude each other.",
            remedy="choose one of them",
        )


def folder_of(study: Path | None) -> Path:
    """Return where a study runs unless another folder is named."""
    return Path("runs", study.stem) if study else Path("report")


def configure_jax_for(study: Study, processes: int = 1) -> None:
    """Set precision, devices and cache for a study, before JAX is imported."""
    from taskroy.numerics import configure_jax

    inference = study.inference
    configure_jax(
        chains=inference.chains, workers=inference.devices == "workers", processes=processes
    )
