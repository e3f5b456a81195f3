from pathlib import Path

from resty_py.conf.docs import render
from resty_py.conf.modules import COMMANDS

PAGE = Path(__file__).parents[2] / "docs" / "directives.md"


def test_page_is_current():
    assert PAGE.read_text() == render(), (
        "run: python -m resty_py.conf.docs >docs/directives.md"
    )


def test_page_has_every_directive():
    text = render()
    assert [name for name in COMMANDS if f"| `{name}` |" not in text] == []
