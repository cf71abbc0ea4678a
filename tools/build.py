"""Build both editions of the chapters from their sources.

python tools/build.py [NAME ...]       build what changed (NAME: 01_convolution, 01 or a path)
python tools/build.py --check          is every edition what its source gives? Executes nothing
python tools/build.py --discard 01     build, dropping what was edited by hand in the built notebooks
python tools/build.py --adopt FILE     take what was edited in Jupyter from a built notebook into the source
python tools/build.py --repository URL [--branch NAME]   set the project's address, renew badges and setup cells
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tqdm import tqdm

from tools.check import EDITED, check
from tools.dependencies import code_digest, dependencies
from tools.editions import open_edition, stored_outputs
from tools.project import LANGUAGES, Project, read, write
from tools.render import layout, render
from tools.rules import load
from tools.source import SourceError


def main(arguments=None, root=None):
    """Command line: returns the exit status, 0 if all is well."""
    options = parse_arguments(arguments)
    project = Project(Path(root) if root else Path(__file__).resolve().parents[1])
    try:
        names = [find_name(project, word) for word in options.names]
        if options.check:
            return report(check(project, names), "both editions of every chapter are up to date")
        if options.repository:
            project.set_address(options.repository, options.branch)
        return build(project, names, options.jobs, options.discard, options.force, execute=not options.repository)
    except ValueError as error:
        return report(str(error).splitlines())


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="chapters (default: all)")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="chapters executed at the same time (default: 2)")
    parser.add_argument("--force", action="store_true", help="execute even what did not change")
    parser.add_argument("--discard", action="store_true", help="overwrite what was edited by hand in the notebooks")
    parser.add_argument("--check", action="store_true", help="compare editions with sources; execute nothing")
    parser.add_argument("--repository", metavar="URL", help="set the project's address")
    parser.add_argument("--branch", metavar="NAME", help="with --repository: the branch that Colab opens")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error(f"--jobs {options.jobs}: expected 1 or more")
    if options.branch and not options.repository:
        parser.error("--branch goes with --repository")
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


def build(project, names, jobs=2, discard=False, force=False, execute=True):
    """Build chapters; a refused one leaves its notebooks as they are and does not stop the others. Exit status."""
    chapters, problems = [], []
    for name in names or project.names():
        try:
            chapter = load(project, name)
            editions = open_editions(project, chapter, discard)
            chapters.append((chapter, reusable(project, chapter, editions, force)))
        except SourceError as error:
            problems += error.problems
    if not (chapters or problems):
        problems.append("notebooks/src: no chapter sources here")
    waiting = [chapter for chapter, outputs in chapters if outputs is None]
    if waiting and not execute:
        problems += [f"{chapter.path}:1: its outputs are not up to date; run `make build`" for chapter in waiting]
    for chapter, outputs in chapters:
        if outputs is not None:
            changed = store(project, chapter, outputs)
            print(f"{chapter.name}: {'written, nothing executed' if changed else 'up to date'}")
    if waiting and execute:
        problems += asyncio.run(execute_all(project, waiting, jobs))
    return report(problems)


def open_editions(project, chapter, discard):
    """The editions on disk. Raises SourceError if one holds text that was edited by hand and is not in the source."""
    editions, problems = {}, []
    for lang, path in project.editions(chapter.name).items():
        try:
            editions[lang] = open_edition(path)
        except ValueError as error:
            editions[lang] = None
            if not discard:
                problems.append(f"{project.shown(path)}:1: {error}")
            continue
        edition = editions[lang]
        if edition is None or discard or not edition.edited():
            continue
        if [cell.source for cell in edition.cells] != [source for *_, source in layout(project, chapter, lang)]:
            where = EDITED.format(path=project.shown(path), name=chapter.name)
            problems.append(f"{project.shown(path)}:1: edited by hand: {', '.join(edition.edited())}; {where}")
    if problems:
        raise SourceError(problems)
    return editions


def reusable(project, chapter, editions, force):
    """Stored outputs in both languages, or None if the chapter has to be executed."""
    current = record(project, chapter)
    if force or any(
        e is None or {field: e.study.get(field) for field in current} != current for e in editions.values()
    ):
        return None
    return stored_outputs(chapter, editions)


def record(project, chapter):
    """What outputs made now are made from."""
    return {"code": code_digest(chapter), "dependencies": dependencies(project, chapter)}


def store(project, chapter, outputs):
    """Write both editions together if they change. Returns whether they did."""
    made_from = record(project, chapter)
    texts = {
        project.edition(lang, chapter.name): render(project, chapter, lang, outputs["en"] | outputs[lang], made_from)
        for lang in LANGUAGES
    }
    changed = any(not path.exists() or read(path) != text for path, text in texts.items())
    if changed:
        write(texts)
    return changed


async def execute_all(project, chapters, jobs):
    """Execute and store chapters, `jobs` at a time. Returns the problems of those that were refused."""
    from tools.execute import execute  # here: --check and re-rendering need no kernel

    project.edition("en", "x").parent.mkdir(parents=True, exist_ok=True)
    turn = asyncio.Semaphore(jobs)
    problems = []
    total = sum(len(chapter.code()) for chapter in chapters)
    # On a terminal a bar; in a log, one line a chapter is enough.
    with tqdm(total=total, unit="cell", desc="executing", disable=None) as bar:

        async def one(chapter):
            async with turn:
                start = time.monotonic()
                made_from = record(project, chapter)
                sources = {key: source for key, kind, _, source in layout(project, chapter, "en") if kind == "code"}
                try:
                    outputs = await execute(chapter, sources, project.edition("en", "x").parent, bar.update)
                    if record(project, chapter) != made_from:
                        raise SourceError(
                            [f"{chapter.path}:1: a file it depends on changed during the run; build again"]
                        )
                    changed = store(project, chapter, outputs)
                except SourceError as error:
                    problems.extend(error.problems)
                    return
                seconds = time.monotonic() - start
                bar.write(f"{chapter.name}: executed in {seconds:.0f} s" + ("" if changed else ", nothing changed"))

        await asyncio.gather(*map(one, chapters))
    return problems


if __name__ == "__main__":
    sys.exit(main())
