"""What the exercises of a chapter are checked against: one module a subject, one dict of `exam.check` arguments each.

They stand here and not in the notebook, where the reference would be the first thing a reader sees below the blank.
"""
