# Node 24 comes with the packages; only Node 20 or newer, npm and make must be there before.
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help dev test test-long build images bench docs format cluster cluster-images cluster-down clean

installed := node_modules/.package-lock.json
run := PATH="$(CURDIR)/node_modules/.bin:$$PATH"; export PATH; exec node

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

dev: $(installed) ## Install, build, start the gateway here and show that it works. Ctrl-C stops it.
	@$(run) scripts/dev.ts

test: $(installed) ## Check everything: format, lint, types, unused code, house rules, tests, leaks; on Linux, as root, on a real Kubernetes too.
	@$(run) scripts/check.ts

test-long: build ## Check promises that take minutes to see.
	@$(run) node_modules/vitest/vitest.mjs run --config vitest.long.config.ts

build: $(installed) ## Build the programs and the client's package into dist/.
	@$(run) scripts/build.ts
	@$(run) packages/client/build.ts

images: ## Build the container images paddock/sandbox and paddock/gateway.
	@docker/build-image.sh sandbox
	@docker/build-image.sh gateway

bench: $(installed) ## Measure against baselines: make bench ARGS="--only exec --runs 100".
	@$(run) bench/run.ts $(ARGS)

docs: $(installed) ## Write the generated pages: docs/api.md, errors.md, configuration.md.
	@$(run) scripts/docs.ts

format: $(installed) ## Put all files into the house format and apply safe fixes.
	@PATH="$(CURDIR)/node_modules/.bin:$$PATH" biome check --write .

cluster: $(installed) ## Start a real Kubernetes of one node here (root; builds it the first time: about ten minutes).
	@$(run) test/cluster/main.ts up

cluster-images: $(installed) ## Build both images and put them where that cluster pulls from.
	@$(run) test/cluster/main.ts images

cluster-down: $(installed) ## End it and remove all that it has left.
	@$(run) test/cluster/main.ts down

clean: ## Remove what make made: dist and node_modules.
	@rm -rf dist node_modules

$(installed): package-lock.json
	@sh scripts/install.sh
