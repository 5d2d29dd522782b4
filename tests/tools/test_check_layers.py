# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/check-layers is quiet about a good tree and names file and line of each fault of a bad one."""
import os
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAYERS = "# comment\nbase:\nwire: base\nzone: base wire\nresolve: base wire\nlab: base\ncmd: base wire zone resolve lab\n"
TREE = {
    "src/base/base.h": "#include <time.h>\n",
    "src/wire/wire.h": '#include "base/base.h"\n#include <libknot/rrset.h>\n',
    "src/wire/private.h": '#include "wire/wire.h"\n',
    "src/wire/name.c": '#include "private.h"\n#include <string.h>\n',
    "src/zone/zone.h": '#include "wire/wire.h"\n',
    "src/zone/read.c": '#include "zone.h"\n#include <libzscanner/scanner.h>\n',
    "src/resolve/resolve.h": '#include "wire/wire.h"\n',
    "src/cmd/banyan/cmd.h": "",
    "src/cmd/banyan/main.c": '#include "cmd.h"\n#include "zone/zone.h"\n#include "lab/lab.h"\n',
    "lab/lab.h": '#include "base/base.h"\n',
    "lab/make.c": '#include "lab.h"\n',
}


def check(folder, **files):
    for path, text in {"layers.txt": LAYERS, **TREE, **files}.items():
        path = folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run([os.path.join(TOP, "tools/check-layers"), str(folder)], capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_good_tree(tmp_path):
    assert check(tmp_path) == (0, "")


def test_a_room_has_a_public_header_of_its_own_name(tmp_path):
    source = "src/zone/a.c"
    assert check(tmp_path, **{source: '#include "wire/room/room.h"\n'}) == (0, "")
    code, out = check(tmp_path, **{source: '#include "wire/room/other.h"\n'})
    assert code == 1 and '"wire/room/other.h" is a private header of wire' in out


@pytest.mark.parametrize("path,text,complaint", [
    ("src/wire/a.c", '\n#include "zone/zone.h"\n', 'src/wire/a.c:2: "zone/zone.h": layers.txt has no arrow from wire to zone'),
    ("src/zone/a.c", '#include "wire/private.h"\n', 'src/zone/a.c:1: "wire/private.h" is a private header of wire'),
    ("src/zone/a.c", '//\n//\n#  include "../wire/wire.h"\n', 'src/zone/a.c:3: "../wire/wire.h" climbs out'),
    ("src/zone/a.c", '#include "private.h"\n', 'src/zone/a.c:1: "private.h" is not in this folder'),
    ("src/zone/a.c", '#include "zone/gone.h"\n', 'src/zone/a.c:1: "zone/gone.h" is not there'),
    ("src/zone/a.c", '#include "news/news.h"\n', 'src/zone/a.c:1: "news/news.h" is of no station'),
    ("src/zone/a.c", "#include <libknot/libknot.h>\n", "src/zone/a.c:1: <libknot/libknot.h> is for dnssec, net, wire only"),
    ("src/base/a.c", "#include <libdnssec/key.h>\n", "src/base/a.c:1: <libdnssec/key.h> is for"),
    ("src/wire/a.c", "#include <libzscanner/scanner.h>\n", "src/wire/a.c:1: <libzscanner/scanner.h> is for zone only"),
    ("src/resolve/a.c", "#include <sys/socket.h>\n", "src/resolve/a.c:1: <sys/socket.h>: resolve touches no sockets"),
    ("src/resolve/a.c", "#include <time.h>\n", "src/resolve/a.c:1: <time.h>: resolve touches"),
    ("lab/a.c", '#include "wire/wire.h"\n', 'lab/a.c:1: "wire/wire.h": layers.txt has no arrow from lab to wire'),
    ("src/odd/a.c", "", "src/odd/a.c:1: is in no station"),
    ("src/a.c", "", "src/a.c:1: is in no station"),
    ("src/base/list.def", '#include "wire/wire.h"\n', "src/base/list.def:1: "),
    ("src/cmd/banyan/a.c", '#include "zone/read.h"\n', 'src/cmd/banyan/a.c:1: "zone/read.h" is a private header of zone'),
])
def test_a_fault_is_named(tmp_path, path, text, complaint):
    status, said = check(tmp_path, **{path: text})
    assert status == 1
    assert said.startswith(complaint) and said.count("\n") == 1


def test_a_ring_in_the_arrows(tmp_path):
    status, said = check(tmp_path, **{"layers.txt": LAYERS.replace("base:\n", "base: cmd\n")})
    assert status == 1
    assert "layers.txt: a ring: base -> cmd -> base" in said


def test_an_arrow_to_nowhere_and_a_line_twice(tmp_path):
    status, said = check(tmp_path, **{"layers.txt": LAYERS + "wire: base\nnews: nobody\nbroken\n"})
    assert status == 1
    assert "layers.txt:8: stands here again" in said
    assert "news points to nobody" in said
    assert "layers.txt:10: no colon" in said


def test_an_empty_tree_is_a_fault(tmp_path):
    (tmp_path / "layers.txt").write_text(LAYERS)
    done = subprocess.run([os.path.join(TOP, "tools/check-layers"), str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 1 and "no files" in done.stdout


def test_this_tree():
    done = subprocess.run([os.path.join(TOP, "tools/check-layers")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
