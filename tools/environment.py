"""Make the project's own Python environment, or say in one message why it cannot be made.

Run by `make` with whatever Python the machine has, so this file keeps to syntax that old versions can parse:
    python3 tools/environment.py reader|developer [--venv DIR] [--unpinned]
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OLDEST, NEWEST = (3, 11), (3, 13)
REQUIREMENTS = {"reader": "requirements.txt", "developer": "requirements-dev.txt"}
# TensorFlow, JupyterLab and the rest, unpacked, with the downloads that pip holds meanwhile.
DISK_GB = {"reader": 4, "developer": 5}


class CannotMake(Exception):
    """A reason, with what to do about it, that ends the run."""


def check_python(version):
    """Raise CannotMake unless TensorFlow has wheels for this (major, minor) version."""
    if not OLDEST <= tuple(version[:2]) <= NEWEST:
        raise CannotMake(
            "Python {}.{} cannot run this project: TensorFlow needs Python {}.{} to {}.{}.\n"
            "Install one of those (Debian/Ubuntu: apt install python3.12 python3.12-venv; macOS: brew install "
            "python@3.12)\nand name it: make study PYTHON=python3.12".format(*version[:2], *OLDEST, *NEWEST)
        )


def check_venv_module(python):
    """Raise CannotMake where the distribution has split off venv or ensurepip (Debian, Ubuntu)."""
    if subprocess.call([python, "-c", "import venv, ensurepip"], stderr=subprocess.DEVNULL) != 0:
        raise CannotMake(
            "This Python has no 'venv' module with pip, which the environment is made with.\n"
            "Debian/Ubuntu: sudo apt install python3-venv   (then run the same command again)"
        )


def check_disk(folder, needed_gb, free_bytes=None):
    """Raise CannotMake when the disk that holds `folder` has too little room for the packages."""
    free = shutil.disk_usage(folder).free if free_bytes is None else free_bytes
    if free < needed_gb * 10**9:
        raise CannotMake(
            f"The disk of {folder} has {free / 10**9:.1f} GB free; the environment needs about {needed_gb} GB.\n"
            "Free some space, or clone the project to a larger disk, and run the same command again."
        )


def fingerprint(kind, unpinned):
    """What the installed packages depend on: when it changes, the environment is brought up to date."""
    digest = hashlib.sha256(f"{sys.version_info[:3]} {kind} {unpinned}".encode())
    for name in sorted(set(REQUIREMENTS.values())) + ["constraints.txt"]:
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def python_of(venv):
    """Path of the environment's interpreter (POSIX and Windows lay it out differently)."""
    parts = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return os.path.join(venv, *parts)


def works(venv):
    """True if the environment's Python starts: an interrupted creation or a moved Python leaves one that does not."""
    try:
        command = [python_of(venv), "-c", "import pip, sys; print('%d.%d' % sys.version_info[:2])"]
        answer = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.decode().strip() == "{}.{}".format(*sys.version_info[:2])


def install(venv, kind, unpinned):
    """Install the packages of one kind; raise CannotMake with the likely cause where pip fails."""
    command = [python_of(venv), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["-r", os.path.join(ROOT, REQUIREMENTS[kind])]
    if not unpinned:
        command += ["-c", os.path.join(ROOT, "constraints.txt")]
    if subprocess.call(command) != 0:
        try:
            check_disk(ROOT, 1)
        except CannotMake as full:
            raise CannotMake(f"The disk ran full while packages were installed. {full}")  # noqa: B904
        raise CannotMake(
            "pip could not install the packages; its message stands above.\n"
            "Most often the network or a proxy is in the way: check it and run the same command again, it goes on "
            "where it stopped."
        )


def make(kind, venv, unpinned=False):
    """Bring the environment up to date; does nothing, in a blink, where it already is.

    Args:
        kind: "reader" or "developer".
        venv: folder of the environment.
        unpinned: take the newest versions the ranges allow instead of those in constraints.txt.
    """
    check_python(sys.version_info)
    stamp = os.path.join(venv, f"made-for-{kind}")
    wanted = fingerprint(kind, unpinned)
    if os.path.exists(stamp):
        with open(stamp) as file:
            if file.read() == wanted and works(venv):
                return
    if not works(venv):
        check_venv_module(sys.executable)
        check_disk(ROOT, DISK_GB[kind])
        shutil.rmtree(venv, ignore_errors=True)
        print(f"Making the Python environment in {os.path.relpath(venv, ROOT)} (once; a few minutes) …")
        if subprocess.call([sys.executable, "-m", "venv", venv]) != 0:
            shutil.rmtree(venv, ignore_errors=True)
            raise CannotMake(f"Python could not create {venv}; its message stands above.")
    else:
        print("Bringing the Python environment up to date …")
    sys.stdout.flush()
    install(venv, kind, unpinned)
    with open(stamp, "w") as file:
        file.write(wanted)


def main(arguments=None):
    """Command line: returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=sorted(REQUIREMENTS))
    parser.add_argument("--venv", default=".venv", help="folder of the environment, from the project's root")
    parser.add_argument("--unpinned", action="store_true", help="newest versions in range instead of constraints.txt")
    options = parser.parse_args(arguments)
    try:
        make(options.kind, os.path.join(ROOT, options.venv), options.unpinned)
    except CannotMake as reason:
        print(f"\n{reason}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\nThe environment could not be made: {error}. Is the disk full, or read-only?", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
