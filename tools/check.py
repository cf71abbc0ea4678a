"""`tools/build.py --check`: is every edition what its source gives, outputs included? Nothing is executed."""

from tools.dependencies import record
from tools.editions import EDITED, open_edition, too_large
from tools.outputs import clean, faults, outputs_digest
from tools.project import LANGUAGES
from tools.render import layout, render
from tools.rules import load
from tools.source import SourceError

BUILD = "run `make build`"


def check(project, names=()):
    """All problems of the given chapters (default: all, and notebooks without a source), one line each."""
    problems = [] if names else orphans(project)
    for name in names or project.names():
        try:
            problems += check_chapter(project, load(project, name))
        except SourceError as error:
            problems += error.problems
    return problems


def orphans(project):
    if not project.names():
        return ["notebooks/src: no chapter sources here; restore them"]
    text = "there is no source of this name in notebooks/src; restore it or delete the notebook"
    return [
        f"{project.shown(path)}:1: {text}"
        for lang in LANGUAGES
        for path in sorted(project.edition(lang, "x").parent.glob("*.ipynb"))
        if path.stem not in project.names()
    ]


def check_chapter(project, chapter):
    editions, problems = {}, []
    for lang, path in project.editions(chapter.name).items():
        try:
            editions[lang] = open_edition(path)
        except ValueError as error:
            problems.append(f"{project.shown(path)}:1: {error}")
            continue
        if editions[lang] is None:
            problems.append(f"{chapter.path}:1: {project.shown(path)} is missing; {BUILD}")
    if problems:
        return problems
    current = record(project, chapter)
    for lang, edition in editions.items():
        problems += check_edition(project, chapter, lang, edition, current)
    problems += check_agreement(chapter, editions)
    return list(dict.fromkeys(problems))  # what is stale is mostly so for both editions


def check_edition(project, chapter, lang, edition, current):
    path = project.shown(project.edition(lang, chapter.name))
    cells = {cell.key: cell for cell in chapter.cells}
    problems = []

    def say(key, text):
        cell = cells.get(str(key).removesuffix("-solution"), chapter.cells[0])
        problems.append(chapter.problem(cell, f"{path}: {text}"))

    if reason := too_large(edition.text):
        problems.append(f"{path}:1: {reason}")
    problems += check_made_from(chapter, edition, current)
    check_texts(project, chapter, lang, edition, say)
    check_outputs(chapter, edition, say)
    if not problems and edition.text != expected_text(project, chapter, lang, edition):
        problems.append(f"{path}:1: metadata or layout of the file is not as built; {BUILD}")
    return problems


def check_made_from(chapter, edition, current):
    """Code and dependencies now (`current`) against those the outputs were made from."""
    problems = []
    if edition.study.get("code") != current["code"]:
        problems.append(f"{chapter.path}:1: the code changed since the outputs were made; {BUILD}")
    before, now = edition.study.get("dependencies", {}), current["dependencies"]
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            how = "was added" if name not in before else "is gone" if name not in now else "changed"
            problems.append(f"{name}:1: {how} since the outputs of {chapter.name} were made; {BUILD}")
    return problems


def check_texts(project, chapter, lang, edition, say):
    """Cells, their order and their text against the source."""
    wanted = {cell_id: source for cell_id, _, _, source in layout(project, chapter, lang)}
    present = [cell.get("id") for cell in edition.cells]
    recorded = edition.recorded()
    adopt = EDITED.format(path=project.shown(project.edition(lang, chapter.name)), name=chapter.name)
    edited = set(edition.edited())
    stale = [cell_id for cell_id in wanted if cell_id not in present and cell_id not in recorded]
    for cell_id in wanted:
        if cell_id not in present and cell_id in recorded:
            say(cell_id, f'cell "{cell_id}" is missing; {adopt}')
    for cell in edition.cells:
        cell_id = cell.get("id")
        if wanted.get(cell_id) == cell.source:
            continue
        if cell_id in recorded and cell_id not in edited:
            stale.append(cell_id)
        elif cell_id not in wanted:
            say(cell_id, f'cell "{cell_id}" is not in the source; {adopt}')
        else:
            say(cell_id, f"its text was edited in the notebook; {adopt}")
    if stale:
        more = f" and {len(stale) - 1} more" if len(stale) > 1 else ""
        say(stale[0], f'cell "{stale[0]}"{more}: the source changed since the notebook was built; {BUILD}')
    if set(present) == wanted.keys() and present != list(wanted):
        place = next(a for a, b in zip(present, wanted, strict=True) if a != b)
        say(place, f"the cells are not in the order of the source; {BUILD if present == list(recorded) else adopt}")


def check_outputs(chapter, edition, say):
    """Each code cell was executed, in one straight run; its outputs are as built and fit to be stored."""
    keys = {cell.key for cell in chapter.code()}
    touched = set(edition.touched_outputs())
    for count, (key, cell) in enumerate(edition.code().items(), 1):
        if key not in keys:
            continue
        if cell.get("execution_count") is None:
            say(key, f"was not executed; {BUILD}")
        elif cell.execution_count != count:
            say(key, f"has execution count {cell.execution_count}, a straight run gives {count}; {BUILD}")
        if key in touched:
            say(key, f"its outputs are not those that the build stored; {BUILD}")
        for text in faults(cell.outputs):
            say(key, text)


def check_agreement(chapter, editions):
    """Outside cells tagged edition-output both editions store the same."""
    en, ja = (editions[lang].code() for lang in LANGUAGES)
    return [
        chapter.problem(cell, f"the outputs differ between the editions; {BUILD}, or tag the cell edition-output")
        for cell in chapter.code()
        if "edition-output" not in cell.tags
        and cell.key in en
        and cell.key in ja
        and outputs_digest(en[cell.key].outputs) != outputs_digest(ja[cell.key].outputs)
    ]


def expected_text(project, chapter, lang, edition):
    outputs = {key: clean(cell.outputs) for key, cell in edition.code().items()}
    record = {field: edition.study.get(field) for field in ("code", "dependencies")}
    return render(project, chapter, lang, outputs, record)
