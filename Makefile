.DEFAULT_GOAL := help
SHELL := /bin/bash

GO            ?= go
GOFUMPT       := mvdan.cc/gofumpt@v0.12.0
GOTESTSUM     := gotest.tools/gotestsum@v1.13.0
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
SPECTRAL      := @stoplight/spectral-cli@6.16.3
REDOCLY       := @redocly/cli@2.77.0
OASDIFF       := github.com/oasdiff/oasdiff@v1.11.8
SCALAR        := @scalar/api-reference@1.72.1
SCALAR_SHA256 := bf091006bdc3af6067af77c2f534812e3e633e94a94e87138069f570f33b762c
GORELEASER    := github.com/goreleaser/goreleaser/v2@v2.14.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.9.0
FUZZTIME      ?= 10s
FAULTS        ?= 3
IMAGE         ?= barong:dev
PLATFORM      ?= linux/$(shell $(GO) env GOARCH)

# The modules of this repository: the server; what tests it, with modules that a server does not need; the
# server with the drivers of clouds; the Go client.
MODULES := . tests cloud clients/go

# in_modules runs a command in the folder of each module.
in_modules = set -e; for module in $(MODULES); do (cd $$module && $(1)) || exit 1; done

# go test says nothing of what passed; the tests' own words are kept for the end, and
# the number of those that were left to make test-all.
reported = report=$$(mktemp); export BARONG_TEST_REPORT=$$report; $(1); status=$$?; grep -v '^left ' $$report; \
	left=$$(grep -c '^left ' $$report); [ $$left = 0 ] || echo "$$left long tests are left to make test-all"; rm -f $$report; exit $$status

# tested runs go test, or a runner of it, in the modules that have tests, to the end where one fails.
tested = (failed=0; for module in clients/go . tests; do (cd $$module && $(1) ./...) || failed=1; done; exit $$failed)

# A static binary, which runs on any system of its kind, and in an empty container.
BUILD := CGO_ENABLED=0 $(GO) build -buildvcs=auto -trimpath -ldflags '-s -w'

.PHONY: help build build-cloud run test test-all test-faults test-upgrade test-docs bench soak generate scalar clients test-clients test-generators verify lint lint-spec compat fuzz fuzz-code fuzz-server image test-image release-dry lint-deploy vulnerabilities

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

build: ## Build bin/barong
	$(BUILD) -o bin/barong .

build-cloud: ## Build bin/barong as a release has it: with the drivers of S3, Google Cloud, Azure, AWS KMS and Vault
	cd cloud && $(BUILD) -o ../bin/barong .

run: build ## Serve on 127.0.0.1:8080 with everything it needs, in data/
	bin/barong serve

test: ## Run the tests, but for the long ones; they find or start a Postgres themselves
	@echo 'The tests are built first, which takes some minutes on a machine that has built nothing yet. Then each is a dot.'
	@$(call reported,$(call tested,$(GO) run $(GOTESTSUM) --format dots --hide-summary skipped -- -short $(TESTFLAGS)))

# One package at a time: a load that breaks things leaves no processor for tests beside it.
test-all: ## Run all tests, with those that break, kill and fill things up
	@$(call reported,$(call tested,$(GO) test -p 1 $(TESTFLAGS)))

# Strangers' load runs once, in test-all: it breaks nothing that could come back otherwise.
test-faults: ## Break databases, processes and disks under load, FAULTS times in a row
	$(GO) test -C tests -count=$(FAULTS) -timeout 90m -v -skip 'Strangers|StolenToken' ./faults

test-upgrade: build ## Test whether an earlier version works on this one's schema (PREVIOUS=tag or commit)
	$(GO) build -C tests -o ../bin/upgrade ./upgrade
	bin/upgrade -previous "$(PREVIOUS)" -then "$(THEN)" $(UPGRADEFLAGS)

test-docs: ## Test the page /docs in Chromium or Chrome, without a window, with axe from npm (Node 20)
	$(GO) test -C tests -tags browser -count=1 -timeout 15m -v -run '^TestBrowser' .

bench: build ## Measure against the fastest server that could be; BENCHFLAGS=-help
	$(GO) build -C tests -trimpath -o ../bin/bench ./bench
	bin/bench $(BENCHFLAGS)

soak: build ## Load a server steadily for 20 minutes and see whether it grows; SOAKFLAGS=-help
	$(GO) build -C tests -trimpath -o ../bin/bench ./bench
	bin/bench soak $(SOAKFLAGS)

generate: ## Make generated/ and clients/go/api from openapi.yaml
	$(GO) generate -tags generate ./...

