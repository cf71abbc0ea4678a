"""The tools that make and test the project; nothing here is imported by a chapter."""

import sys

# The notebook libraries load a grammar of internationalized addresses for a check that no notebook needs: more than
# half of the time a `--check` takes. Marked as absent, it is passed over.
sys.modules.setdefault("rfc3987_syntax", None)
