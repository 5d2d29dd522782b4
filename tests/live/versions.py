# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of a root, each signed anew by one key of this run, and wrong ones of each kind.

Version N of a run has the text N at serial.live-marks. and the names v1.live-marks. ... vN.live-marks.: who has once answered from version N knows these names
from then on. What is wrong, in whatever way, says `forged` at both serial.live-marks. and forged.live-marks.; no version has the latter name.
"""
import os
import random
import re
import subprocess
from pathlib import Path

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
BASE = 2026110100
MARKS = "live-marks."
LAB, LAB_SERVER = "live-lab.", "127.0.1.20"  # a delegation whose names the peers resolve meanwhile
REFRESH_S, RETRY_S, EXPIRE_S = 1, 1, 604800
MADE_HERE = re.compile(r"^\S+\s+\d+\s+(?:IN\s+)?(?:RRSIG|NSEC|DNSKEY|ZONEMD)\s")


def history():
    """The folder with real versions of 2026, or None."""
    shared = os.environ.get("BANYAN_SHARED", str(Path(__file__).resolve().parents[3] / "shared"))
    folder = Path(os.environ.get("ROOTZONES", shared + "/data/rootzones")) / "history-2026"
    return folder if (folder / "unpack.sh").exists() else None


def run(folder, *words):
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, env=dict(os.environ, PATH=PATH))
    assert done.returncode == 0, f"{words[0]}: {done.stderr}"
    return done.stdout


class Versions:
    def __init__(self, folder, count, seed, real=None):
        self.folder, self.count = folder, count
        folder.mkdir()
        self.random = random.Random(seed)
        self.key, self.other_key = [run(folder, "ldns-keygen", "-a", "ECDSAP256SHA256", "-k", ".").strip() for _ in range(2)]
        self.real = []
        if real is not None:
            run(folder, "sh", str(real / "unpack.sh"), "--all", str(folder / "real"))
            files = sorted((folder / "real").iterdir())[-count:]
            for unused in set((folder / "real").iterdir()) - set(files):
                unused.unlink()
            self.real = files if len(files) == count else []
        self.made, self.n_signed = {}, 0

    @property
    def anchors(self):
        return str(self.folder / (self.key + ".ds"))

    def serial(self, number):
        return int(re.search(r"\d{10}", self.real[number - 1].name)[0]) if self.real else BASE + number

    def marks(self, number, word=None):
        lines = [f'serial.{MARKS} 300 IN TXT "{word or number}"\n']
        lines += [f'v{n}.{MARKS} 300 IN TXT "{n}"\n' for n in range(1, number + 1)]
        if word:
            lines.append(f'{word}.{MARKS} 300 IN TXT "{word}"\n')
        return lines

    def content(self, number):
        """What the publisher would write, without the SOA and all that signing makes."""
        if self.real:
            with self.real[number - 1].open(encoding="ascii") as text:
                return [line for line in text if not MADE_HERE.match(line) and not re.match(r"^\.\s+\d+\s+IN\s+SOA\s", line)]
        lines = [". 518400 IN NS a.root-servers.live.\n", "live. 172800 IN NS a.root-servers.live.\n", "a.root-servers.live. 172800 IN A 127.0.1.21\n"]
        for tld in range(60):
            # one or two change with each version
            host = number // 7 + 1 if tld == number % 60 else 1
            lines += [f"tld{tld}. 172800 IN NS ns{n}.tld{tld}.\n" for n in (1, 2)]
            lines += [f"ns{n}.tld{tld}. 172800 IN A 192.0.2.{10 * n + host % 10}\n" for n in (1, 2)]
            lines.append(f"tld{tld}. 86400 IN DS {tld + 1} 13 2 {tld:02x}{'ab' * 31}\n")
        return lines

    def signed(self, number, serial, key, word=None):
        self.n_signed += 1
        name = f"{self.n_signed}-version-{number}"
        soa = f". 86400 IN SOA a.root-servers.live. admin.live. {serial} {REFRESH_S} {RETRY_S} {EXPIRE_S} 300\n"
        delegation = [f"{LAB} 3600 IN NS ns.{LAB}\n", f"ns.{LAB} 3600 IN A {LAB_SERVER}\n"]
        (self.folder / name).write_text("".join([soa, *self.content(number), *self.marks(number, word), *delegation]), encoding="ascii")
        run(self.folder, "ldns-signzone", "-z", "simple:sha384", "-f", name + ".zone", "-o", ".", name, key)
        (self.folder / name).unlink()
        return self.folder / (name + ".zone")

    def good(self, number):
        if number not in self.made:
            self.made[number] = self.signed(number, self.serial(number), self.key)
        return self.made[number].read_text(encoding="ascii")

    def wrong(self, number, whole=False):
        """Something newer than version `number` that does not hold; `whole`: it can be read to its end."""
        kind = self.random.choice(["signed by another key", "records changed", "glue changed", "names gone"] + ([] if whole else ["cut off"]))
        serial = self.serial(min(number + 1, self.count)) + (1 if number == self.count else 0) + self.random.choice([0, 3, 40])
        if kind == "signed by another key":
            return self.signed(number, serial, self.other_key, "forged").read_text(encoding="ascii")
        text = self.signed(number, serial, self.key).read_text(encoding="ascii")
        if kind == "records changed":
            text, n = re.subn(rf'^(serial\.{MARKS}\s+300\s+IN\s+TXT\s+)"\d+"', r'\1"forged"', text, count=1, flags=re.M)
            assert n == 1
            return text + f'forged.{MARKS} 300 IN TXT "forged"\n'
        if kind == "glue changed":  # behind the back of every signature: only the digest tells
            text, n = re.subn(rf"^(ns\.{LAB}\s+3600\s+IN\s+A\s+)\S+", r"\g<1>127.0.1.66", text, count=1, flags=re.M)
            assert n == 1
            return text
        lines = text.splitlines(keepends=True)
        if kind == "names gone":
            return "".join(line for line in lines if not line.startswith(f"v{number}.{MARKS}"))
        return "".join(lines[:len(lines) * 2 // 3])
