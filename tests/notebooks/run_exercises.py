"""Run the exercises of a chapter as a reader meets them: python -m tests.notebooks.run_exercises ROOT NAME

Prints {key: [status with the stub, status with the solution]} as the last line. Only the cell `imports` runs before.
"""

import ast
import json
import sys
from pathlib import Path

from tools.exercise import solved, stub
from tools.project import Project
from tools.rules import load


def value_of(code, names):
    """Run a cell; returns the value of its last line, as a notebook would show it."""
    tree = ast.parse(code)
    last = tree.body.pop()
    if not isinstance(last, ast.Expr):
        raise SystemExit(f"the check cell has to end in exam.check(…), not in: {ast.unparse(last)}")
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def main(root, name):
    sys.path.insert(0, root)
    code = {cell.key: cell for cell in load(Project(Path(root)), name).code()}
    statuses = {}
    for key, cell in code.items():
        if "exercise" in cell.tags:
            statuses[key] = []
            for version in (stub, solved):
                names = {"__name__": "__main__"}
                for text in (code["imports"].text["en"], version(cell.text["en"])):
                    exec(compile(text, key, "exec"), names)
                statuses[key].append(value_of(code[f"{key}-check"].text["en"], names).status)
    print(json.dumps(statuses))


if __name__ == "__main__":
    main(*sys.argv[1:])
