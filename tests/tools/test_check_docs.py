# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/check-docs names what the documents do not, and what they name that is not there."""
import os
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEAD = ".\\\" SPDX-License-Identifier: GPL-3.0-or-later\n.Dd November 21, 2026\n.Dt {name} {section}\n.Os\n.Sh NAME\n" \
       ".Nm {program}\n.Nd a test\n.Sh DESCRIPTION\n"
LISTS = ".\\\" reasons: written by tools/check-docs --write\n.\\\" end of reasons\n" \
        ".\\\" counters: written by tools/check-docs --write\n.\\\" end of counters\n"
TREE = {
    "src/base/reasons.def": 'REASON(NONE, "none", -1, "no reason")\nREASON(BAD_ONE, "bad-one", 6, "it is bad")\n',
    "src/base/counters.def": 'COUNTER(SEEN, "seen", "things seen")\n',
    "src/cmd/banyan/main.c": '\t{"verify", "help", cmd_verify},\n',
    "src/cmd/banyan/verify.c": '{"at", required_argument, NULL, 1},\n',
    "src/cmd/banyand/main.c": '{"check", no_argument, NULL, 1},\n',
    "docs/man/banyan.1": HEAD.format(name="BANYAN", section=1, program="banyan") + ".Ss verify\n.Fl \\-at\n" + LISTS,
    "docs/man/banyand.8": HEAD.format(name="BANYAND", section=8, program="banyand") + ".Fl \\-check\n",
    "README.md": "[manual](docs/man/banyan.1) [away](https://example.org/x) `src/base/reasons.def`\n",
}


def run(folder, *arguments):
    done = subprocess.run([os.path.join(TOP, "tools/check-docs"), *arguments, str(folder)], capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.fixture
def tree(tmp_path):
    for path, text in TREE.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert run(tmp_path, "--write") == (0, "")
    return tmp_path


def test_a_good_tree_is_good_and_stays_as_it_is(tree):
    page = (tree / "docs/man/banyan.1").read_text()
    assert ".It Cm bad\\-one\nIt is bad (6).\n" in page and ".It Cm seen\nThings seen.\n" in page
    assert "none" not in page
    assert run(tree) == (0, "")
    assert run(tree, "--write") == (0, "")
    assert (tree / "docs/man/banyan.1").read_text() == page


@pytest.mark.parametrize("path,more,complaint", [
    ("src/base/reasons.def", 'REASON(NEW, "new-one", -1, "it is new")\n', "the list of reasons is not that of"),
    ("src/base/counters.def", 'COUNTER(NEW, "new", "it is new")\n', "the list of counters is not that of"),
    ("src/cmd/banyan/main.c", '\t{"sing", "help", cmd_sing},\n', "docs/man/banyan.1: has no section on the command sing"),
    ("src/cmd/banyan/verify.c", '{"loud", no_argument, NULL, 2},\n', "docs/man/banyan.1: does not name the option --loud"),
    ("src/cmd/banyand/main.c", '{"quiet", no_argument, 0, 2},\n', "docs/man/banyand.8: does not name the option --quiet"),
    ("README.md", "\n[gone](docs/gone.md)\n", "README.md:3: docs/gone.md is not there"),
    ("README.md", "see `tools/gone`\n", "README.md:2: tools/gone is not there"),
    ("docs/deep/a.md", "[up](../../README.md)\n[wrong](README.md)\n", "docs/deep/a.md:2: README.md is not there"),
])
def test_a_fault_is_named(tree, path, more, complaint):
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    with open(tree / path, "a") as out:
        out.write(more)
    status, said = run(tree)
    assert status == 1
    assert complaint in said and said.count("\n") == 1


def test_a_manual_that_mandoc_does_not_like(tree):
    if not os.path.exists("/usr/bin/mandoc"):
        pytest.skip("mandoc is not installed")
    with open(tree / "docs/man/banyand.8", "a") as out:
        out.write(".Bl -tag -width Ds\n.It never ended\n")
    status, said = run(tree)
    assert status == 1 and "docs/man/banyand.8" in said


def test_code_blocks_are_no_links(tree):
    with open(tree / "README.md", "a") as out:
        out.write("```\nx[1](2) `src/gone`\n```\n")
    assert run(tree) == (0, "")
