# Two commands are all a reader needs:  make study   and   make test
# The rest is for those who write chapters; `make` alone lists everything.

# The first of these that exists makes the environment; name another with PYTHON=…
PYTHON  ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
             command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,13))' \
             2>/dev/null && echo $$p && exit; done; echo python3)
# Japanese where the system speaks Japanese; otherwise English.
EDITION ?= $(if $(filter ja%,$(LC_ALL)$(LANG)),ja,en)
UNPINNED ?=
VENV    := .venv$(if $(UNPINNED),-unpinned)
RUN     := $(VENV)/bin/python
JOBS    ?= 2
MAKE_ENVIRONMENT = $(PYTHON) tools/environment.py --venv $(VENV) $(if $(UNPINNED),--unpinned)

.PHONY: help study test build check adopt bench test-colab constraints repository reader developer

help:            ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 16

study: reader    ## open the notebooks in JupyterLab   [EDITION=en|ja]
	@test -f notebooks/$(EDITION)/00_start_here.ipynb || \
	  { echo "There is no edition '$(EDITION)'. Use: make study EDITION=en   or   make study EDITION=ja"; exit 1; }
	@$(RUN) -m jupyterlab --LabApp.default_url=/lab/tree/notebooks/$(EDITION)/00_start_here.ipynb $(LAB)

test: developer  ## everything: lint, imports, notebooks, unit tests, question bank; one verdict   [STEPS="…"]
	@$(RUN) tools/run_tests.py $(if $(UNPINNED),--unpinned) $(STEPS)

build: developer ## rebuild the notebooks whose source has changed   [CHAPTERS="…"]
	@$(RUN) tools/build.py $(CHAPTERS) -j $(JOBS)

check: developer ## are the notebooks what their sources give?
	@$(RUN) tools/build.py --check

adopt: developer ## take edits made in Jupyter back into the source   FILE=notebooks/ja/NN_name.ipynb
	@$(RUN) tools/build.py --adopt "$(FILE)"

bench: developer ## one table of speed ratios against named peers
	@$(RUN) -m benchmarks

test-colab: developer ## run every chapter with Colab's versions (needs a Python 3.13)
	@$(RUN) tools/test_colab.py

repository: developer ## set the repository's address everywhere   URL=… [BRANCH=main]
	@$(RUN) tools/build.py --repository "$(URL)" $(if $(BRANCH),--branch $(BRANCH))

constraints:     ## choose the newest versions again (needs uv), then: make build && make test
	@grep "^#" constraints.txt > .constraints.new
	@uv pip compile requirements-dev.txt --universal --python-version 3.11 --fork-strategy fewest --upgrade \
	  --no-annotate --no-header --quiet >> .constraints.new && mv .constraints.new constraints.txt

reader:
	@$(MAKE_ENVIRONMENT) reader

developer:
	@$(MAKE_ENVIRONMENT) developer
