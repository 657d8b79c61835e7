"""The dashboard, the alerts and Prometheus's configuration name what haggle exports, and nothing else.

Grafana has no linter of dashboards, so this is one. promtool, of Debian's package prometheus, reads all PromQL."""

import contextlib
import copy
import itertools
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.request

import yaml

from files import HAGGLE, ROOT, kubernetes, run, text

DASHBOARD = "deploy/grafana/haggle.json"
RULES = "deploy/prometheus/haggle.rules.yml"
RULE_TESTS = "tests/deploy/haggle.rules.test.yml"

needs_promtool = unittest.skipUnless(shutil.which("promtool"), "no promtool: install prometheus")

#: What Grafana 10.4 writes, and what it and later versions import.
SCHEMA_VERSION = 39

#: Units of Grafana that fit what haggle counts.
UNITS = {"none", "short", "s", "ops", "reqps", "mps", "eps", "cps"}

#: The width of Grafana's grid.
COLUMNS = 24

#: Variables that Grafana itself sets.
GRAFANAS = {"__rate_interval", "__all"}

#: The one metric that is Prometheus's own.
PROMETHEUS = {"up"}


def exposition():
    """What a server that has just started answers to /metrics."""
    with tempfile.TemporaryDirectory() as folder:
        command = [HAGGLE, "serve", "--bind", "127.0.0.1:0", "--database-url", f"{folder}/haggle.db", "--jwt-secret", "s" * 32]
        with subprocess.Popen(command, env={}, stderr=subprocess.PIPE, text=True) as server:
            try:
                log = []
                for line in server.stderr:
                    log.append(line)
                    if address := re.search(r"listening on (http:\S+)", line):
                        with urllib.request.urlopen(f"{address[1]}/metrics", timeout=10) as answer:
                            return answer.read().decode()
                raise AssertionError("".join(log))
            finally:
                server.kill()


def exported():
    """Each series that can be asked for, with the values of its labels: {name: {label: {value}}}."""
    series = {}
    for name, pairs in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", exposition(), re.MULTILINE):
        labels = series.setdefault(name, {})
        for label, value in re.findall(r'(\w+)="([^"]*)"', pairs):
            labels.setdefault(label, set()).add(value)
    return series


EXPORTED = exported()


def family(name):
    return re.sub(r"_(bucket|sum|count)$", "", name)


