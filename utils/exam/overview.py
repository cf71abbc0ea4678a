"""The collection at a glance: the syllabus as a picture and as a table, and a plan of evenings."""

import html
import textwrap
from collections import Counter
from pathlib import Path

import yaml

from utils import runtime

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

# Colours that stay apart for colour-blind readers (Okabe & Ito), light enough for black text.
COLOURS = {"examined": "#9bd0f5", "new": "#8fdcb8", "optional": "#f6e3a1", "legacy": "#dddddd"}

WORDS = {
    "topic": ("Topic", "項目"),
    "scope": ("Scope", "区分"),
    "chapters": ("Chapters", "章"),
    "examined": ("examined", "必須"),
    "new": ("examined (new)", "必須(新規)"),
    "optional": ("optional", "任意"),
    "legacy": ("legacy", "旧範囲"),
    "uncertain": ("sources differ", "資料により異なる"),
}


def headers(folder=NOTEBOOKS):
    """Headers of the chapters that are ready: name -> dict with title, scope, minutes, topics, prerequisites.

    Guides (pages that are not chapters) are left out.
    """
    found = {}
    for path in sorted((folder / "src").glob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        header = yaml.safe_load("\n".join(line[2:] for line in lines[1 : lines.index("# ---", 1)]))["study"]
        if header.get("kind") != "guide":
            found[path.stem] = header
    return found


def plan(minutes_per_evening, chapters=None):
    """Share the ready chapters out over evenings, in order.

    Args:
        minutes_per_evening: whole number, at least 15.
        chapters: dict from a chapter's name to its minutes; those that are ready, where not given.

    Returns:
        One list of (chapter, minutes) for each evening.
    """
    if not isinstance(minutes_per_evening, int) or minutes_per_evening < 15:
        raise ValueError(f"minutes_per_evening is {minutes_per_evening!r}; give a whole number of at least 15")
    if chapters is None:
        chapters = {name: header["minutes"] for name, header in headers().items()}
    evenings, left = [], 0
    for name, minutes in chapters.items():
        while minutes:
            if not left:
                evenings.append([])
                left = minutes_per_evening
            now = min(minutes, left)
            evenings[-1].append((name, now))
            minutes -= now
            left -= now
    return evenings


def subjects(syllabus):
    """The subjects (topics of the second level, like 3.4) of each area, in order: list of (area, subjects)."""
    return [
        (area, [topic for topic in syllabus.topics if topic.id.count(".") == 1 and topic.id.split(".")[0] == area.id])
        for area in syllabus.areas
    ]


def parts(syllabus, subject):
    """The topics below a subject; a subject without any is its own only part."""
    return [topic for topic in syllabus.topics if topic.id.startswith(subject.id + ".")] or [subject]


def draw_topics(syllabus, edition=None, columns=5):
    """Draw one tile for each subject: colour for its scope in an edition (the newest), a thick frame where a chapter
    that teaches it is ready."""
    import matplotlib.pyplot as plt

    def tile(x, y, width, height, **style):
        axes.add_patch(plt.Rectangle((x, y), width, height, **{"edgecolor": "#777777", "lw": 0.6, **style}))

    edition = edition or syllabus.editions[-1]
    groups, ready, used = subjects(syllabus), set(headers()), Counter()
    rows = sum(-(-len(topics) // columns) for _, topics in groups)
    _, axes = plt.subplots(figsize=(10, 0.6 * rows + 0.36 * len(groups) + 0.5))
    y = 0.0
    for area, topics in groups:
        axes.text(0, y + 0.35, f"{area.id} {area.en}", fontsize=11, fontweight="bold", va="center")
        y += 0.65
        for i, subject in enumerate(topics):
            x, top = i % columns, y + i // columns
            scope = subject.scope[edition]
            used[scope] += 1
            taught = {chapter for topic in (subject, *parts(syllabus, subject)) for chapter in topic.chapters}
            frame = {"edgecolor": "black", "lw": 2} if taught & ready else {}
            tile(x + 0.03, top + 0.05, 0.94, 0.88, facecolor=COLOURS.get(scope, "#ffffff"), **frame)
            name = textwrap.fill(f"{subject.id} {subject.en.split(':')[0].split(',')[0]}", 20)
            axes.text(x + 0.08, top + 0.5, name, fontsize=9, va="center", linespacing=1.05)
        y += -(-len(topics) // columns) + 0.1
    labels = {
        WORDS[scope][0]: {"facecolor": COLOURS[scope], "edgecolor": "#777777"} for scope in COLOURS if used[scope]
    }
    labels["a chapter is ready"] = {"facecolor": "white", "edgecolor": "black", "lw": 2}
    handles = [plt.Rectangle((0, 0), 1, 1, **style) for style in labels.values()]
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "ncols": len(labels)}
    axes.legend(handles, labels, frameon=False, fontsize=10, **place)
    axes.set(xlim=(0, columns), ylim=(y, 0))
    axes.axis("off")
    return axes


class TopicTable:
    """All topics with their scope and chapters, in the language of the edition; a chapter that is ready is a link."""

    def __init__(self, syllabus, edition=None):
        self.syllabus = syllabus
        self.edition = edition or syllabus.editions[-1]

    def __repr__(self):
        return f"{len(self.syllabus.topics)} topics, {len(headers())} chapters ready"

    def _repr_html_(self):
        lang = runtime.language()
        word = {key: texts[lang == "ja"] for key, texts in WORDS.items()}
        ready = headers()
        names = self.syllabus.names

        def link(chapter):
            title = html.escape(f"{chapter[:2]} {getattr(names[chapter], lang)}")
            return f'<a href="{chapter}.ipynb">{title}</a>' if chapter in ready else title

        head = "".join(
            f'<th scope="col" style="text-align:left">{word[key]}</th>' for key in ("topic", "scope", "chapters")
        )
        rows = []
        for area, topics in subjects(self.syllabus):
            name = html.escape(f"{area.id} {getattr(area, lang)}")
            rows.append(f'<tr><th scope="rowgroup" colspan="3" style="text-align:left">{name}</th></tr>')
            for subject in topics:
                below = parts(self.syllabus, subject)
                text = f"<b>{subject.id} {html.escape(getattr(subject, lang))}</b>"
                if below != [subject]:
                    text += "<br>" + (" · " if lang == "en" else "/").join(html.escape(getattr(t, lang)) for t in below)
                scopes = dict.fromkeys(topic.scope[self.edition] for topic in below)
                scope = ", ".join(word.get(s, s) for s in scopes)
                if any(topic.uncertain and topic.scope[self.edition] == "optional" for topic in below):
                    scope += f"<br>({word['uncertain']})"
                taught = dict.fromkeys(chapter for topic in (subject, *below) for chapter in topic.chapters)
                cells = text, scope, "<br>".join(map(link, sorted(taught)))
                style = "text-align:left;vertical-align:top"
                rows.append("<tr>" + "".join(f'<td style="{style}">{cell}</td>' for cell in cells) + "</tr>")
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def topic_table(syllabus, edition=None):
    """The table of topics as an object that a notebook shows in the language of its edition."""
    return TopicTable(syllabus, edition)