clients: ## Make the clients of other languages from openapi.yaml (clients/)
	@set -e; for suite in clients/*/Makefile; do $(MAKE) --no-print-directory -C $$(dirname $$suite) install generate; done

test-clients: ## Test them against a real server, directly and through Prism (Node 20)
	$(GO) test -C tests -tags clients -count=1 -timeout 20m -v -run '^TestClientsOfOtherLanguages$$|ThroughPrism$$|InJavaScript$$' .

test-generators: ## Test what generators of other projects make of the served documents (Node 20, Java, Ruby)
	$(GO) test -C tests -tags generators -count=1 -timeout 20m -v -run '^TestClientsOfForeignGenerators$$' .

scalar: ## Fetch what draws the page /docs, internal/apidocs/scalar.js.*, from npm again (Node 20)
	@set -e; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	npm pack --silent --pack-destination "$$dir" $(SCALAR) >/dev/null; \
	tar -xzf "$$dir"/*.tgz -C "$$dir" package/dist/browser/standalone.js; \
	echo "$(SCALAR_SHA256)  $$dir/package/dist/browser/standalone.js" | sha256sum --check --quiet; \
	gzip -9 -n -c "$$dir/package/dist/browser/standalone.js" > internal/apidocs/scalar.js.gz; \
	node -e 'const z = require("zlib"); process.stdout.write(z.brotliCompressSync(require("fs").readFileSync(process.argv[1]), {params: {[z.constants.BROTLI_PARAM_LGWIN]: 24}}))' \
	  "$$dir/package/dist/browser/standalone.js" > internal/apidocs/scalar.js.br

# go mod verify compares the modules in the cache with their hashes. A module that is replaced by a folder is not in
# the cache; it is skipped, unless its path has no dot: then it is reported, without a hash to compare.
verify_modules = wrong=$$($(GO) mod verify 2>&1 | grep -v -e '^go: downloading ' -e '^all modules verified$$' -e '^barong[a-z/]* v0\.0\.0[-0-9]*: missing ziphash: '); \
	[ -z "$$wrong" ] || { echo "$$wrong"; exit 1; }

verify: ## Fail when generated code or go.mod is not what the sources make
	@$(call in_modules,$(GO) mod tidy -diff)
	@$(call in_modules,$(verify_modules))
	$(MAKE) --no-print-directory generate
	@status=$$(git status --porcelain -- generated clients/go cloud tests go.mod go.sum); \
	if [ -n "$$status" ]; then echo "not up to date, run make generate and commit:"; echo "$$status"; git --no-pager diff -- generated clients/go | head -40; exit 1; fi

lint: ## Format, vet, golangci-lint
	@unformatted=$$($(GO) run $(GOFUMPT) -l $$(git ls-files '*.go' | grep -v '\.gen\.go$$')); \
	if [ -n "$$unformatted" ]; then echo "gofumpt would change:"; echo "$$unformatted"; exit 1; fi
	@$(call in_modules,$(GO) vet ./...)
	@$(call in_modules,$(GO) run $(GOLANGCI_LINT) run --allow-parallel-runners ./...)

lint-spec: ## Lint openapi.yaml with Spectral and Redocly (Node 20)
	npx --yes --package $(SPECTRAL) -- spectral lint --fail-severity hint openapi.yaml
	REDOCLY_TELEMETRY=off npx --yes --package $(REDOCLY) -- redocly lint --max-problems 100 openapi.yaml

# The specification that clients have: that of the last release; without one, where the
# branch left main; on main itself, the version before openapi.yaml last changed.
compat: ## Fail when openapi.yaml breaks clients and docs/breaking-changes.md does not list it (BASE=revision)
	@set -e; base="$(BASE)"; spec=openapi.yaml; \
	[ -n "$$base" ] || base=$$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null || true); \
	[ -n "$$base" ] || base=$$(git merge-base HEAD origin/main 2>/dev/null || true); \
	if [ -z "$(BASE)" ] && [ "$$base" = "$$(git rev-parse HEAD)" ] || [ -z "$$base" ]; then \
	  if git diff --quiet HEAD -- $$spec; then base=$$(git rev-list -1 --first-parent HEAD -- $$spec)^; else base=HEAD; fi; \
	fi; \
	old=$$(mktemp); trap 'rm -f "$$old"' EXIT; \
	git show "$$base:$$spec" > "$$old" || { echo "The history has no other $$spec to compare with: nothing was compared. A shallow clone needs git fetch --unshallow, or BASE."; exit 0; }; \
	$(GO) run $(OASDIFF) breaking --fail-on ERR --err-ignore docs/breaking-changes.md "$$old" $$spec; \
	echo "$$spec breaks nothing since $$(git rev-parse --short "$$base") that docs/breaking-changes.md does not list."

image: ## Build the container image IMAGE (barong:dev) with the machine's Go
	cd cloud && GOOS=linux GOARCH=$(notdir $(PLATFORM)) $(BUILD) -o ../bin/image/$(PLATFORM)/barong .
	docker build --file deploy/Dockerfile --build-arg TARGETPLATFORM=$(PLATFORM) --tag $(IMAGE) bin/image

test-image: image ## Run the README's steps against the container, as it is deployed
	BARONG_TEST_IMAGE=$(IMAGE) $(GO) test -C tests -tags image -count=1 -timeout 20m -v ./image

release-dry: ## Build into dist/ what a release publishes, try it, and publish nothing
	$(GO) run $(GORELEASER) release --snapshot --clean --skip publish,announce,docker
	deploy/release-images dist
	deploy/verify-release dist

lint-deploy: ## Lint the Helm chart, the compose file and the release recipe
	deploy/lint

vulnerabilities: ## Look for known vulnerabilities that the code can reach
	@$(call in_modules,$(GO) run $(GOVULNCHECK) ./...)

fuzz: fuzz-code fuzz-server ## Both of the next two, FUZZTIME (10s) for each target

fuzz_module = for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
	    echo "$$package $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
	  done; \
	done

fuzz-code: ## Fuzz what reads other people's bytes
	@$(call in_modules,$(fuzz_module))

fuzz-server: ## Make requests of openapi.yaml to the server, right ones and wrong ones
	@$(call reported,$(GO) test -C tests -count=1 -timeout 0 -run '^TestServerKeepsItsSpecification$$' . -property $(FUZZTIME))
