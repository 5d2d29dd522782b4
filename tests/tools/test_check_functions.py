# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/check-functions names what is too long, and what its allow-list need not name any more."""
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def function(name, lines):
    return f"static int {name}(int a,\n\t\tint b)\n{{\n" + "\ta += b;\n" * (lines - 4) + "}\n\n"


def check(folder, source, allowed=""):
    (folder / "src/x").mkdir(parents=True)
    (folder / "tools").mkdir()
    (folder / "src/x/a.c").write_text(source)
    (folder / "tools/long-functions.txt").write_text("# comment\n" + allowed)
    done = subprocess.run([os.path.join(TOP, "tools/check-functions"), str(folder)], capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_short_ones_pass(tmp_path):
    assert check(tmp_path, function("one", 100) + function("two", 5)) == (0, "")


def test_a_long_function_is_named(tmp_path):
    status, said = check(tmp_path, function("one", 10) + function("two", 101))
    assert (status, said) == (1, "src/x/a.c:12: function two has 101 lines; 100 are allowed\n")


def test_a_long_file_is_named(tmp_path):
    status, said = check(tmp_path, function("one", 50) * 16)
    assert (status, said) == (1, "src/x/a.c:1: the file has 816 lines; 800 are allowed\n")


def test_the_allow_list(tmp_path):
    assert check(tmp_path, function("two", 101), "src/x/a.c two a table in code\n") == (0, "")


def test_the_allow_list_stays_true(tmp_path):
    status, said = check(tmp_path, function("two", 99), "src/x/a.c two a table in code\n")
    assert status == 1 and said.startswith("tools/long-functions.txt:2: src/x/a.c two is short enough")


def test_the_allow_list_wants_reasons(tmp_path):
    status, said = check(tmp_path, function("two", 101), "src/x/a.c two\n")
    assert status == 1 and "a reason is missing" in said


def test_this_tree():
    done = subprocess.run([os.path.join(TOP, "tools/check-functions")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
