"""The collection at a glance: the syllabus as a picture and as a table, and a plan of evenings."""

import html
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


def tiles(syllabus):
    """The topics the map draws: those that have no topics below them, grouped by area, in order."""
    parents = {topic.id.rpartition(".")[0] for topic in syllabus.topics}
    return {
        area: [t for t in syllabus.topics if t.id.split(".")[0] == area.id and t.id not in parents]
        for area in syllabus.areas
    }


def draw_topics(syllabus, edition=None, columns=6):
    """Draw one tile for each topic, coloured by its scope in an edition (the newest, where not given)."""
    import matplotlib.pyplot as plt

    edition = edition or syllabus.editions[-1]
    groups = tiles(syllabus)
    rows = sum(-(-len(topics) // columns) for topics in groups.values())
    figure, axes = plt.subplots(figsize=(11, 0.62 * rows + 0.42 * len(groups) + 0.5))
    y, used = 0.0, Counter()
    for area, topics in groups.items():
        axes.text(0, y + 0.32, area.en, fontsize=11, fontweight="bold", va="center")
        y += 0.6
        for i, topic in enumerate(topics):
            x, top = i % columns, y + i // columns
            scope = topic.scope[edition]
            used[scope] += 1
            colour = COLOURS.get(scope, "#ffffff")
            axes.add_patch(
                plt.Rectangle((x + 0.02, top + 0.04), 0.96, 0.9, facecolor=colour, edgecolor="#555555", lw=0.6)
            )
            axes.text(
                x + 0.06, top + 0.5, f"{topic.id}  {_wrapped(topic.en)}", fontsize=9, va="center", linespacing=1.15
            )
        y += -(-len(topics) // columns) + 0.1
    shown = [scope for scope in COLOURS if used[scope]]
    handles = [plt.Rectangle((0, 0), 1, 1, facecolor=COLOURS[s], edgecolor="#555555", lw=0.6) for s in shown]
    labels = [f"{WORDS[s][0]}: {used[s]} topics" for s in shown]
    axes.legend(
        handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=len(shown), frameon=False, fontsize=10
    )
    axes.set(xlim=(0, columns), ylim=(y, 0))
    axes.axis("off")
    return figure


def _wrapped(name, width=21):
    """A topic's name on at most three lines; the first is shorter because the topic's number stands before it."""
    lines, room = [""], width - 6
    for word in name.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append("")
            room = width
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


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
        for area, topics in tiles(self.syllabus).items():
            name = html.escape(getattr(area, lang))
            rows.append(f'<tr><th scope="rowgroup" colspan="3" style="text-align:left">{name}</th></tr>')
            for topic in topics:
                scope = word.get(topic.scope[self.edition], topic.scope[self.edition])
                doubt = f" ({word['uncertain']})" if topic.uncertain else ""
                cells = (
                    f"{topic.id} {html.escape(getattr(topic, lang))}",
                    scope + doubt,
                    "<br>".join(map(link, topic.chapters)),
                )
                rows.append(
                    "<tr>"
                    + "".join(f'<td style="text-align:left;vertical-align:top">{c}</td>' for c in cells)
                    + "</tr>"
                )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def topic_table(syllabus, edition=None):
    """The table of topics as an object that a notebook shows in the language of its edition."""
    return TopicTable(syllabus, edition)
