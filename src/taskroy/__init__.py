"""taskroy: who wins and who loses when machines take over tasks, and how sure we are."""
