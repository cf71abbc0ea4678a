"""Run the exercises of a chapter as a reader meets them: python -m tests.notebooks.run_exercises ROOT NAME

Prints {key: [status with the stub, status with the solution]} as the last line. Only the cell `imports` runs before.
"""

import ast
import json
import linecache
import sys
from pathlib import Path

from tools.exercise import solved, stub
from tools.project import Project
from tools.rules import load


def run(code, cell, names):
    """Run a cell; returns the value of its last line, as a notebook would show it.

    As in a notebook, the source of functions can be read afterwards: feedback looks there for what was left blank.
    """
    filename = f"<{cell}>"
    linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, filename, "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), filename, "eval"), names)


def main(root, name):
    sys.path.insert(0, root)
    code = {cell.key: cell.text["en"] for cell in load(Project(Path(root)), name).code()}
    exercises = [cell.key for cell in load(Project(Path(root)), name).code() if "exercise" in cell.tags]
    statuses = {}
    for key in exercises:
        statuses[key] = []
        for version in (stub, solved):
            names = {"__name__": "__main__"}
            run(code["imports"], "imports", names)
            run(version(code[key]), key, names)
            feedback = run(code[f"{key}-check"], f"{key}-check", names)
            if feedback is None:
                raise SystemExit(f"{key}-check: the cell has to end in exam.check(…)")
            statuses[key].append(feedback.status)
    print(json.dumps(statuses))


if __name__ == "__main__":
    main(*sys.argv[1:])
