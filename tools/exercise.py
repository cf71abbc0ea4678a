"""Exercises: the source holds the solution; a reader gets a stub, and the solution folded away."""

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "...  # your code / ここにコード"


def stub(code):
    """`code` with each block from BEGIN to END replaced by one STUB line. Code without markers is returned as it is."""
    lines, inside = [], False
    for line in code.split("\n"):
        if line.strip() == BEGIN:
            inside = True
            lines.append(line[: line.index(BEGIN)] + STUB)
        elif line.strip() == END:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


def solved(code):
    """`code` without the marker lines: what runs."""
    return "\n".join(line for line in code.split("\n") if line.strip() not in (BEGIN, END))


def solutions(code):
    """The marked blocks of `code`, marker lines included, each as a list of lines."""
    blocks, inside = [], False
    for line in code.split("\n"):
        if line.strip() == BEGIN:
            inside = True
            blocks.append([])
        if inside:
            blocks[-1].append(line)
        if line.strip() == END:
            inside = False
    return blocks
