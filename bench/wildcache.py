# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolvers in front of bench/wild, an authority that has an address for every name below bench., as fast as they can ask."""
import common
import servers
from common import BUILD, LOAD_CPU, Process, own

AUTHORITY = "127.0.0.30"


def wild(place, ttl=86400):
    """It comes before the load that has the same CPU: else a pause of the load's would look like one of the server's."""
    folder = place / f"wild-{next(common.PORTS)}"
    return Process(["chrt", "-f", 10, own("wild"), AUTHORITY, 53, ttl], folder, 53, "bench.", cpu=LOAD_CPU, address=AUTHORITY)


def banyand(folder, port, cache="512M", workers=1, more="", keep=False):
    """`more`: settings of the resolver, each after a comma. `keep`: the cache is in `folder`/cache.bin."""
    kept = f"cache-keep: yes, cache-file: {folder}/cache.bin" if keep else "cache-keep: no"
    (folder / "banyan.yaml").write_text(f"""server: {{listen: ["{common.ADDRESS}@{port}"], workers: {workers}, rundir: {folder}, user: root, log-level: warning}}
root: {{file: ""}}
resolver: {{cache-size: {cache}, {kept}, ipv6: false, client-questions-max: 0, client-rate: 0{more}}}
stub: [{{zone: bench., servers: [{AUTHORITY}], validate: no}}]
""")
    return [BUILD / "src/cmd/banyand/banyand", "-c", folder / "banyan.yaml"]


def unbound(folder, port, workers=1):
    return servers.unbound_config(folder, port, """  msg-cache-size: 1g
  rrset-cache-size: 1g
  domain-insecure: "bench."
""", f"""stub-zone:
  name: "bench."
  stub-addr: {AUTHORITY}
""", workers)


def start(place, make, cpu=common.SERVER_CPU, **options):
    port = next(common.PORTS)
    folder = place / f"{make.__name__}-{port}"
    folder.mkdir()
    return Process(make(folder, port, **options), folder, port, "bench.", cpu=cpu)
