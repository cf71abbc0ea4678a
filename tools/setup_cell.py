# Finds the collection (in Colab: clones it) and prepares the machine. The same cell in every chapter.
import os
import shutil
import subprocess
import sys
from pathlib import Path

address, branch = "{{repository}}", "{{branch}}"
clone = Path.cwd() / address.split("/")[-1].removesuffix(".git")
notebook = os.environ.get("JPY_SESSION_NAME") or globals().get("__vsc_ipynb_file__")
starts = [Path(p).absolute() for p in (os.environ.get("STUDY_ROOT"), clone, notebook, sys.prefix) if p]
folders = [folder for start in starts for folder in (start, *start.parents)] + [Path(p) for p in sys.path]
root = next((folder for folder in folders if (folder / "utils" / "runtime.py").is_file()), None)
if root is None and "google.colab" not in sys.modules:
    raise FileNotFoundError("Open this notebook inside its clone, or set STUDY_ROOT to the clone's folder.")
if root is None and "OWNER" in address:
    raise RuntimeError("The address to clone from is not set yet: `make repository URL=...` writes it here.")
if root is None:
    print(f"Cloning {address} ...")
    part = clone.with_name(clone.name + ".part")  # gets its name when it is complete
    shutil.rmtree(part, ignore_errors=True)
    command = ["git", "clone", "--depth", "1", "--branch", branch, address, str(part)]
    git = subprocess.run(command, check=False, capture_output=True, text=True)
    if git.returncode:
        raise RuntimeError(f"Cloning failed; check the connection and run this cell again.\n{git.stderr}")
    root = part.rename(clone)
sys.path.insert(0, str(root))
from utils import runtime

rt = runtime.setup(lang="{{lang}}")
