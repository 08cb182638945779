.DEFAULT_GOAL := help
SHELL := /bin/bash

GO            ?= go
GOFUMPT       := mvdan.cc/gofumpt@v0.12.0
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
SPECTRAL      := @stoplight/spectral-cli@6.16.3
REDOCLY       := @redocly/cli@2.77.0
FUZZTIME      ?= 10s

.PHONY: help build run test bench generate verify lint lint-spec fuzz

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

build: ## Build bin/barong
	$(GO) build -trimpath -o bin/barong .

run: build ## Serve on 127.0.0.1:8080 with everything it needs, in data/
	bin/barong serve

test: ## Run all tests; they find or start a Postgres themselves
	@report=$$(mktemp); BARONG_TEST_REPORT=$$report $(GO) test $(TESTFLAGS) ./...; status=$$?; \
	cat $$report; rm -f $$report; exit $$status

bench: build ## Measure against the fastest server that could be; BENCHFLAGS=-help
	$(GO) build -trimpath -o bin/bench ./tests/bench
	bin/bench $(BENCHFLAGS)

generate: ## Make generated/ from openapi.yaml
	$(GO) generate -tags generate ./...

verify: ## Fail when generated code or go.mod is not what the sources make
	$(GO) mod tidy -diff
	$(GO) mod verify
	$(MAKE) --no-print-directory generate
	@status=$$(git status --porcelain -- generated go.mod go.sum); \
	if [ -n "$$status" ]; then echo "not up to date, run make generate and commit:"; echo "$$status"; git --no-pager diff -- generated | head -40; exit 1; fi

lint: ## Format, vet, golangci-lint
	@unformatted=$$($(GO) run $(GOFUMPT) -l $$(git ls-files '*.go' | grep -v '\.gen\.go$$')); \
	if [ -n "$$unformatted" ]; then echo "gofumpt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(GOLANGCI_LINT) run ./...

lint-spec: ## Lint openapi.yaml with Spectral and Redocly (Node 20)
	npx --yes --package $(SPECTRAL) -- spectral lint --fail-severity hint openapi.yaml
	REDOCLY_TELEMETRY=off npx --yes --package $(REDOCLY) -- redocly lint --max-problems 100 openapi.yaml

fuzz: ## Fuzz each target for FUZZTIME (10s)
	@set -e; for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
	    echo "$$package $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package; \
	  done; \
	done
