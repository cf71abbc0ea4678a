"""Questions and exercises of the chapters."""
