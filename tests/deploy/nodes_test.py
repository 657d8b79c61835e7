"""Compose and Kubernetes: several nodes."""

import re
import unittest

import compose_spec
import yaml

from files import TOOLS, compose, image_environment, kubernetes, run, seconds, text

#: The oldest and the newest version that the manifest is for.
KUBERNETES_VERSIONS = ("1.30", "1.37")

YAMLLINT = """
extends: default
rules:
  anchors: {forbid-unused-anchors: true}
  document-start: disable
  line-length: {max: 140}
  # Of two readings of 0440 Kubernetes takes the octal one.
  octal-values: disable
"""


class Nodes(unittest.TestCase):
    def test_yamllint_has_nothing_to_say(self):
        done = run(TOOLS / "yamllint", "--strict", "--config-data", YAMLLINT, "deploy")
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_the_compose_file_follows_the_specification(self):
        # Written out, since the linter knows no merge keys.
        compose_spec.PyCompose.from_yaml(yaml.safe_dump(compose())).validate()

    def test_the_linter_of_the_compose_file_sees_a_wrong_key_and_an_absent_secret(self):
        for change in ({"helthcheck": {}}, {"secrets": ["absent"]}):
            wrong = compose()
            wrong["services"]["haggle-a"] |= change
            with self.assertRaises(ValueError):
                compose_spec.PyCompose.from_yaml(yaml.safe_dump(wrong)).validate()

    def test_the_manifest_follows_the_schemas_of_kubernetes(self):
        for version in KUBERNETES_VERSIONS:
            done = run(TOOLS / "kubernetes-validate", "--strict", "-k", version, "deploy/kubernetes.yaml")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_what_ends_a_node_waits_for_its_drain(self):
        for name, service in compose()["services"].items():
            if "HAGGLE_DRAIN_TIMEOUT" in service.get("environment", {}):
                drain = seconds(service["environment"]["HAGGLE_DRAIN_TIMEOUT"])
                self.assertGreater(seconds(service["stop_grace_period"]), drain, name)
        pod = kubernetes()["Deployment"]["spec"]["template"]["spec"]
        wait = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        drain = seconds(kubernetes()["ConfigMap"]["data"]["HAGGLE_DRAIN_TIMEOUT"])
        self.assertGreater(pod["terminationGracePeriodSeconds"], wait + drain)

    def test_the_manifests_objects_find_each_other(self):
        objects = kubernetes()
        labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
        self.assertEqual(objects["Deployment"]["spec"]["selector"]["matchLabels"], labels)
        self.assertEqual(objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"], labels)
        self.assertEqual(objects["Service"]["spec"]["selector"], labels)
        self.assertEqual(objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"], labels)
        pod = objects["Deployment"]["spec"]["template"]["spec"]
        secrets = next(volume["secret"] for volume in pod["volumes"] if volume["name"] == "secrets")
        mounted = {f"/run/secrets/haggle/{item['path']}" for item in secrets["items"]}
        named = {value for name, value in objects["ConfigMap"]["data"].items() if name.endswith("_FILE")}
        self.assertEqual(named, mounted)

    def test_everything_runs_as_the_images_user(self):
        user = re.search(r"^USER (\d+):(\d+)$", text("Dockerfile"), re.MULTILINE).groups()
        context = kubernetes()["Deployment"]["spec"]["template"]["spec"]["securityContext"]
        self.assertEqual((str(context["runAsUser"]), str(context["runAsGroup"])), user)

    def test_nginx_knows_each_node_by_its_name_and_address(self):
        nginx, services = text("deploy/nginx.conf"), compose()["services"]
        port = image_environment()["HAGGLE_BIND"].rsplit(":", 1)[1]
        nodes = {name: service["environment"]["HAGGLE_NODE_NAME"] for name, service in services.items()
                 if "HAGGLE_NODE_NAME" in service.get("environment", {})}
        self.assertEqual(len(nodes), 2)
        for service, node in nodes.items():
            self.assertIn(f'"~^{node}\\." node_{node};', nginx)
            self.assertRegex(nginx, rf"upstream node_{node} {{\s+server {service}:{port} max_fails=0;")


if __name__ == "__main__":
    unittest.main()
