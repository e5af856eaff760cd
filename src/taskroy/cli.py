"""The command line: what is asked for, handed to the stages; heavy imports wait until then."""

from __future__ import annotations

import typer

from taskroy.cli_posterior import check, counterfactual, report, verify
from taskroy.cli_program import bench, calibrate
from taskroy.cli_study import data_check, fit, init, run, sensitivity
from taskroy.commands import command
from taskroy.terminal import safe_streams

_EXIT_CODES = """\b
Exit codes:
  0    done
  1    the disk, its rights, or something unexpected
  2    the command line or the study is wrong
  3    the data are wrong
  4    the model or a scenario is impossible
  5    the fit could not start or finish
  6    a stored posterior is missing or damaged
  7    the gate failed
  130  interrupted"""

app = typer.Typer(
    name="taskroy",
    help="Who gains and who loses when machines take over tasks, and how sure we are.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Look at the data of a study.", no_args_is_help=True)
app.add_typer(data_app, name="data")

# In the order of the help.
for _work in (run, init, fit, check, counterfactual, report, sensitivity, verify, bench, calibrate):
    command(app)(_work)
command(data_app, "check")(data_check)


def main() -> None:
    """Run the command line."""
    with safe_streams():
        app()
