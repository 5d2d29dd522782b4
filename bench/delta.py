#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the versions of the root cost to fetch, in each form: text, packed, AXFR, IXFR, zstd's patch, our delta; and a day of it.

bench/delta.py BUILD [EVERY]

Needs real root zones: ROOTZONES=folder with signed/ and history-2026/ (default: ../shared/data/rootzones beside the tree). The archive of 2026
lacks the RRSIGs; they are put in with the times that they had, and with random bytes for signatures. Forms that take seconds to make
are measured for each EVERY-th version (default 20).
"""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
COSTLY = [("text", "text"), ("gzip", "text, gzip -9"), ("zstd_text", "text, zstd -19"), ("zstd_wire", "wire form, zstd -19"),
          ("patch_text", "text, zstd -19 --patch-from"), ("patch_wire", "wire form, zstd -19 --patch-from")]
ALWAYS = [("axfr", "AXFR, names compressed, messages of 16 kB"), ("ixfr", "IXFR, the same"), ("delta", "delta")]


def find_zones():
    for folder in [os.environ.get("ROOTZONES", ""), os.path.join(HERE, "..", "..", "shared", "data", "rootzones")]:
        if folder and os.path.isdir(os.path.join(folder, "history-2026")):
            return os.path.abspath(folder)
    sys.exit("bench/delta.py: no real root zones here; give ROOTZONES=FOLDER with signed/ and history-2026/")


def run(program, *words):
    done = subprocess.run([program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench/delta.py: {done.stderr.strip()}")
    lines = done.stdout.split("\n")
    head = lines[0].split(",")
    return [dict(zip(head, (int(v) for v in line.split(",")))) for line in lines[1:] if line], done.stderr.strip()


def mean(rows, key):
    values = [row[key] for row in rows if key in row]
    return sum(values) / len(values) if values else 0


def table_of_signed(program, folder):
    pairs = [("2019110200", "2019110201"), ("2019121300", "2019121400"), ("2019110201", "2019121300"), ("2019121400", "2020020102")]
    print("real versions with their real signatures\n")
    print("| from | to | signatures | their bytes | delta | above them | zstd patch, wire | zstd patch, text | zstd -19, wire | AXFR | IXFR |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for old, new in pairs:
        rows, _ = run(program, "signed", *(os.path.join(folder, "signed", f"root-{serial}.zone.zst") for serial in (old, new)))
        row = rows[0]
        floor = row["signatures"] * 256
        print(f"| {old} | {new} | {row['signatures']:,} | {floor:,} | {row['delta']:,} | {row['delta'] - floor:+,} | {row['patch_wire']:,} | "
              f"{row['patch_text']:,} | {row['zstd_wire']:,} | {row['axfr']:,} | {row['ixfr']:,} |")


def table_of_history(rows, words):
    days = (rows[-1]["inception"] - rows[0]["inception"]) / 86400
    a_day = (len(rows) - 1) / days
    floor = mean(rows, "signatures") * 256
    same = sum(row["same"] for row in rows)
    print(f"\n{len(rows)} steps between versions, {a_day:.2f} a day over {days:.0f} days; {same} change no content; "
          f"signatures {floor:,.0f} bytes a version\n")
    print("| form | versions measured | mean bytes | largest | bytes a day | beside the delta |")
    print("|---|---:|---:|---:|---:|---:|")
    delta = mean(rows, "delta")
    for key, name in COSTLY + ALWAYS:
        measured = [row for row in rows if key in row]
        value = mean(measured, key)
        print(f"| {name} | {len(measured)} | {value:,.0f} | {max(row[key] for row in measured):,} | {value * a_day:,.0f} | {value / delta:.3f} |")
    kept = sum(row["kept"] for row in rows)
    fetches = sum(row["kept"] > 0 for row in rows)
    print(f"| delta, kept while the content is unchanged | {len(rows)} | {kept / len(rows):,.0f} | {max(row['kept'] for row in rows):,} | "
          f"{kept / days:,.0f} | {kept / len(rows) / delta:.3f} |")
    over = [row["delta"] - row["signatures"] * 256 for row in rows]
    over.sort()
    print(f"\ndelta less all signatures of the version: median {over[len(over) // 2]:+,}, largest {over[-1]:+,} bytes; "
          f"fetched in {fetches} of {len(rows)} steps when kept\n{words}")


def main():
    program = os.path.join(sys.argv[1], "bench", "delta")
    every = sys.argv[2] if len(sys.argv) > 2 else "20"
    zones = find_zones()
    table_of_signed(program, zones)
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="banyan-delta-") as folder:
        subprocess.run(["sh", os.path.join(zones, "history-2026", "unpack.sh"), "--all", folder], check=True)
        rows, words = run(program, every, *sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".zone")))
    table_of_history(rows, words)


main()
