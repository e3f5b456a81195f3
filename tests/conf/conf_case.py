"""Loads configurations from texts."""

from __future__ import annotations

import pytest

from resty_py.conf.errors import ConfError
from resty_py.conf.loader import load

HTTP = "events {}\nhttp {\n%s\n}\n"
SERVER = HTTP % "server {\n%s\n}"
LOCATION = SERVER % "location / {\n%s\n}"


class Case:
    """A folder with a configuration file."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "conf" / "nginx.conf"
        self.path.parent.mkdir(parents=True)

    def write(self, name, text):
        path = self.path.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def load(self, text, global_directives="", **options):
        self.path.write_text(text)
        return load("conf/nginx.conf", self.folder, global_directives, **options)

    def http(self, text, **options):
        return self.load(HTTP % text, **options).http

    def server(self, text, **options):
        return self.load(SERVER % text, **options).http.servers[0]

    def location(self, text, **options):
        config = self.load(LOCATION % text, **options)
        return config.http.servers[0].base.locations[0]

    def error(self, text, global_directives="", **options):
        with pytest.raises(ConfError) as caught:
            self.load(text, global_directives, **options)
        return caught.value.text.replace(f"{self.path.parent}/", "")


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)
