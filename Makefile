# What a person types. `make help` lists it.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
PYTHON ?= python3
PORT ?= 8000
export PORT
BIN := .venv/bin
SERVICES := $(BIN)/python -m incentives_site.services
INSTALL := $(PYTHON) incentives_site/services/install.py
LOCK := $(BIN)/uv pip compile --quiet --generate-hashes --python-version 3.11 --no-emit-index-url

.PHONY: attack-browser-key attack-random help setup setup-demo setup-dev demo demo-reset run stop test test-deep test-python mutants lint format fire fire-services fire-proxy bench bench-engine bench-refusals bench-codes bench-redeem bench-profiles bench-surveys screenshots lock sbom audit

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: setup-dev  ## make .venv with everything needed to run and develop

setup-demo:
	@$(INSTALL) demo

setup-dev:
	@$(INSTALL) dev

demo: setup-demo  ## run the product with demo data on http://127.0.0.1:$PORT (8000); Ctrl-C stops it
	@exec $(SERVICES) run --with-parent

demo-reset: setup-demo  ## the same, after deleting the data
	@exec $(SERVICES) run --with-parent --reset

run: setup-dev  ## a developer's server that reloads, with debug pages; tasks run at once
	@DEBUG=1 DEMO=1 TASKS_EAGER=1 exec $(SERVICES) with -- sh -c \
		'$(BIN)/python manage.py migrate -v 0 && exec $(BIN)/python manage.py runserver "$${HOST:-127.0.0.1}:$$PORT"'

stop: setup-demo  ## stop a demo and the services wherever they were started
	@$(SERVICES) stop

test: setup-dev  ## everything that must be green: lint, types, contracts, migrations, all tests with a browser
	@$(INSTALL) browser
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test-python

# In the order pytest-django chose: tests that empty the tables come last, or others would miss what migrations put there.
test-python: setup-dev
	$(BIN)/pytest -n 2 --dist loadgroup --no-loadscope-reorder

lint: setup-dev  ## ruff, djlint, import contracts, types, missing migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/lint-imports
	DEMO=1 $(BIN)/mypy
	$(SERVICES) with --throw-away -- $(BIN)/python manage.py makemigrations --check --dry-run

format: setup-dev  ## let ruff put the code in order
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

fire: setup-dev  ## 5,000 redemptions while everything is killed in turn; FIRE=... sends more or fewer
	FIRE=$${FIRE:-5000} $(BIN)/pytest incentives_site/tests/test_fire.py

attack-browser-key: setup-demo  ## attack a demonstration that runs, with the key in its pages; VAR_DIR=... names another
	$(BIN)/python -m incentives_site.tests.attack.browser_key

fire-services: setup-dev  ## Valkey killed and hung 20 times, PostgreSQL stopped, the disk full: everything answers again
	SERVICE_ROUNDS=$${SERVICE_ROUNDS:-20} $(BIN)/pytest incentives_site/tests/fire/servers_away.py incentives_site/tests/fire/demonstration.py incentives_site/tests/fire/full_disk.py

fire-proxy: setup-dev  ## 1,000 slow clients before the documented nginx and Caddy (docs/limits.md)
	$(BIN)/python -m benchmarks.proxy

bench: setup-dev  ## the measurements of benchmarks/, as ratios to a plain yardstick
	$(SERVICES) with --throw-away -- $(BIN)/python -m benchmarks

bench-engine: setup-dev  ## the stacking engine against other engines and a plain view (docs/benchmarks.md)
	$(SERVICES) with --throw-away -- $(BIN)/python -m benchmarks.engine

bench-codes: setup-dev  ## a million codes made and stored against plain COPY (docs/benchmarks.md)
	$(SERVICES) with --throw-away -- $(BIN)/python -m benchmarks.codes

bench-redeem: setup-dev  ## redemptions against what PostgreSQL does with the same statements (docs/benchmarks.md)
	$(BIN)/python -m benchmarks.redeem

bench-profiles: setup-dev  ## events a second, segments, look-ups (docs/benchmarks.md)
	$(BIN)/python -m benchmarks.profiles

bench-surveys: setup-dev  ## results of a large wave, answers a second (docs/benchmarks.md)
	$(BIN)/python -m benchmarks.surveys

bench-refusals: setup-dev  ## how soon hostile input is refused (docs/benchmarks.md)
	$(SERVICES) with --throw-away -- $(BIN)/python -m benchmarks.refusals

test-deep: setup-dev  ## the promises of the stacking rule on 10,000 examples each
	EXAMPLES=10000 $(BIN)/pytest -n 2 campaigns/tests/rules

attack-random: setup-dev  ## 10,000 random batches of events with a public key: what holders of links see stays as it is
	EXAMPLES=$${EXAMPLES:-10000} $(BIN)/pytest incentives_site/tests/test_public_keys.py

mutants: setup-dev  ## change the rules line by line and see whether a test notices (docs/mutants.md); MUTANTS="campaigns.rules.walking*"
	test -x .venv-mutants/bin/mutmut || { $(PYTHON) -m venv .venv-mutants && .venv-mutants/bin/pip install --quiet mutmut==3.8.1; }
	echo "$$PWD/.venv/lib/$$(ls .venv/lib)/site-packages" > .venv-mutants/lib/$$(ls .venv-mutants/lib)/site-packages/project.pth
	EXAMPLES=30 RULES_PROFILE=mutants DEMO=1 .venv-mutants/bin/mutmut run $(MUTANTS)

screenshots: setup-dev  ## take the pictures of docs/img from the demo that runs on VAR_DIR
	$(BIN)/python -m docs.screenshots

lock: setup-dev  ## write the lock files anew after a change in requirements*.in
	$(LOCK) -o requirements.txt requirements.in
	$(LOCK) --no-emit-package pandas --no-emit-package numpy --no-emit-package python-dateutil --no-emit-package six \
		-o requirements-demo.txt requirements-demo.in
	$(LOCK) --no-emit-package pandas -o requirements-dev.txt requirements-dev.in
	$(LOCK) -o requirements-uv.txt requirements-uv.in
	$(LOCK) -o requirements-audit.txt requirements-audit.in

.venv-audit/bin/pip-audit: requirements-audit.txt
	$(PYTHON) -m venv --clear .venv-audit
	.venv-audit/bin/pip install --quiet --require-hashes --no-deps -r requirements-audit.txt
	touch $@

sbom: .venv-audit/bin/pip-audit  ## what the image is made of, as CycloneDX, in var/sbom.json; checked against the lock file
	mkdir -p var
	.venv-audit/bin/cyclonedx-py requirements --output-format JSON --output-file var/sbom.json requirements.txt
	$(PYTHON) incentives_site/services/sbom.py requirements.txt var/sbom.json

audit: .venv-audit/bin/pip-audit  ## ask an advisory service about every locked package; needs the network
	for lock in requirements requirements-demo requirements-dev requirements-uv requirements-audit; do \
		.venv-audit/bin/pip-audit --strict --disable-pip --no-deps --require-hashes --progress-spinner off -r $$lock.txt || exit 1; done
