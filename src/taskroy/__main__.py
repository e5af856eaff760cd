"""`python -m taskroy` is `taskroy`."""

from taskroy.cli import main

main()
