"""From sources to stored editions: what has to be executed, what is only written anew, and what is refused."""

import asyncio
import time
from dataclasses import dataclass

from tqdm import tqdm

from tools.dependencies import PINNED, record
from tools.editions import EDITED, open_edition, stored_outputs, too_large
from tools.outputs import outputs_digest
from tools.project import LANGUAGES, read, write
from tools.render import layout, render
from tools.rules import load
from tools.source import Chapter, SourceError


@dataclass(frozen=True)
class Job:
    """A chapter, its editions on disk, and the outputs these give; None if the chapter has to be executed."""

    chapter: Chapter
    editions: dict
    outputs: dict | None


def build(project, names, jobs=2, discard=False, force=False, execute=True):
    """Build chapters. Returns the problems; a refused chapter keeps its notebooks and does not stop the others."""
    due, problems = [], []
    for name in names or project.names():
        try:
            chapter = load(project, name)
            editions = open_editions(project, chapter, discard)
            due.append(Job(chapter, editions, None if force else reusable(project, chapter, editions)))
        except SourceError as error:
            problems += error.problems
    if not (due or problems):
        problems.append("notebooks/src: no chapter sources here")
    for job in due:
        try:
            if job.outputs is not None:
                changed = store(project, job.chapter, job.outputs)
                print(f"{job.chapter.name}: {'written, nothing executed' if changed else 'up to date'}")
        except SourceError as error:
            problems += error.problems
    waiting = [job for job in due if job.outputs is None]
    if waiting and not execute:
        return problems + [f"{job.chapter.path}:1: outputs are not up to date; run `make build`" for job in waiting]
    return problems + (asyncio.run(execute_all(project, waiting, jobs)) if waiting else [])


def open_editions(project, chapter, discard):
    """The editions on disk. Raises SourceError if one holds text that was edited by hand and is not in the source."""
    editions, problems = {}, []
    for lang, path in project.editions(chapter.name).items():
        editions[lang] = None
        try:
            editions[lang] = edition = open_edition(path)
        except ValueError as error:
            problems.append(f"{project.shown(path)}:1: {error}")
            continue
        wanted = [(cell_id, source) for cell_id, _, _, source in layout(project, chapter, lang)]
        unsaved = edition.unsaved(wanted) if edition else []
        if unsaved:
            where = EDITED.format(path=project.shown(path), name=chapter.name)
            problems.append(f"{project.shown(path)}:1: edited by hand: {', '.join(unsaved)}; {where}")
    if problems and not discard:
        raise SourceError(problems)
    return editions


def reusable(project, chapter, editions):
    """Stored outputs in both languages, or None if the chapter has to be executed."""
    made_from = record(project, chapter)
    current = all(e and {field: e.study.get(field) for field in made_from} == made_from for e in editions.values())
    return stored_outputs(chapter, editions) if current else None


def store(project, chapter, outputs):
    """Write both editions together if they change. Returns whether they did. Raises SourceError if one is too large."""
    made_from = record(project, chapter)
    texts = {
        project.edition(lang, chapter.name): render(project, chapter, lang, outputs["en"] | outputs[lang], made_from)
        for lang in LANGUAGES
    }
    large = [f"{project.shown(path)}:1: {too_large(text)}" for path, text in texts.items() if too_large(text)]
    if large:
        raise SourceError(large)
    changed = any(not path.exists() or read(path) != text for path, text in texts.items())
    if changed:
        write(texts)
    return changed


async def execute_all(project, waiting, jobs):
    """Execute and store chapters, `jobs` at a time. Returns the problems of those that were refused."""
    project.edition("en", "x").parent.mkdir(parents=True, exist_ok=True)
    turn = asyncio.Semaphore(jobs)
    problems = []
    total = sum(len(job.chapter.code()) for job in waiting)
    # On a terminal a bar; in a log, one line a chapter is enough.
    with tqdm(total=total, unit="cell", desc="executing", disable=None) as bar:

        async def one(job):
            async with turn:
                start = time.monotonic()
                try:
                    changed = await execute_one(project, job, bar.update)
                except SourceError as error:
                    problems.extend(error.problems)
                else:
                    took = f"executed in {time.monotonic() - start:.0f} s"
                    bar.write(f"{job.chapter.name}: {took}{'' if changed else ', nothing changed'}")

        await asyncio.gather(*map(one, waiting))
    return problems


async def execute_one(project, job, step):
    from tools.execute import execute  # here: what needs no kernel does not wait for its libraries

    chapter = job.chapter
    made_from = record(project, chapter)
    sources = {key: source for key, kind, _, source in layout(project, chapter, "en") if kind == "code"}
    outputs = await execute(chapter, sources, project.edition("en", "x").parent, step)
    if record(project, chapter) != made_from:
        raise SourceError([f"{chapter.path}:1: a file it depends on changed during the run; run `make build` again"])
    return store(project, chapter, keep_timings(job, outputs, made_from))


def keep_timings(job, outputs, made_from):
    """Where nothing but cells tagged nbval-ignore-output came out new, keep what they showed.

    Otherwise every run of the same code would store other timings, and the history would swell.
    """
    if any(edition is None for edition in job.editions.values()):
        return outputs
    study = job.editions["en"].study
    before = stored_outputs(job.chapter, job.editions)
    same_versions = study.get("dependencies", {}).get(PINNED) == made_from["dependencies"].get(PINNED)
    if before is None or study.get("code") != made_from["code"] or not same_versions:
        return outputs
    compared = [cell.key for cell in job.chapter.code() if "nbval-ignore-output" not in cell.tags]
    for lang in LANGUAGES:
        made = outputs["en"] | outputs[lang]
        if any(outputs_digest(before[lang][key]) != outputs_digest(made[key]) for key in compared):
            return outputs
    return before
