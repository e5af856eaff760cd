"""Processes that cannot fit together are told so before they wait for each other."""

from __future__ import annotations

import pytest

from taskroy.errors import StudyError
from taskroy.inference.settings import InferenceSettings
from taskroy.processes import Processes

SHARED = InferenceSettings(devices="workers")


@pytest.mark.parametrize(
    ("processes", "inference", "resume", "said"),
    [
        (Processes("host:1", 2, 2), SHARED, False, "process 2 of 2"),
        (Processes(None, 2, 0), SHARED, False, "--coordinator"),
        (Processes("host:1", 1, 0), SHARED, False, "--coordinator"),
        (Processes("host:1", 2, 0), InferenceSettings(), False, 'devices = "workers"'),
        (Processes("host:1", 2, 0), SHARED, True, "--resume"),
    ],
)
def test_what_cannot_be_is_refused(processes, inference, resume, said):
    with pytest.raises(StudyError, match=said):
        processes.check(inference, resume=resume)


def test_what_can_be_is_accepted():
    Processes("host:1", 2, 1).check(SHARED, resume=False)
    Processes().check(InferenceSettings(), resume=True)


def test_the_command_line_refuses_them_too(taskroy):
    told = taskroy("fit", "--coordinator", "localhost:1", "--processes", "2")
    assert told.exit_code == 2
    assert "devices" in told.stderr
