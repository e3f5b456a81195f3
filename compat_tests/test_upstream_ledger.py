"""The ledgers of upstream's suites: what they hold, lose and gain, whence suites
come."""

from __future__ import annotations

import hashlib
import json
import tarfile
from dataclasses import dataclass, field, replace

import pytest
from upstream import record, source
from upstream.ledger import PASS, FileLedger, Ledger, LedgerError, Status
from upstream.page import Score, render
from upstream.reasons import Kind, classify
from upstream.suites import SUITES

from resty_py.testing.checks import Check
from resty_py.testing.runner import Outcome, Result

FAIL = Status("fail", "differs")
PIPES = Status("fail", "needs pipes")
REAL = Status("skip", "real nginx fails it")


# Statuses and files ----------------------------------------------------------


@pytest.mark.parametrize("text", ["pass", "fail: needs pipes", "flaky: differs"])
def test_a_status_is_a_text(text):
    assert str(Status.parse(text)) == text


@pytest.mark.parametrize("text", ["", "fail", "fail: no idea", "pass: differs", "ok"])
def test_other_texts_are_no_status(text):
    with pytest.raises(LedgerError):
        Status.parse(text)


def test_other_flavours_say_what_differs():
    file = FileLedger()
    file.set("luajit21", {"1": PASS, "2": PASS, "3": REAL})
    file.set("lua51", {"1": PASS, "2": Status("fail", "needs FFI")})
    assert file.blocks["lua51"] == {"2": Status("fail", "needs FFI")}
    assert file.of("lua51")["3"] == REAL
    file.set("lua51", {"2": PASS})
    assert "lua51" not in file.blocks


def test_a_change_of_the_base_leaves_the_others_as_they_are():
    file = FileLedger()
    file.set("luajit21", {"1": FAIL})
    file.set("lua51", {"1": PIPES})
    file.set("luajit21", {"1": PASS})
    assert file.of("lua51") == {"1": PIPES}


def test_an_improvement_of_the_base_says_nothing_of_the_others():
    file = FileLedger()
    file.set("luajit21", {"1": FAIL, "2": PASS})
    file.set("luajit21", {"1": PASS, "2": PASS}, ["luajit21", "lua51"])
    assert file.of("lua51") == {"1": FAIL, "2": PASS}


def test_files_are_kept_one_block_a_line(tmp_path):
    ledger = Ledger(tmp_path)
    file = FileLedger()
    file.set("luajit21", {"10": PASS, "9": PIPES})
    ledger.write("023-rewrite/sanity.t", file)
    assert ledger.names() == ["023-rewrite/sanity.t"]
    assert ledger.read("023-rewrite/sanity.t") == file
    lines = (tmp_path / "023-rewrite" / "sanity.json").read_text().splitlines()
    assert lines[2:4] == ['  "9": "fail: needs pipes",', '  "10": "pass"']


def test_a_file_that_is_none(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"luajit21": {"1": "maybe"}}))
    with pytest.raises(LedgerError, match=r"a\.json: no status: maybe"):
        Ledger(tmp_path).read("a.t")


# Runs ------------------------------------------------------------------------


@dataclass
class FakeSuite:
    ledger: Ledger
    flavours: tuple[str, ...] = ("luajit21", "lua51")


@dataclass
class FakeRun:
    """A run whose blocks end as *ends* says, one status after the other."""

    suite: FakeSuite
    ends: dict[str, list[str]]
    flavour: str = "luajit21"
    asked: list[str] = field(default_factory=list)

    def files(self, names, blocks=None, without=None):
        wanted = set(self.ends) if blocks is None else set(*blocks.values())
        wanted -= set(*(without or {}).values())
        return {name: {b: self._end(b) for b in sorted(wanted)} for name in names}

    def again(self, blocks):
        return self.files(list(blocks), blocks)

    def _end(self, block):
        self.asked.append(block)
        ends = self.ends[block]
        return result_of(ends.pop(0) if len(ends) > 1 else ends[0])


