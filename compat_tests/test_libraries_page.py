"""docs/libraries.md says what the ledgers say."""

from __future__ import annotations

import libraries_page


def test_the_matrix_is_true() -> None:
    text = libraries_page.PAGE.read_text()
    assert libraries_page.render(text) == text, "python libraries_page.py"
