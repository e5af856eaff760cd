"""Cells of few workers are not shown anywhere."""

from __future__ import annotations

from report_page import Written


class TestSmallCells:
    def test_are_hidden_everywhere(self, written: Written) -> None:
        _, page, numbers = written
        # Farm has 4 workers; Professional, with 12 the next smallest, goes too.
        for name in ("who", "fit-by-occupation"):
            rows = {row["occupation"]: row for row in numbers["tables"][name]["rows"]}
            for title in ("Farm", "Professional"):
                assert rows[title]["employment_share"] is None
                assert rows[title]["mean_log_wage"] is None
            assert rows["Sales"]["mean_log_wage"] is not None
        shown = {row[0]: row[1:] for row in page.table("Workers and observations")}
        assert set(shown["Farm"]) == {"not shown"}
        assert shown["Sales"][0] == "14"

    def test_histogram_of_workers_hides_them_too(self, written: Written) -> None:
        counts = [row["workers"] for row in written[2]["tables"]["scenario-1-workers"]["rows"]]
        assert None in counts
        assert all(count is None or count == 0 or count >= 10 for count in counts)
