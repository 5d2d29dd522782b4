# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolvers in front of bench/wild, an authority that has an address for every name below bench., as fast as they can ask."""
import common
import servers
from authority import start_echo
from common import BUILD, LOAD_CPU, Process, load, own

AUTHORITY = "127.0.0.30"
NAMES = 10000  # of stand()


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


def stand(place, wanted, cpus=common.ONE_WORKER):
    """Those of `wanted` that have all names in their caches, and what the load is told to ask: {(name, workers): server}, words."""
    servers_here, authority = {"banyand": banyand, "unbound": unbound}, wild(place)

    def begin(key, size):
        name, workers = key
        if name == "echo":
            return start_echo(place, size, workers, cpus[workers])
        return start(place, servers_here[name], workers=workers, cpu=cpus[workers])

    keys = [(name, workers) for name in wanted if name in (*servers_here, "echo") for workers in cpus]
    started = common.start_each(keys, begin, lambda _, server: load("-p", server.port, "-k", 8, "-w", 8, "-e", NAMES, "-n", NAMES))
    authority.end()
    if len(cpus) > 1:
        for server in started.values():  # what one thread of a server has asked for, another may not know
            load("-p", server.port, "-k", 32, "-e", NAMES, "-n", 2 * NAMES)
    return started, ("-a", NAMES)
