# SPDX-License-Identifier: GPL-3.0-or-later
"""How each server is started: as an authority of some zones, or as a validating resolver. One worker, in the foreground.

Each function writes the configuration into `folder` and returns the command.
"""
from common import ADDRESS, BUILD, own

CLIENTS = "127.0.0.0/8"  # who may ask resolvers


# ---- authorities: zones is {origin: path} ----

def banyand_authority(folder, port, zones, workers=1):
    lines = "".join(f'  - {{name: "{origin}", file: "{path}", prove: structure}}\n' for origin, path in zones.items())
    (folder / "banyan.yaml").write_text(f"""server: {{listen: ["{ADDRESS}@{port}"], workers: {workers}, rundir: {folder}, user: root, log-level: warning, minimal-responses: true}}
resolver: {{enabled: false}}
zones:
{lines}""")
    return [BUILD / "src/cmd/banyand/banyand", "-c", folder / "banyan.yaml"]


def nsd(folder, port, zones, address=ADDRESS, workers=1):
    lines = "".join(f'zone:\n  name: "{origin}"\n  zonefile: "{path}"\n' for origin, path in zones.items())
    (folder / "nsd.conf").write_text(f"""server:
  ip-address: {address}
  port: {port}
  do-ip6: no
  server-count: {workers}
  reuseport: yes
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  verbosity: 0
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
{lines}""")
    return ["nsd", "-d", "-c", folder / "nsd.conf"]


def knot(folder, port, zones, workers=1):
    lines = "".join(f'  - domain: "{origin}"\n    file: "{path}"\n' for origin, path in zones.items())
    (folder / "knot.conf").write_text(f"""server:
  listen: {ADDRESS}@{port}
  rundir: "{folder}"
  udp-workers: {workers}
  tcp-workers: 1
  background-workers: 1
database:
  storage: "{folder}"
log:
  - target: stderr
    any: warning
template:
  - id: default
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
zone:
{lines}""")
    return ["knotd", "-c", folder / "knot.conf"]


def bind_authority(folder, port, zones, workers=1):
    lines = "".join(f'zone "{origin}" {{ type primary; file "{path}"; }};\n' for origin, path in zones.items())
    (folder / "named.conf").write_text(f"""controls {{ }};
options {{ {bind_options(folder, port)} recursion no; dnssec-validation no; notify no; }};
{lines}""")
    return ["named", "-4", "-g", "-n", workers, "-U", workers, "-c", folder / "named.conf"]


def bind_options(folder, port):
    return f"""directory "{folder}"; pid-file none; session-keyfile "{folder}/session.key"; managed-keys-directory "{folder}";
  listen-on port {port} {{ {ADDRESS}; }}; listen-on-v6 {{ none; }}; querylog no; allow-query {{ any; }}; empty-zones-enable no;"""


def echo(folder, port, size, workers=1):
    return [own("echo"), ADDRESS, port, size, workers]


# ---- resolvers: `net` has the root (root_zone, root_ds, root_hints: paths; ds: its four fields) ----

def banyand_resolver(net, folder, port, workers=1, more=""):
    (folder / "banyan.yaml").write_text(f"""server: {{listen: ["{ADDRESS}@{port}"], workers: {workers}, rundir: {folder}, user: root, log-level: warning}}
root: {{file: "{net.root_zone}", anchors: ["{net.root_ds}"], fallback: false}}
resolver: {{allow: ["{CLIENTS}"], cache-size: 512M, cache-keep: no, ipv6: false{more}}}
""")
    return [BUILD / "src/cmd/banyand/banyand", "-c", folder / "banyan.yaml"]


def unbound_config(folder, port, server, zones, workers=1):
    """What it needs in any bench; `server` and `zones`: lines more of its server section and behind it."""
    (folder / "unbound.conf").write_text(f"""server:
  interface: {ADDRESS}
  port: {port}
  do-ip6: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  num-threads: {workers}
  outgoing-range: 4096
  num-queries-per-thread: 4096
  do-not-query-localhost: no
  access-control: {CLIENTS} allow
{server}remote-control:
  control-enable: no
{zones}""")
    return ["unbound", "-d", "-c", folder / "unbound.conf"]


def unbound(net, folder, port, workers=1):
    return unbound_config(folder, port, f"""  msg-cache-size: 128m
  rrset-cache-size: 256m
  key-cache-size: 64m
  neg-cache-size: 64m
  aggressive-nsec: yes
  root-hints: "{net.root_hints}"
  trust-anchor-file: "{net.root_ds}"
""", f"""auth-zone:
  name: "."
  zonefile: "{net.root_zone}"
  for-downstream: no
  for-upstream: yes
""", workers)


def pdns(net, folder, port, workers=1):
    (folder / "rec.lua").write_text(f'clearTA(".")\naddTA(".", "{" ".join(net.ds)}")\nzoneToCache(".", "file", "{net.root_zone}", {{ dnssec="require" }})\n')
    (folder / "recursor.conf").write_text(f"""local-address={ADDRESS}
local-port={port}
daemon=no
disable-syslog=yes
loglevel=3
quiet=yes
threads={workers}
pdns-distributes-queries=no
reuseport=yes
socket-dir={folder}
security-poll-suffix=
allow-from={CLIENTS}
dont-query=
hint-file={net.root_hints}
dnssec=validate
max-mthreads=4096
max-cache-entries=1000000
max-packetcache-entries=500000
lua-config-file={folder}/rec.lua
""")
    return ["pdns_recursor", f"--config-dir={folder}"]


def kresd(net, folder, port, workers=1):
    (folder / "kresd.conf").write_text(f"""net.ipv6 = false
net.listen('{ADDRESS}', {port}, {{ kind = 'dns' }})
cache.size = 512 * MB
log_level('err')
option('ALLOW_LOCAL', true)
modules.unload('ta_signal_query') modules.unload('ta_update') modules.unload('detect_time_skew') modules.unload('detect_time_jump')
modules.unload('priming')
modules.load('hints > iterate')
hints.root_file('{net.root_hints}')
trust_anchors.remove('.')
trust_anchors.add('. 86400 IN DS {" ".join(net.ds)}')
""")
    return ["kresd", "-q", "-n", "-c", folder / "kresd.conf", folder]


def bind(net, folder, port, workers=1):
    tag, algorithm, digest, data = net.ds
    (folder / "named.conf").write_text(f"""controls {{ }};
options {{ {bind_options(folder, port)} recursion yes; allow-recursion {{ any; }}; dnssec-validation yes; max-cache-size 512m;
  recursive-clients 10000; synth-from-dnssec yes; }};
trust-anchors {{ . static-ds {tag} {algorithm} {digest} "{data}"; }};
zone "." {{ type hint; file "{net.root_hints}"; }};
""")
    return ["named", "-4", "-g", "-n", workers, "-U", workers, "-c", folder / "named.conf"]


# The name in the tables: how it is started, and the program that must be there.
AUTHORITIES = {"banyand": (banyand_authority, None), "nsd": (nsd, "nsd"), "knot": (knot, "knotd"), "bind": (bind_authority, "named")}
RESOLVERS = {"banyand": (banyand_resolver, None), "unbound": (unbound, "unbound"), "pdns": (pdns, "pdns_recursor"), "kresd": (kresd, "kresd"),
             "bind": (bind, "named")}
