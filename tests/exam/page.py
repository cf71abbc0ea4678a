"""Reading a quiz's HTML back: a tree of elements, as a browser would see it with or without what a sanitizer drops."""

from html.parser import HTMLParser

VOID = {"img", "br"}


class Element:
    """One element: its tag, attributes, children and text."""

    def __init__(self, tag, attributes=()):
        self.tag, self.attributes, self.content = tag, dict(attributes), []

    def all(self, tag):
        """All elements below with this tag, in the order of the page."""
        children = [child for child in self.content if isinstance(child, Element)]
        return [found for child in children for found in ([child] if child.tag == tag else []) + child.all(tag)]

    def text(self, without=()):
        """The text below, without that of some tags."""
        parts = [one if isinstance(one, str) else one.text(without) for one in self.content]
        return "" if self.tag in without else "".join(parts)


class Page(HTMLParser):
    """Parses strictly: every element is closed, in order."""

    def __init__(self, html):
        super().__init__()
        self.root = Element("page")
        self._open = [self.root]
        self.feed(html)
        self.close()
        assert self._open == [self.root], [element.tag for element in self._open]

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in <{tag}>"
        element = Element(tag, attrs)
        self._open[-1].content.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag):
        assert self._open.pop().tag == tag

    def handle_data(self, data):
        self._open[-1].content.append(data)


def read(html):
    return Page(html).root