def names(expression):
    """The metrics of an expression: what begins with haggle_, and what else has a selector or a range."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    return set(re.findall(r"\bhaggle_\w+|\b[a-z_]\w*(?=\s*[{\[])", bare))


def faults_of_expression(expression):
    """What it names and haggle does not export: metrics, labels, and values of labels."""
    for name in names(expression) - PROMETHEUS - EXPORTED.keys():
        yield f"{name} is not exported"
    for name, matchers in re.findall(r"\b(haggle_\w+)\{([^}]*)\}", expression):
        for label, values in re.findall(r'(\w+)\s*[=!]~?\s*"([^"]*)"', matchers):
            if label in {"job", "instance"}:
                continue
            known = EXPORTED.get(name, {}).get(label, set())
            for value in values.split("|"):
                if value not in known:
                    yield f'{name} has no {label}="{value}"'


def faults(board):
    """What is wrong with a dashboard, a sentence each."""
    if board.get("schemaVersion") != SCHEMA_VERSION:
        yield f"schemaVersion is {board.get('schemaVersion')}, not {SCHEMA_VERSION}"
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    if variables.get("datasource", {}).get("type") != "datasource":
        yield "there is no variable for the data source"
    for name in set(re.findall(r"\$\{?(\w+)", json.dumps(board))) - variables.keys() - GRAFANAS:
        yield f"nothing sets ${name}"
    for variable in variables.values():
        for name in re.findall(r"label_values\((\w+),", variable.get("definition", "")):
            if name not in EXPORTED:
                yield f"{name} is not exported"
    panels = board["panels"]
    for one, other in itertools.combinations(panels, 2):
        if one["id"] == other["id"]:
            yield f"two panels have the id {one['id']}"
        a, b = one["gridPos"], other["gridPos"]
        if all(a[at] < b[at] + b[size] and b[at] < a[at] + a[size] for at, size in (("x", "w"), ("y", "h"))):
            yield f"{one.get('title')} and {other.get('title')} overlap"
    for panel in panels:
        title, place = panel.get("title"), panel["gridPos"]
        if not title:
            yield f"panel {panel['id']} has no title"
        if not (0 <= place["x"] and 0 < place["w"] and place["x"] + place["w"] <= COLUMNS and 0 <= place["y"] and 0 < place["h"]):
            yield f"{title} is outside of the grid"
        if panel["type"] == "row":
            continue
        if not panel.get("description"):
            yield f"{title} has no description"
        if panel["fieldConfig"]["defaults"].get("unit") not in UNITS:
            yield f"{title} has no unit"
        if not panel.get("targets"):
            yield f"{title} asks for nothing"
        for part in [panel, *panel.get("targets", [])]:
            if part.get("datasource", {}).get("uid") != "${datasource}":
                yield f"{title} does not ask the data source that was chosen"
        references = [target["refId"] for target in panel.get("targets", [])]
        if len(set(references)) < len(references):
            yield f"{title} has two queries of one name"
        for target in panel.get("targets", []):
            for fault in faults_of_expression(target["expr"]):
                yield f"{title}: {fault}"


def dashboard():
    return json.loads(text(DASHBOARD))


def expressions(board):
    """Every query of a dashboard, as Prometheus gets it."""
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".+")


def rules():
    return [rule for group in yaml.safe_load(text(RULES))["groups"] for rule in group["rules"]]


@contextlib.contextmanager
def written(**contents):
    """A folder with YAML files, by their names without the ending."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in contents.items():
            (pathlib.Path(folder) / f"{name}.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
        yield pathlib.Path(folder)


def check_expressions(board):
    """promtool's answer to a dashboard's queries."""
    recorded = [{"record": f"query:{number}", "expr": expr} for number, expr in enumerate(expressions(board))]
    with written(rules={"groups": [{"name": "dashboard", "rules": recorded}]}) as folder:
        return run("promtool", "check", "rules", folder / "rules.yml")


class Dashboard(unittest.TestCase):
    def test_there_is_nothing_wrong_with_it(self):
        self.assertGreater(len(EXPORTED), 30)
        self.assertEqual(list(faults(dashboard())), [])

    def test_it_shows_every_metric(self):
        shown = {family(name) for expression in expressions(dashboard()) for name in names(expression)}
        self.assertEqual({family(name) for name in EXPORTED} - shown, set())

    def test_what_is_wrong_is_seen(self):
        def panel(board, number=1):
            return [panel for panel in board["panels"] if panel["type"] != "row"][number]

        changes = {
            "schemaVersion is 16": lambda board: board.update(schemaVersion=16),
            "no variable for the data source": lambda board: board["templating"]["list"].pop(0),
            "nothing sets $instance": lambda board: board["templating"]["list"].pop(1),
            "two panels have the id": lambda board: panel(board).update(id=board["panels"][0]["id"]),
            "overlap": lambda board: panel(board)["gridPos"].update(x=0),
            "outside of the grid": lambda board: panel(board)["gridPos"].update(w=25),
            "has no title": lambda board: panel(board).pop("title"),
            "has no description": lambda board: panel(board).update(description=""),
            "has no unit": lambda board: panel(board)["fieldConfig"]["defaults"].pop("unit"),
            "asks for nothing": lambda board: panel(board).update(targets=[]),
            "does not ask the data source": lambda board: panel(board)["targets"][0]["datasource"].update(uid="mine"),
            "two queries of one name": lambda board: panel(board)["targets"].extend(copy.deepcopy(panel(board)["targets"])),
            "haggle_session is not exported": lambda board: panel(board)["targets"][0].update(expr="sum(haggle_session)"),
            "go_goroutines is not exported": lambda board: panel(board)["targets"][0].update(expr='go_goroutines{job="haggle"}'),
            'has no reason="full"': lambda board: panel(board)["targets"][0].update(expr='haggle_evictions_total{reason=~"refused|full"}'),
            'has no room="a"': lambda board: panel(board)["targets"][0].update(expr='haggle_sessions{room="a"}'),
        }
        for fault, change in changes.items():
            with self.subTest(fault):
                board = dashboard()
                change(board)
                self.assertTrue(any(fault in found for found in faults(board)), list(faults(board)))

    @needs_promtool
    def test_promtool_reads_every_query(self):
        self.assertGreater(len(list(expressions(dashboard()))), 30)
        done = check_expressions(dashboard())
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    @needs_promtool
    def test_promtool_refuses_a_query_that_is_none(self):
        board = dashboard()
        board["panels"][1]["targets"][0]["expr"] += ")"
        self.assertIn("could not parse expression", check_expressions(board).stderr)


class Alerts(unittest.TestCase):
    def test_each_names_what_haggle_exports(self):
        for rule in rules():
            self.assertTrue(names(rule["expr"]), rule["alert"])
            self.assertEqual(list(faults_of_expression(rule["expr"])), [], rule["alert"])

    def test_each_says_how_bad_it_is_and_what_to_do(self):
        for rule in rules():
            with self.subTest(rule["alert"]):
                self.assertEqual(rule.keys(), {"alert", "expr", "for", "labels", "annotations"})
                self.assertIn(rule["labels"]["severity"], {"critical", "warning", "info"})
                self.assertEqual(rule["annotations"].keys(), {"summary", "description", "action", "runbook"})
                self.assertEqual(rule["annotations"]["runbook"], f"docs/operate.md#{rule['alert'].lower()}")

    def test_each_has_its_section_and_each_section_an_alert(self):
        sections = re.findall(r"^### (Haggle\w+)\n\n(\w+)\. ", text("docs/operate.md"), re.MULTILINE)
        expected = [(rule["alert"], rule["labels"]["severity"].capitalize()) for rule in rules()]
        self.assertEqual(sorted(sections), sorted(expected))

    @needs_promtool
    def test_promtool_reads_them(self):
        done = run("promtool", "check", "rules", RULES)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def run_rule_tests(self, changed=None):
        """Runs their unit tests; where one rule is replaced, those that name it."""
        with written() as folder:
            content = yaml.safe_load(text(RULES))
            group = content["groups"][0]
            group["rules"] = [changed if changed and rule["alert"] == changed["alert"] else rule for rule in group["rules"]]
            tests = yaml.safe_load(text(RULE_TESTS)) | {"rule_files": ["rules.yml"]}
            if changed:
                tests["tests"] = [part for part in tests["tests"] if changed["alert"] in json.dumps(part)]
                self.assertTrue(tests["tests"], f"nothing tests {changed['alert']}")
            for name, part in (("rules", content), ("tests", tests)):
                (folder / f"{name}.yml").write_text(yaml.safe_dump(part), encoding="utf-8")
            return run("promtool", "test", "rules", folder / "tests.yml")

    @needs_promtool
    def test_each_fires_when_it_should(self):
        done = run("promtool", "test", "rules", RULE_TESTS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.run_rule_tests().returncode, 0)

    @needs_promtool
    def test_the_unit_tests_notice_an_alert_that_never_fires_and_one_that_fires_at_once(self):
        for rule in rules():
            for change in ({"expr": "vector(1) > 2"}, {"for": "0s"}):
                with self.subTest(rule["alert"], **change):
                    self.assertNotEqual(self.run_rule_tests(rule | change).returncode, 0)


class Scraping(unittest.TestCase):
    def check(self, config):
        with written(prometheus=config) as folder:
            shutil.copy(ROOT / RULES, folder)
            done = run("promtool", "check", "config", folder / "prometheus.yml")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def read(self, name):
        config = yaml.safe_load(text(f"deploy/prometheus/{name}.yml"))
        self.assertEqual([job["job_name"] for job in config["scrape_configs"]], ["haggle"], "what the alerts go by")
        return config

    @needs_promtool
    def test_promtool_reads_the_configuration(self):
        self.check(self.read("prometheus"))

    @needs_promtool
    def test_promtool_reads_the_configuration_for_kubernetes(self):
        config = self.read("prometheus-kubernetes")
        # Debian builds promtool without the discovery of Kubernetes.
        del config["scrape_configs"][0]["kubernetes_sd_configs"]
        self.check(config)

    def test_the_targets_are_the_nodes_of_compose(self):
        targets = self.read("prometheus")["scrape_configs"][0]["static_configs"][0]["targets"]
        services = yaml.safe_load(text("deploy/compose.yaml"))["services"]
        nodes = [name for name, service in services.items() if "HAGGLE_NODE_NAME" in service.get("environment", {})]
        self.assertEqual(targets, [f"{name}:5000" for name in nodes])
        self.assertTrue(all("front" in services[name]["networks"] for name in nodes))

    def test_the_discovery_finds_the_pods_of_the_manifest(self):
        job = self.read("prometheus-kubernetes")["scrape_configs"][0]
        keep, rename = job["relabel_configs"]
        pod = kubernetes()["Deployment"]["spec"]["template"]
        self.assertEqual(job["kubernetes_sd_configs"], [{"role": "pod", "namespaces": {"names": ["haggle"]}}])
        self.assertIn("kubectl -n haggle apply", text("deploy/kubernetes.yaml"))
        self.assertEqual(keep["source_labels"], ["__meta_kubernetes_pod_label_app_kubernetes_io_name", "__meta_kubernetes_pod_container_port_name"])
        found = f"{pod['metadata']['labels']['app.kubernetes.io/name']};{pod['spec']['containers'][0]['ports'][0]['name']}"
        self.assertEqual((keep["action"], keep["regex"]), ("keep", found))
        self.assertEqual((rename["source_labels"], rename["target_label"]), (["__meta_kubernetes_pod_name"], "instance"))


if __name__ == "__main__":
    unittest.main()
