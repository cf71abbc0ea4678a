"""The first thing a newcomer meets: each way it can fail ends in a message that says what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import environment, run_tests

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 9), (3, 13, 0)])
def test_supported_pythons_pass(version):
    environment.check_python(version)


@pytest.mark.parametrize("version", [(3, 8, 10), (3, 10, 13), (3, 14, 0)])
def test_other_pythons_are_named_with_the_remedy(version):
    with pytest.raises(environment.CannotMake) as error:
        environment.check_python(version)
    message = str(error.value)
    assert f"Python {version[0]}.{version[1]} cannot" in message
    assert "3.11 to 3.13" in message and "PYTHON=" in message


def test_missing_venv_module_names_the_package(tmp_path):
    bare = tmp_path / "python"  # stands in for Debian's python3 without python3-venv
    bare.write_text("#!/bin/sh\nexit 1\n")
    bare.chmod(0o755)
    with pytest.raises(environment.CannotMake, match="apt install python3-venv"):
        environment.check_venv_module(str(bare))
    environment.check_venv_module(sys.executable)


def test_full_disk_says_how_much_is_free_and_needed(tmp_path):
    with pytest.raises(environment.CannotMake, match=r"1\.5 GB free.*needs about 4 GB"):
        environment.check_disk(str(tmp_path), 4, free_bytes=1.5e9)
    environment.check_disk(str(tmp_path), 4, free_bytes=9e9)


def test_command_line_ends_in_the_message_alone(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert environment.main(["reader", "--venv", ".venv-none"]) == 1
    error = capsys.readouterr().err
    assert "Python 3.9 cannot run this project" in error and "Traceback" not in error


@pytest.mark.skipif(os.name == "nt", reason="the Makefile is for POSIX")
def test_make_names_an_old_python(tmp_path):
    old = tmp_path / "python3"  # answers the Makefile's question with "too old" and then runs the script as 3.8 would
    script = "import sys; sys.version_info = (3, 8, 1); sys.argv.pop(0); "
    script += "import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    old.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exit 1\nexec {sys.executable} -c "{script}" "$@"\n')
    old.chmod(0o755)
    command = ["make", "-s", "reader", f"PYTHON={old}", "VENV=.venv-none"]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "Python 3.8 cannot run this project" in done.stderr
    assert not (ROOT / ".venv-none").exists()


@pytest.fixture
def venv(tmp_path, monkeypatch):
    """A folder for an environment, with every slow step replaced by a note of what was called."""
    calls = []
    folder = tmp_path / "venv"

    def call(command, **_):
        calls.append(command)
        if command[1:3] == ["-m", "venv"]:
            folder.mkdir()
        return 0

    monkeypatch.setattr(environment.subprocess, "call", call)
    monkeypatch.setattr(environment, "works", lambda where: Path(where).is_dir())
    folder_and_calls = (folder, calls)
    return folder_and_calls


def installs(calls):
    return [command for command in calls if "install" in command]


def test_second_start_installs_nothing(venv):
    folder, calls = venv
    environment.make("reader", str(folder))
    assert len(installs(calls)) == 1 and any("constraints.txt" in part for part in installs(calls)[0])
    calls.clear()
    environment.make("reader", str(folder))
    assert calls == []


def test_changed_requirements_install_again(venv, monkeypatch):
    folder, calls = venv
    environment.make("reader", str(folder))
    monkeypatch.setattr(environment, "fingerprint", lambda kind, unpinned: "other")
    calls.clear()
    environment.make("reader", str(folder))
    assert len(installs(calls)) == 1


def test_unpinned_leaves_the_constraints_out(venv):
    folder, calls = venv
    environment.make("developer", str(folder), unpinned=True)
    assert not any("constraints.txt" in part for part in installs(calls)[0])


def test_failed_install_is_tried_again_next_time(venv, monkeypatch):
    folder, calls = venv
    succeed = environment.subprocess.call
    monkeypatch.setattr(environment.subprocess, "call", lambda c, **k: 1 if "install" in c else succeed(c, **k))
    with pytest.raises(environment.CannotMake, match="run the same command again"):
        environment.make("reader", str(folder))
    monkeypatch.setattr(environment.subprocess, "call", succeed)
    environment.make("reader", str(folder))
    assert len(installs(calls)) == 1


def test_disk_that_fills_up_during_the_install_is_named(venv, monkeypatch):
    folder, _ = venv
    succeed = environment.subprocess.call

    def fill_up(command, **rest):
        if "install" not in command:
            return succeed(command, **rest)
        monkeypatch.setattr(environment.shutil, "disk_usage", lambda _: type("usage", (), {"free": 10**7}))
        return 1

    monkeypatch.setattr(environment.subprocess, "call", fill_up)
    with pytest.raises(environment.CannotMake, match="ran full while packages were installed"):
        environment.make("reader", str(folder))


class TestRunTests:
    """One failing step must fail the whole, whatever comes after it."""

    @pytest.fixture
    def steps(self, monkeypatch):
        good, bad = [sys.executable, "-c", ""], [sys.executable, "-c", "raise SystemExit(3)"]
        monkeypatch.setattr(run_tests, "STEPS", {"one": ("a", good), "two": ("b", bad), "three": ("c", good)})
        monkeypatch.setattr(run_tests, "UNPINNED", {"two": ("b, otherwise", good)})

    def test_failure_is_the_verdict(self, steps, capfd):
        assert run_tests.main([]) == 1
        last = capfd.readouterr().out.strip().splitlines()[-1]
        assert last.startswith("FAILED: two")

    def test_success_is_the_verdict(self, steps, capfd):
        assert run_tests.main(["one", "three"]) == 0
        assert capfd.readouterr().out.strip().splitlines()[-1].startswith("PASSED: 2 of 2 steps")

    def test_unpinned_replaces_what_compares(self, steps):
        assert run_tests.main(["--unpinned"]) == 0

    def test_unknown_step_lists_the_known(self, steps, capsys):
        with pytest.raises(SystemExit):
            run_tests.main(["four"])
        assert "no step four; choose from one, two, three" in capsys.readouterr().err
