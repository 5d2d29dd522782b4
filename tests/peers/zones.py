# SPDX-License-Identifier: GPL-3.0-or-later
"""The zones of the peer check: made here from a seed, or the real root's content, signed with keys of the moment."""
import os
import pathlib
import random
import subprocess
import zlib

from peers import REPOSITORY

INCEPTION, EXPIRY = "20200101000000", "20400101000000"


def shared_data():
    """The folder of real data beside the repository, or None."""
    path = pathlib.Path(os.environ.get("BANYAN_SHARED", REPOSITORY.parent / "shared")) / "data"
    return path if path.is_dir() else None


def sign(path, origin, *options):
    """Signs a zone file with ldns-signzone and a new pair of P-256 keys; returns the path of the signed one."""
    folder = path.parent
    keys = []
    for flags in (["-k"], []):
        made = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-r", "/dev/urandom", *flags, origin], cwd=folder,
                              check=True, capture_output=True, text=True)
        keys.append(made.stdout.strip())
    signed = folder / (path.name + ".signed")
    subprocess.run(["ldns-signzone", "-i", INCEPTION, "-e", EXPIRY, "-o", origin, "-f", str(signed), *options, path.name, *keys],
                   cwd=folder, check=True, capture_output=True)
    return signed


def sign_optout(path, origin):
    """The same with dnssec-signzone, which leaves unsigned delegations out of the NSEC3 chain (ldns-signzone does not)."""
    folder = path.parent
    environment = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin")
    for flags in (["-f", "KSK"], []):
        subprocess.run(["dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", *flags, origin], cwd=folder, check=True,
                       capture_output=True, env=environment)
    signed = folder / (path.name + ".signed")
    subprocess.run(["dnssec-signzone", "-q", "-S", "-A", "-3", "-", "-H", "0", "-s", INCEPTION, "-e", EXPIRY, "-O", "full", "-o", origin,
                    "-f", str(signed), path.name], cwd=folder, check=True, capture_output=True, env=environment)
    return signed


def write(folder, name, lines):
    path = pathlib.Path(folder) / name
    path.write_text("\n".join(lines) + "\n")
    return path


def _label(rng):
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(rng.randint(2, 9))).strip("0123456789") or "q"