def result_of(end, said=""):
    result = Result(None, Outcome.PASSED, said=said)
    if end != "pass":
        result.outcome = Outcome.FAILED
        result.checks = [Check(False, end)]
    return result


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path)
    file = FileLedger()
    file.set("luajit21", {"1": PASS, "2": FAIL, "3": REAL})
    ledger.write("a.t", file)
    return ledger


def run_of(ledger, **ends):
    spelled = {name.removeprefix("t"): value.split() for name, value in ends.items()}
    return FakeRun(FakeSuite(ledger), spelled)


def recorded(ledger):
    return {block: str(s) for block, s in ledger.read("a.t").of("luajit21").items()}


def test_what_fails_once_is_tried_again(ledger):
    run = run_of(ledger, t1="no no pass", t2="no", t3="no")
    comparison = record.compare(run, ["a.t"])
    assert (comparison.lost, comparison.gained) == ([], [])
    assert comparison.shaky == [("a.t", "1")]
    assert run.asked == ["1", "2", "1", "1"]


def test_what_goes_on_failing_is_lost(ledger):
    comparison = record.compare(run_of(ledger, t1="no", t2="no"), ["a.t"])
    assert comparison.lost == [("a.t", "1")]


def test_what_is_not_there_any_more_is_lost(ledger):
    run = run_of(ledger, t2="no")
    run.again = lambda _blocks: {}
    assert record.compare(run, ["a.t"]).lost == [("a.t", "1")]


def test_a_ledger_improves(ledger):
    record.record(run_of(ledger, t1="pass", t2="pass", t3="pass"), ["a.t"])
    assert recorded(ledger) == {"1": "pass", "2": "pass", "3": str(REAL)}


def test_what_passes_only_once_does_not_count(ledger):
    record.record(run_of(ledger, t1="pass", t2="pass no", t3="no"), ["a.t"])
    assert recorded(ledger)["2"] == "fail: differs"


def test_a_ledger_does_not_lose_what_passes(ledger):
    comparison = record.record(run_of(ledger, t1="no", t2="pass"), ["a.t"])
    assert comparison.lost == [("a.t", "1")]
    assert recorded(ledger) == {"1": "pass", "2": "pass", "3": str(REAL)}


def test_a_ledger_loses_what_is_forced(ledger):
    run = run_of(ledger, t1="no", t2="pass")
    record.record(run, ["a.t"], force="differs on purpose")
    assert recorded(ledger)["1"] == "fail: differs on purpose"
    # A reason that is written by hand stays until the block passes.
    record.record(run, ["a.t"])
    assert recorded(ledger)["1"] == "fail: differs on purpose"
    record.record(run_of(ledger, t1="pass", t2="pass"), ["a.t"])
    assert recorded(ledger)["1"] == "pass"


def test_reasons_that_show_may_be_forced(ledger):
    run = run_of(ledger, t1="no", t2="pass")
    record.record(run, ["a.t"], force="")
    assert recorded(ledger)["1"] == "fail: differs"


def test_what_the_real_nginx_does_not_pass_is_skipped(ledger):
    record.record_real(run_of(ledger, t1="no pass", t2="no"), ["a.t"])
    assert recorded(ledger) == {"1": "pass", "2": str(REAL), "3": str(REAL)}


# Reasons ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ('"proxy_pass" directive is not supported yet', "needs proxy_pass"),
        ('"ssl_certificate" directive is not', "needs server-side TLS"),
        ('"listen 127.0.0.2:1 ssl" is not supported yet', "needs server-side TLS"),
        (
            '[emerg] "gzip" directive is not supported yet',
            "needs an nginx module that is",
        ),
        ("module 'ngx.pipe' not found", "needs pipes"),
        ("module 'ffi' not found", "needs FFI"),
        ("something else", "differs"),
    ],
)
def test_what_a_server_says_tells_the_reason(said, reason):
    assert classify(result_of("status code ok", said)).startswith(reason)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("lua finalize socket", "nginx debug-log wording"),
        (r"(?^:lua release ngx\.ctx at ref \d+)", "nginx debug-log wording"),
        ("[TRACE   1 content_by_lua]", "JIT trace wording"),
        ("lua entry thread aborted: runtime error", "differs"),
        ("my own words", "differs"),
    ],
)
def test_what_the_error_log_lacks_tells_the_reason(pattern, reason):
    check = f'pattern "{pattern}" should match a line in error.log'
    assert classify(result_of(check)) == reason
    both = result_of(check)
    both.checks.append(Check(False, "status code ok"))
    assert classify(both) == "differs"


