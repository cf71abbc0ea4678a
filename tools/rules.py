"""What a chapter's source must keep to. Each check returns a list of problems: file:line, key, what to do."""

import ast
import functools
import re

from tools.exercise import BEGIN, END
from tools.project import LANGUAGES, read
from tools.source import KEY, TAGS, Chapter, SourceError, join_languages, parse, problem, read_header

HEADINGS = {
    "en": (
        "Setup",
        "Key ideas",
        "From the formula to NumPy",
        "Agreement",
        "In Keras",
        "Experiment",
        "Common mistakes",
        "Exercises",
        "Exam questions",
        "References",
    ),
    "ja": (
        "準備",
        "要点",
        "数式とコード",
        "確かめる",
        "Kerasで学習する",
        "実験",
        "よくある誤り",
        "演習",
        "確認テスト",
        "参考文献",
    ),
}
MARKER_FORM = 'write # %% [markdown] key="…" lang="…" or # %% key="…" tags=["…"]'
BADGE = "{{badge}}"
SETUP = "# {{setup}}"


def load(project, name):
    """The Chapter `name`, checked. Raises SourceError with every problem found."""
    path = project.shown(project.source(name))
    header_text, blocks = parse(read(project.source(name)), path)
    header, problems = read_header(header_text, path)
    problems += check_blocks(blocks, path)
    if problems:
        raise SourceError(problems)
    chapter = Chapter(name=name, path=path, header=header, cells=tuple(join_languages(blocks)))
    problems = check_chapter(chapter, known=project.names())
    if problems:
        raise SourceError(problems)
    return chapter


def check_blocks(blocks, path):
    """Keys, languages and tags; the two languages of each markdown cell."""
    problems = []
    for index, block in enumerate(blocks):

        def say(text, block=block):
            problems.append(problem(path, block.line, block.key, text))

        for attribute in block.attributes.keys() - {"key", "lang", "tags"}:
            say(f"cannot read {attribute!r} in the cell marker; {MARKER_FORM}")
        if block.kind == "raw":
            say("raw cells are not used; make it markdown or code")
        if not block.key:
            say('the cell has no key; add key="…" (lower-case letters, digits, hyphens)')
            continue
        if not KEY.fullmatch(str(block.key)):
            say("a key has at most 55 lower-case letters, digits and hyphens")
        if block.kind == "markdown":
            check_languages(blocks, index, say)
            if block.tags:
                say("tags belong to code cells")
        elif block.lang:
            say("a code cell is the same in every language; remove lang")
        for tag in block.tags:
            if tag not in TAGS:
                say(f"unknown tag {tag!r}; known: {', '.join(TAGS)}")
        earlier = [b for b in blocks[:index] if b.key == block.key]
        if used := [b.line for b in earlier if b.kind != block.kind or b.lang == block.lang]:
            say(f"this key is already used in line {used[0]}; give the cell another one")
    return problems


def check_languages(blocks, index, say):
    """A markdown cell stands in English, directly followed by the same cell in Japanese."""
    block = blocks[index]
    if block.lang not in LANGUAGES:
        say(f'lang is {block.lang!r}; write lang="en" or lang="ja"')
        return
    step = 1 if block.lang == LANGUAGES[0] else -1
    other = LANGUAGES[1] if step == 1 else LANGUAGES[0]
    place = index + step
    neighbour = blocks[place] if 0 <= place < len(blocks) else None
    if neighbour and neighbour.kind == "markdown" and (neighbour.key, neighbour.lang) == (block.key, other):
        if not block.source.strip():
            say(f'the text in "{block.lang}" is empty; write it')
    elif any(b is not block and (b.key, b.lang) == (block.key, other) for b in blocks):
        say('the two languages of a cell stand next to each other, lang="en" first; move one of them')
    else:
        where = "after" if step == 1 else "before"
        say(f'no translation: the cell with this key and lang="{other}" is missing; add it directly {where} this one')


