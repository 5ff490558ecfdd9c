# Assembly Lime. `make help` lists what there is; README.md says what a machine needs.

.DEFAULT_GOAL := help
.PHONY: help up dev demo test test-long check bench sqlx servers agents web sandbox clean

# Queries were checked against a database when .sqlx was made; no build needs one.
export SQLX_OFFLINE := true
# Set from outside where artifacts shall lie elsewhere; every script honours it.
target := $(or $(CARGO_TARGET_DIR),target)
# One set of artifacts for everything: the same packages and the same profile for `up`, `test` and `bench`.
cargo_build := cargo build --workspace --bins
# .env is a copy of .env.example; variables that are set already win.
dotenv := if [ -f .env ]; then before=$$(export -p); set -a; . ./.env; set +a; eval "$$before"; fi;

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 20

up: servers web sandbox ## Build and start everything on a private home, ./.lime; prints a sign-in link
	$(cargo_build)
	@$(dotenv) exec $(target)/debug/lime up $(ARGS)

demo: servers web sandbox agents ## The whole line without any key, on a sample repository: a script plays the model
	$(cargo_build)
	@exec scripts/demo $(ARGS)

dev: servers sandbox web ## The same with live reload of the web app, and of the rest when its sources change
	@$(dotenv) scripts/dev $(ARGS)

test: ## Install what the tests need, run all of them, print the runners' counts
	@scripts/test

test-long: ## The same with the full counts of the long runs
	@LIME_TEST_LONG=1 scripts/test

check: web ## Formatting and lints, Rust and web
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cd web && npm run check

bench: servers web ## Measure what we claim: a table, and JSON lines; ARGS=--strict fails on a missed target
	@scripts/bench $(ARGS)

sqlx: servers ## Check the queries against a database again and write .sqlx
	@scripts/sqlx-prepare

servers: ## Fetch PostgreSQL (14 MB) and NATS (7 MB), unless the machine has them
	@scripts/fetch-servers --if-needed

agents: ## Fetch the agent programs (160 MB)
	@scripts/install-agents

web: ## Build the web app, when its sources have changed
	@scripts/build-web

sandbox: ## Install bubblewrap, which agents run in, where this user may
	@scripts/install-packages --optional bwrap:bubblewrap

clean: ## Remove what was built; data in ./.lime stays
	cargo clean
	rm -rf web/dist web/node_modules
