"""The built notebooks as they lie on disk: what they were made from, and what was changed since."""

from dataclasses import dataclass

from nbformat import v4

from tools.dependencies import digest
from tools.outputs import clean, outputs_digest
from tools.project import LANGUAGES, read

MAX_BYTES = 700_000
EDITED = "take the edit into the source (tools/build.py --adopt {path}) or drop it (tools/build.py --discard {name})"


@dataclass(frozen=True)
class Edition:
    """A notebook file. `study` is what the build wrote about it; empty if the build did not make it."""

    text: str
    cells: list
    study: dict

    def recorded(self):
        """{cell id: [digest of source] or [digest of source, digest of outputs]} as built, in order."""
        return {line.split()[0]: line.split()[1:] for line in self.study.get("cells", [])}

    def code(self):
        return {cell.get("id"): cell for cell in self.cells if cell.cell_type == "code"}

    def edited(self):
        """Ids of cells that were added or whose text is not as built."""
        recorded = self.recorded()
        return [cell.get("id") for cell in self.cells if recorded.get(cell.get("id"), [""])[0] != digest(cell.source)]

    def unsaved(self, wanted):
        """What was edited by hand since the build and is not in `wanted`, the [(id, source)] to be written now."""
        recorded, present = list(self.recorded()), [cell.get("id") for cell in self.cells]
        ids, edited = [cell_id for cell_id, _ in wanted], self.edited()
        texts = {source for _, source in wanted}
        found = [
            cell.get("id", "a new cell")
            for cell in self.cells
            if cell.get("id") in edited and cell.source.strip("\n") not in texts
        ]
        found += [f"{cell_id} (deleted)" for cell_id in recorded if cell_id in ids and cell_id not in present]
        common = [cell_id for cell_id in present if cell_id in recorded and cell_id in ids]
        if common not in ([i for i in recorded if i in common], [i for i in ids if i in common]):
            found.append("the order of cells")
        return found

    def touched_outputs(self):
        """Ids of code cells whose outputs are not as built."""
        recorded = self.recorded()
        return [
            key
            for key, cell in self.code().items()
            if key in recorded and recorded[key][1:] != [outputs_digest(cell.outputs)]
        ]


def too_large(text):
    """What is wrong with the size of a notebook, or None."""
    size = len(text.encode())
    if size < MAX_BYTES:
        return None
    return f"{size / 1000:.0f} kB; a notebook stays under {MAX_BYTES // 1000} kB: draw fewer or smaller figures"


def open_edition(path):
    """The Edition at `path`, or None if there is no file. Raises ValueError if it is no notebook."""
    if not path.exists():
        return None
    text = read(path)
    try:
        notebook = v4.reads(text)
        return Edition(text, list(notebook.cells), dict(notebook.metadata.get("study", {})))
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"is no notebook ({error}); restore it, or delete it and run `make build`") from None


def stored_outputs(chapter, editions):
    """Outputs in both languages as `execute` gives them, or None if an edition lacks some or they were changed."""
    if any(edition is None or edition.touched_outputs() for edition in editions.values()):
        return None
    outputs = {}
    for lang in LANGUAGES:
        cells = editions[lang].code()
        if any(cell.key not in cells for cell in chapter.code()):
            return None
        outputs[lang] = {cell.key: clean(cells[cell.key].outputs) for cell in chapter.code()}
    return outputs
