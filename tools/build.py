"""Build both editions of the chapters from their sources.

python tools/build.py [NAME ...]       build what changed (NAME: 01_convolution, 01 or a path)
python tools/build.py --check          is every edition what its source gives? Executes nothing
python tools/build.py --adopt FILE     take what was edited in Jupyter from a built notebook into the source
python tools/build.py --discard NAME   build, dropping what was edited by hand in the built notebooks
python tools/build.py --repository URL [--branch NAME]   set the project's address, renew badges and setup cells
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.adopt import adopt
from tools.check import check
from tools.pipeline import build
from tools.project import Project


def main(arguments=None, root=None):
    """Command line: returns the exit status, 0 if all is well. `root` is another project than the one of this file."""
    options = parse_arguments(arguments)
    project = Project(Path(root) if root else Path(__file__).resolve().parents[1])
    try:
        names = [find_name(project, word) for word in options.names]
        if options.check:
            return report(check(project, names), success="both editions of every chapter are what their source gives")
        if options.adopt:
            return report(adopt(project, Path(options.adopt), options.delete))
        addressed = options.repository is not None
        if addressed:
            project.set_address(options.repository, options.branch)
        problems = build(project, names, options.jobs, options.discard, options.force, not addressed)
        return report(problems)
    except ValueError as error:
        return report(str(error).splitlines())
    except OSError as error:
        return report([f"{error}; nothing is half written: repair that and build again"])
    except KeyboardInterrupt:
        print("interrupted; notebooks that were not finished are as they were", file=sys.stderr)
        return 130


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="chapters (default: all)")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="chapters executed at the same time (default: 2)")
    parser.add_argument("--force", action="store_true", help="execute even what did not change")
    parser.add_argument("--discard", action="store_true", help="overwrite what was edited by hand in the notebooks")
    parser.add_argument("--check", action="store_true", help="compare editions with sources; execute nothing")
    parser.add_argument("--adopt", metavar="FILE", help="take edits from a notebook into its source")
    parser.add_argument("--delete", action="store_true", help="with --adopt: remove deleted cells, in both languages")
    parser.add_argument("--repository", metavar="URL", help="set the project's address; executes nothing")
    parser.add_argument("--branch", metavar="NAME", help="with --repository: the branch that Colab opens")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error(f"--jobs {options.jobs}: expected 1 or more")
    if options.branch and options.repository is None:
        parser.error("--branch goes with --repository")
    if options.discard and not options.names:
        parser.error("--discard NAME: say which chapters lose their edits")
    if options.delete and not options.adopt:
        parser.error("--delete goes with --adopt")
    return options


def find_name(project, word):
    """Full name of a chapter given by its name, its first part or a path."""
    stem = Path(word).stem
    found = [name for name in project.names() if name == stem] or [n for n in project.names() if n.startswith(stem)]
    if len(found) != 1:
        many = "more than one such chapter" if found else "no such chapter"
        raise ValueError(f"{word!r}: {many}; known: {', '.join(project.names())}")
    return found[0]


def report(problems, success=None):
    for line in problems:
        print(line, file=sys.stderr)
    if problems:
        print(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}", file=sys.stderr)
    elif success:
        print(success)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