def check_chapter(chapter, known):
    """Header, headings, setup cell, badge, exercises. `known` are the names of all chapters."""
    if not chapter.cells:
        return [f"{chapter.path}:1: the chapter has no cells"]
    problems = [
        f"{chapter.path}:1: prerequisite {name!r} is no chapter; known: {', '.join(known)}"
        for name in chapter.header["prerequisites"]
        if name not in known
    ]
    for lang in LANGUAGES:
        problems += check_headings(chapter, lang)
    problems += check_generated(chapter)
    problems += check_exercises(chapter)
    for cell in chapter.code():
        try:
            python_tree(cell.text["en"])
        except SyntaxError as error:
            problems.append(
                problem(chapter.path, cell.line + (error.lineno or 1), cell.key, f"no valid Python: {error.msg}")
            )
    return problems


def headings(text):
    """(level, words, line in the cell) of the headings of a markdown text, code fences left out."""
    found, fence = [], None
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"\s*(```+|~~~+)", line)
        if mark:
            fence = None if fence and mark[1].startswith(fence) else fence or mark[1]
        elif not fence and (match := re.match(r"(#{1,6})\s+(.*?)\s*#*$", line)):
            found.append((len(match[1]), match[2], number))
    return found


def check_headings(chapter, lang):
    found = [(cell, *h) for cell in chapter.cells if cell.kind == "markdown" for h in headings(cell.text[lang])]
    first = chapter.cells[0]
    problems = []
    if [level for _, level, _, _ in found].count(1) != 1 or first.kind != "markdown" or found[0][0] is not first:
        problems.append(chapter.problem(first, f"the chapter has one H1 (# …) in {lang}, in its first cell"))
    if chapter.header["kind"] == "guide":
        return problems
    expected = HEADINGS[lang]
    sections = [(cell, words) for cell, level, words, _ in found if level == 2]
    for (cell, words), right in zip(sections, expected, strict=False):
        if words != right:
            text = f'the H2 in {lang} is "{words}" where "{right}" is due; the order is: {" · ".join(expected)}'
            return [*problems, chapter.problem(cell, text)]
    if len(sections) != len(expected):
        cell = sections[-1][0] if sections else first
        due = f'"{expected[len(sections)]}" is missing after' if len(sections) < len(expected) else "too many H2 from"
        problems.append(chapter.problem(cell, f"{due} this cell in {lang}; the H2s are: {' · '.join(expected)}"))
    return problems


def check_generated(chapter):
    """The one setup cell, first of the code cells, and the badge in the first cell of both languages."""
    problems = []
    code = chapter.code()
    setups = [cell for cell in chapter.cells if "{{setup}}" in "".join(cell.text.values())]
    if not code or setups != [code[0]] or code[0].key != "setup" or code[0].text["en"].strip() != SETUP:
        cell = code[0] if code else chapter.cells[0]
        text = f'the first code cell is the only one with {{{{setup}}}}: # %% key="setup", then the line {SETUP}'
        problems.append(chapter.problem(cell, text))
    elif "edition-output" in code[0].tags:
        problems.append(chapter.problem(code[0], "the setup cell runs once for both editions; remove edition-output"))
    for cell in chapter.cells:
        for lang in LANGUAGES:
            wanted = 1 if cell is chapter.cells[0] else 0
            if cell.text[lang].count(BADGE) != wanted:
                problems.append(chapter.problem(cell, f"{BADGE} stands once in the first cell of {lang}, nowhere else"))
    return problems


def check_exercises(chapter):
    """Solution markers in pairs, and after each exercise its check cell."""
    problems = []
    code = chapter.code()
    for cell, following in zip(code, [*code[1:], None], strict=True):
        marks = [line.strip() for line in cell.text["en"].splitlines() if line.strip() in (BEGIN, END)]
        if "exercise" not in cell.tags:
            if marks:
                problems.append(chapter.problem(cell, 'solution markers, but no tag; add tags=["exercise"]'))
            continue
        if not marks or marks != [BEGIN, END] * (len(marks) // 2):
            text = f"the solution stands between lines {BEGIN} and {END}; found {marks or 'none'}"
            problems.append(chapter.problem(cell, text))
        right = following and following.key == f"{cell.key}-check" and "edition-output" in following.tags
        if not right or "exam.check(" not in following.text["en"]:
            marker = f'# %% key="{cell.key}-check" tags=["edition-output"]'
            text = f"the next code cell must check it: {marker}, ending in exam.check(…)"
            problems.append(chapter.problem(cell, text))
    return problems


@functools.cache
def python_tree(code):
    """Syntax tree of a code cell; IPython's line magics count as `pass`."""
    return ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", code, flags=re.MULTILINE))