def root_like(folder, seed, count=400):
    """Delegations with in-domain, sibling and shared glue; most of them with DS."""
    rng = random.Random(seed)
    names = sorted({_label(rng) for _ in range(count)} | {f"xn--{_label(rng)}" for _ in range(count // 8)} | {"net", "arpa"})
    lines = ["$TTL 86400", ". SOA a.root-servers.net. nstld.example. 2026010100 1800 900 604800 86400"]
    for letter in "abcdefghijklm":
        lines += [f". 518400 NS {letter}.root-servers.net.",
                  f"{letter}.root-servers.net. 518400 A 198.51.100.{ord(letter)}",
                  f"{letter}.root-servers.net. 518400 AAAA 2001:db8::{ord(letter):x}"]
    for name in names:
        for server in range(rng.randint(1, 6)):
            kind = rng.random()
            host = (f"ns{server}.nic.{name}." if kind < 0.5 else f"{rng.choice('abc')}.gtld.net." if kind < 0.7
                    else f"ns{rng.randint(0, 5)}.nic.{rng.choice(names)}." if kind < 0.9 else f"{name}.")
            lines.append(f"{name}. 172800 NS {host}")
            number = zlib.crc32(host.encode())
            lines.append(f"{host} 172800 A 192.0.2.{number % 250 + 1}")
            if number % 10 < 7:
                lines.append(f"{host} 172800 AAAA 2001:db8:{number & 0xFFFF:x}::{number >> 16:x}")
        if rng.random() < 0.8:
            for tag in range(rng.randint(1, 2)):
                lines.append(f"{name}. DS {rng.randint(1, 65535)} 13 2 {rng.getrandbits(256):064x}")
    return sign(write(folder, "rootlike", _one_ttl(lines)), ".", "-z", "sha384")


def tld_optout(folder, seed, count=500):
    """Few signed delegations among many, empty non-terminals, NSEC3 with opt-out."""
    rng = random.Random(seed)
    lines = ["$TTL 3600", "optout. SOA ns1.nic.optout. host.nic.optout. 7 1800 900 604800 900", "optout. NS ns1.nic.optout.",
             "optout. NS ns2.elsewhere.", "nic.optout. A 192.0.2.1", "ns1.nic.optout. A 192.0.2.2",
             "ns1.nic.optout. AAAA 2001:db8::2", "www.nic.optout. CNAME nic.optout."]
    names = sorted({_label(rng) for _ in range(count)} - {"nic"})
    for name in names:
        owner = f"{name}.{rng.choice(['', '', '', '', 'co.', 'gov.', 'city.pref.'])}optout."
        for server in range(2):
            kind = rng.random()
            host = (f"ns{server}.{owner}" if kind < 0.4 else "ns1.nic.optout." if kind < 0.6
                    else f"dns{rng.randint(1, 9)}.{rng.choice(names)}.optout." if kind < 0.8 else f"ns{server}.hoster.example.")
            lines.append(f"{owner} NS {host}")
            if host.endswith(".optout.") and kind < 0.4:
                lines.append(f"{host} A 192.0.2.{rng.randint(3, 254)}")
        if rng.random() < 0.15:
            lines.append(f"{owner} DS {rng.randint(1, 65535)} 13 2 {rng.getrandbits(256):064x}")
    return sign_optout(write(folder, "optout", _one_ttl(lines)), "optout.")


GENERAL = """
$TTL 3600
@ SOA ns host 1 1800 900 604800 300
@ NS ns
@ NS ns.sub
@ NS ns.out.test.
@ MX 10 mail
@ MX 20 mail2
@ MX 30 mx.out.test.
@ A 192.0.2.1
@ AAAA 2001:db8::1
@ TXT "one" "two"
@ CAA 0 issue "ca.test"
ns A 192.0.2.2
ns AAAA 2001:db8::2
mail 60 A 192.0.2.3
mail2 A 192.0.2.4
mail2 A 192.0.2.5
mail2 AAAA 2001:db8::5
_srv._tcp SRV 1 2 443 mail
_srv._tcp SRV 1 2 443 gone
_srv._tcp SRV 1 2 443 host.out.test.
www CNAME web
web A 192.0.2.6
chain1 CNAME chain2
chain2 CNAME chain3
chain3 CNAME web
outside CNAME www.out.test.
dangling CNAME gone
entalias CNAME b.ent
loop1 CNAME loop2
loop2 CNAME loop1
cutalias CNAME www.sub
sub NS ns.sub
sub NS ns
ns.sub A 192.0.2.7
ns.sub AAAA 2001:db8::7
secure NS ns.secure
secure NS ns.sub
secure DS 12345 13 2 0011223344556677001122334455667700112233445566770011223344556677
ns.secure A 192.0.2.8
unreachable NS ns.out.test.
deep.down NS ns.deep.down
ns.deep.down A 192.0.2.9
c.b.ent A 192.0.2.10
d.b.ent TXT "ent"
*.wild A 192.0.2.11
*.wild MX 10 mail
host.wild TXT "no address"
a.ent.wild A 192.0.2.12
*.wildcname CNAME web
*.wildout CNAME www.out.test.
*.wildgone CNAME gone
*.wildwild CNAME x.wild
wildalias CNAME any.wild
redirect DNAME target
redirect TXT "beside a DNAME"
a.target A 192.0.2.13
b.target CNAME a.target
x.y.target TXT "deep"
dout DNAME out.test.
dchain DNAME redirect
todname CNAME a.redirect
dwild DNAME wild
dlong DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.cccccccccccccccccccccccccccc
unknown TYPE65280 \\# 4 01020304
ptr PTR a.target
https HTTPS 1 . alpn=h2
naptr NAPTR 1 1 "u" "E2U+sip" "!^.*$!sip:x@y!" .
"""


def general(folder, variant):
    """Wildcards, aliases, renamings, empty non-terminals; signed with NSEC, NSEC3, or not at all."""
    big = [f"big A 198.51.{i // 250}.{i % 250}" for i in range(300)] + [f"bigtxt TXT \"{'x' * 200}{i}\"" for i in range(12)]
    path = write(folder, f"general-{variant}", ["$ORIGIN general.test.", *GENERAL.strip().split("\n"), *big])
    if variant == "plain":
        return path
    return sign(path, "general.test.", *(["-n", "-t", "1", "-s", "abcd"] if variant == "nsec3" else []))


def family(folder):
    """A parent and its child, served by the same server."""
    parent = write(folder, "parent", [
        "$ORIGIN fam.test.", "$TTL 3600", "@ SOA ns host 1 1800 900 604800 300", "@ NS ns", "ns A 192.0.2.1",
        "child NS ns.child", "ns.child A 192.0.2.2", "child DS 4711 13 2 " + "ab" * 32, "other NS ns.other", "ns.other A 192.0.2.3",
        "alias CNAME www.child"])
    child = write(folder, "child", [
        "$ORIGIN child.fam.test.", "$TTL 3600", "@ SOA ns host 1 1800 900 604800 300", "@ NS ns", "ns A 192.0.2.2", "www A 192.0.2.4",
        "up CNAME ns.fam.test."])
    return {"fam.test.": sign(parent, "fam.test."), "child.fam.test.": sign(child, "child.fam.test.")}


def real_root(folder, serial):
    """The content of a real root zone of 2026 without its DNSSEC records, signed anew. None if the data are not there."""
    data = shared_data()
    if data is None:
        return None
    unpacked = subprocess.run(["sh", str(data / "rootzones/history-2026/unpack.sh"), serial], check=True, capture_output=True,
                              text=True).stdout
    drop = {"RRSIG", "NSEC", "DNSKEY", "ZONEMD"}
    lines = [line for line in unpacked.split("\n") if line and not drop & set(line.split()[2:5])]
    return sign(write(folder, "realroot", lines), ".", "-z", "sha384")


def _one_ttl(lines):
    """Each record once; the records of an RRset with one TTL."""
    return list(dict.fromkeys(lines))


def owners(path, origin):
    """Names of a signed zone file (fully qualified, one record a line, as ldns-signzone writes them) with their types."""
    found = {}
    for line in pathlib.Path(path).read_text().split("\n"):
        fields = line.split()
        if len(fields) < 5 or line[0] in ";$ \t" or not fields[0].endswith("."):
            continue
        found.setdefault(fields[0].lower(), set()).add(fields[3])
    found.setdefault(origin, set())
    return found
