"""What nginx takes we take, and what it refuses we refuse in the same words."""

from __future__ import annotations

import pytest
from conf_snippets import FILES, SNIPPETS
from nginx_check import Checker, wrap
from real_nginx import require_nginx


@pytest.fixture(scope="module")
def checker(tmp_path_factory):
    nginx = require_nginx()
    folder = tmp_path_factory.mktemp("conf")
    (folder / "logs").mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return Checker(folder, nginx)


@pytest.mark.parametrize(("context", "text"), SNIPPETS)
def test_snippet(checker, context, text):
    checker.write(wrap(context, text))
    assert checker.ours() == checker.nginx()
