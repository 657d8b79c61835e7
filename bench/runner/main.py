"""Measures haggle next to what users would pick instead.

    bench/run.sh                          every workload, then the page
    bench/run.sh first-table              what the page's first tables need: next to peers that make the same promise
    bench/run.sh pairs-saturated connect  these alone; what was measured before stays
    bench/run.sh durable-w1 --trial --binary target/release/haggle
                                          one short run of haggle and of Bun that makes the same promise, results printed only
    bench/run.sh --quick --runs 1         five minutes, to see that it works
    bench/run.sh growth                   what a message costs as things grow
    bench/run.sh authorization            what the three ways to authorize cost
    bench/run.sh report                   writes docs/benchmarks.md's tables and plots again

The server runs on half of the cores, the load on the other half. Results are kept in bench/results/results.json.
"""

import argparse
import sys

import authorization
import growth
import measure
import promise
import report
import servers
import workloads
from machine import lift_file_limit, shape


def main():
    lift_file_limit()
    known = workloads.all_workloads()
    names = [workload.name for workload in known]
    extra = ["first-table", "growth", "authorization", "report"]
    parser = argparse.ArgumentParser(
        prog="bench/run.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", metavar="WORKLOAD", help=", ".join(names + extra))
    parser.add_argument("--servers", help="only these, separated by ';': a name, or a kind such as bun for all of it")
    parser.add_argument("--runs", type=int, help="medians are of so many (default: 3, for a trial 1)")
    parser.add_argument("--quick", action="store_true", help="a second each")
    parser.add_argument("--full", action="store_true", help="growth to the sizes that take long to make")
    parser.add_argument("--only", help="growth: this curve alone")
    parser.add_argument("--no-build", action="store_true", help="what is there is measured")
    parser.add_argument("--binary", metavar="PATH", help="this haggle, in place of building one")
    parser.add_argument(
        "--trial",
        action="store_true",
        help="two seconds each, of haggle and Bun alone unless --servers says more; prints the first tables and keeps the "
        "results in bench/.run/trial.json, not those of the page",
    )
    args = parser.parse_args()
    if args.binary:
        servers.use_binary(args.binary)
    if "first-table" in args.what:
        args.what += workloads.first_table()
    if args.trial and not args.servers:
        args.servers = "haggle;Bun, FULL, grouped;Bun"
    runs = args.runs or (1 if args.trial else 3)
    if unknown := [name for name in args.what if name not in names + extra]:
        parser.error(f"no such workload: {', '.join(unknown)}; there are {', '.join(names + extra)}")
    chosen = [workload for workload in known if not args.what or workload.name in args.what]
    by_name = {server.name: server for server in servers.SERVERS}
    wanted = [word.strip() for word in args.servers.split(";")] if args.servers else None
    if wanted and (unknown := [word for word in wanted if not any(word in (s.name, s.kind) for s in servers.SERVERS)]):
        parser.error(f"no such server: {', '.join(unknown)}; there are {'; '.join(by_name)}")

    def of(workload):
        # A word that is a server's name is that server, though others may be of a kind that is called the same.
        mine = [by_name[name] for name in workload.servers]
        return [s for s in mine if not wanted or s.name in wanted or (s.kind in wanted and s.kind not in by_name)]

    kinds = {server.kind for workload in chosen for server in of(workload)}
    kinds |= {"haggle"} if {"growth", "authorization"} & set(args.what) else set()
    if kinds and not args.no_build:
        servers.build(kinds)
    results = {"isTrial": True} if args.trial else measure.read_results()
    if kinds:
        results["machine"], results["versions"] = shape(), servers.versions()
    for workload in chosen:
        if mine := of(workload):
            spans = (0.5, 1) if args.quick else (0.5, 2) if args.trial else (workload.warm_up, workload.measure)
            measure.run(workload, mine, runs, results, spans, tell)
    if "growth" in args.what:
        growth.run(results, args.full, args.quick, args.only, tell)
    if "authorization" in args.what:
        authorization.run(results, runs, args.quick, tell)
    if args.trial:
        print(promise.tables(results.get("workloads", {}), measured_only=True))
    elif not args.what or "report" in args.what:
        report.write(results)


def tell(line):
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