def test_a_type_of_ffi_is_a_reason():
    result = result_of("response_body")
    result.checks = [Check(False, "response_body", "type: userdata", "type: cdata")]
    assert classify(result) == "needs FFI"


# Scores ----------------------------------------------------------------------


def test_scores_leave_out_what_the_real_nginx_fails():
    score = Score.of([PASS, PASS, FAIL, PIPES, REAL])
    assert (score.all, score.now) == ((2, 4), (2, 3))
    assert score.count(Kind.OUTSIDE) == 1


def test_a_page_is_made_anew_between_its_markers():
    text = "before\n<!-- why -->\nold\n<!-- end -->\nafter\n"
    new = render(text)
    assert new.startswith("before\n<!-- why -->\n|")
    assert new.endswith("<!-- end -->\nafter\n")
    assert render(new) == new


def test_each_ledger_is_of_a_suite_and_can_be_read():
    for suite in SUITES.values():
        for name in suite.ledger.names():
            file = suite.ledger.read(name)
            assert set(file.blocks) <= set(suite.flavours), name
            assert set(file.of("lua51")) == set(file.of("luajit21")), name


# Sources ---------------------------------------------------------------------


@pytest.fixture
def packed(tmp_path, monkeypatch):
    """A source package that apt brings, and how often it was asked."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(source, "_TRIES", (0, 0))
    (tmp_path / "thing-1" / "t").mkdir(parents=True)
    (tmp_path / "thing-1" / "t" / "a.t").write_text("__DATA__\n")
    tarball = tmp_path / "thing_1.orig.tar.gz"
    with tarfile.open(tarball, "w:gz") as archive:
        archive.add(tmp_path / "thing-1", "thing-1")
    asked = []

    def download(package, folder):
        asked.append(package)
        if len(asked) < 2:
            return "no route"
        (folder / tarball.name).write_bytes(tarball.read_bytes())
        return ""

    monkeypatch.setattr(source, "_apt_get_source", download)
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    return source.Source("thing", tarball.name, digest), asked


def test_a_source_is_downloaded_once(packed):
    thing, asked = packed
    assert (thing.fetch() / "t" / "a.t").exists()
    assert thing.fetch().name == "thing-1"
    assert asked == ["thing", "thing"]


def test_a_source_of_another_digest_does_not_count(packed):
    thing, _ = packed
    with pytest.raises(source.UnavailableError, match="thing"):
        replace(thing, sha256="0" * 64).fetch()


def test_archives_of_sources(tmp_path, monkeypatch):
    main, parts = tmp_path / "sources.list", tmp_path / "sources.list.d"
    main.write_text("deb http://a/debian x main\n# deb http://b/debian y main\n")
    parts.mkdir()
    (parts / "x.list").write_text("deb [trusted=yes] http://c/debian/ z main\n")
    (parts / "other.list").write_text("deb http://d/ubuntu z main\n")
    (parts / "y.sources").write_text(
        "Types: deb\nURIs: http://e/debian\nSuites: s s-updates\nComponents: main\n"
        "Signed-By: /key.gpg\n\nTypes: deb\nURIs: http://f/else\nSuites: s\n"
    )
    monkeypatch.setattr(source, "_SOURCES", (main, parts))
    assert list(source._source_lists()) == [
        "deb-src http://a/debian x main\n",
        "deb-src [trusted=yes] http://c/debian/ z main\n",
        "deb-src [signed-by=/key.gpg] http://e/debian s main\n",
        "deb-src [signed-by=/key.gpg] http://e/debian s-updates main\n",
    ]
