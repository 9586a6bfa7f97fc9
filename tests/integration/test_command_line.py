"""sallyportd's flags, its configuration errors and its exit codes; no daemon stays running here."""

import os
import socket
import subprocess
import tomllib
from pathlib import Path

from harness.case import Case, main, needs_bastion
from harness.config import bastion_config, local_target, route
from harness.process import PATIENCE
from harness.sallyport import program, run_daemon
from harness.workspace import clean_environment

SAMPLE = Path(__file__).resolve().parents[2] / "config" / "sallyport.toml"


@needs_bastion
class CommandLineTest(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.groups = {"groups": 'ops = ["alice", "bob"]'}
        cls.body = (local_target("shell") + route("operators", "shell", users=["@ops"], targets=["web*"])
                    + route("everybody", "shell"))
        cls.config = cls.workspace.write("good.toml", bastion_config(cls.body, **cls.groups))

    def check(self, text, name="case.toml"):
        return run_daemon("-t", "-f", self.workspace.write(name, text))

    def test_a_good_configuration(self):
        self.assertEqual(run_daemon("-t", "-f", self.config).status, 0)

    def test_the_sample_configuration_passes(self):
        result = run_daemon("-t", "-f", SAMPLE)
        self.assertEqual(result.status, 0, result.stderr)

    def test_the_version(self):
        for flag in ("-V", "--version"):
            result = run_daemon(flag)
            self.assertEqual(result.status, 0)
            self.assertRegex(result.stdout, r"\d+\.\d+\.\d+")

    def test_the_help_names_all_that_can_be_asked(self):
        shown = run_daemon("-h").stdout
        for key in ("user", "target", "source", "mfa", "time", "request", "destination", "subsystem", "command"):
            self.assertIn(f"{key}=", shown)

    def test_an_empty_query_is_a_usage_error(self):
        result = run_daemon("-C", "", "-f", self.config)
        self.assertEqual(result.status, 2)
        self.assertIn("expected user=NAME", result.stderr)

    def test_an_unknown_flag_is_a_usage_error(self):
        self.assertEqual(run_daemon("--no-such-flag").status, 2)

    def test_a_missing_file_is_a_configuration_error(self):
        result = run_daemon("-t", "-f", self.workspace / "missing.toml")
        self.assertEqual(result.status, 3)
        self.assertIn("missing.toml", result.stderr)

    def test_an_unknown_key_suggests_the_nearest(self):
        result = self.check(bastion_config(self.body, **self.groups, limits="max_auth_trys = 3"))
        self.assertEqual(result.status, 3)
        self.assertIn("max_auth_tries", result.stderr)
        self.assertRegex(result.stderr, r"case\.toml:\d+:\d+")

    def test_a_wrong_value_names_its_place(self):
        result = self.check(bastion_config(self.body, **self.groups, limits='login_grace_time = "soon"'))
        self.assertEqual(result.status, 3)
        self.assertRegex(result.stderr, r"case\.toml:\d+:\d+")
        self.assertIn("soon", result.stderr)

    def test_a_syntax_error_names_its_place(self):
        result = self.check("[server\n")
        self.assertEqual(result.status, 3)
        self.assertRegex(result.stderr, r"case\.toml:\d+:\d+")

    def test_a_route_to_nowhere_is_an_error(self):
        result = self.check(bastion_config(self.body + route("lost", "nowhere"), **self.groups))
        self.assertEqual(result.status, 3)
        self.assertIn("nowhere", result.stderr)

    def test_the_effective_configuration_is_toml_with_the_defaults(self):
        result = run_daemon("-T", "-f", self.config)
        self.assertEqual(result.status, 0, result.stderr)
        shown = tomllib.loads(result.stdout)
        self.assertEqual(shown["limits"]["max_auth_tries"], 6)
        self.assertEqual(shown["groups"]["ops"], ["alice", "bob"])
        again = self.workspace.write("again.toml", result.stdout)
        self.assertEqual(run_daemon("-T", "-f", again).stdout, result.stdout)

    def test_includes(self):
        self.workspace.write("conf.d/a.toml", local_target("included") + route("from a", "included", targets=["inc"]))
        main_file = self.workspace.write("with.toml", 'include = ["conf.d/*.toml"]\n' + bastion_config(self.body, **self.groups))
        result = run_daemon("-C", "user=alice,target=inc", "-f", main_file)
        self.assertEqual(result.status, 0, result.stderr)
        self.assertIn("from a", result.stdout)

    def test_explain_names_the_route_and_its_target(self):
        for query, expected in (("user=alice,target=web1", "operators"), ("user=carol", "everybody")):
            result = run_daemon("-C", query, "-f", self.config)
            self.assertEqual(result.status, 0, result.stderr)
            self.assertIn(expected, result.stdout)
            self.assertIn("shell", result.stdout)

    def test_explain_says_that_there_is_no_route(self):
        result = run_daemon("-C", "user=carol,target=web1", "-f", self.config)
        self.assertRegex(result.stdout + result.stderr, r"(?i)no route")

    def test_a_busy_port_is_a_run_time_failure(self):
        with socket.create_server(("127.0.0.1", 0)) as busy:
            self.workspace.key("bastion_host")
            config = self.workspace.write("busy.toml", bastion_config(
                self.body, name="busy", **self.groups, listen=[f"127.0.0.1:{busy.getsockname()[1]}"]))
            self.assertEqual(run_daemon("-f", config).status, 1)

    def test_control_without_a_daemon_fails(self):
        done = subprocess.run([program("SALLYPORT_CONTROL", "sallyportctl"), "-s", str(self.workspace / "none.sock"), "status"],
                              capture_output=True, timeout=PATIENCE, env=clean_environment(), check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotEqual(done.stderr, b"")

    def test_paths_are_relative_to_the_files_folder(self):
        result = subprocess.run([program("SALLYPORT_DAEMON", "sallyportd"), "-t", "-f", os.path.relpath(self.config, "/")],
                                cwd="/", capture_output=True, timeout=PATIENCE, env=clean_environment(), check=False)
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    main()
