"""The report's page: static, in order, the answer first."""

from __future__ import annotations

import re

import numpy as np
import xarray as xr

from report_page import Written, forbidden
from taskroy.posteriors.tables import show_number


class TestPage:
    def test_is_static_and_names_no_address(self, written: Written) -> None:
        folder, page, _ = written
        html = (folder / "report.html").read_text()
        assert forbidden(page) == []
        assert not re.search(r"https?:|//\w|@import|url\(", html)
        assert len(html) < 4e6
        policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
        assert any(value.startswith(policy) for _, _, value in page.attributes)
        assert ("html", "lang", "en") in page.attributes

    def test_headings_are_in_order_and_parts_are_named(self, written: Written) -> None:
        _, page, _ = written
        assert page.headings[0] == 1
        assert page.headings.count(1) == 1
        steps = np.diff(page.headings)
        assert steps.max() == 1
        ids = [value for _, name, value in page.attributes if name == "id"]
        assert len(ids) == len(set(ids))
        targets = {value[1:] for _, name, value in page.attributes if name == "href"}
        assert targets <= set(ids)
        alts = [value for tag, name, value in page.attributes if (tag, name) == ("img", "alt")]
        assert len(alts) == page.tags.count("img") == 10
        assert all(re.search(r"\d", alt) for alt in alts)
        assert page.tags.count("caption") == page.tags.count("table")

    def test_says_the_answer_first_with_the_numbers_of_the_tables(
        self, tree: xr.DataTree, written: Written
    ) -> None:
        _, page, _ = written
        draws = tree["counterfactual"]["winners"].values.ravel()
        low, high = np.quantile(draws, [0.05, 0.95])
        said = f"{100 * draws.mean():.0f}% [{100 * low:.0f}, {100 * high:.0f}] of the workers"
        text = " ".join(page.text)
        assert said in text
        assert text.index(said) < text.index("Who is in the data")
        change = tree["counterfactual"]["mean_change"].values.ravel()
        assert show_number(change.mean(), "log_points") + " [" in text
