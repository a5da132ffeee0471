# Thin names over go commands. `make help` lists them.

# Without cgo everything is static, and `go build`, `go run` and `go test` share
# one build cache. The race detector needs cgo, so tests use it where there is a
# C compiler.
export CGO_ENABLED = 0

# A program with the race detector in it waits a second before it ends, unless it is
# told not to. Tests start hundreds: plugins, and tidelock itself.
export GORACE = atexit_sleep_ms=0

kubernetes = v1.37.2
version    = $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
golangci   = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
gotestsum  = gotest.tools/gotestsum@v1.13.0

# Clients parse the version that a control plane reports, so it must have one.
component  = k8s.io/component-base/version
devcluster_ldflags = -s -w -X $(component).gitVersion=$(kubernetes) \
	-X $(component).gitMajor=1 -X $(component).gitMinor=37

# Programs that serve one plugin each. tidelock runs those whose build it knows.
companions = cmp directory helm kustomize

race = $(shell command -v $$(go env CC) >/dev/null 2>&1 && echo yes)

.PHONY: help argocd build test test-all test-stories test-beside tools fuzz demo bench image lint bin/tidelock $(companions:%=bin/tidelock-%) bin/tidelock-external-secrets bin/devcluster bin/devvault bin/devargocd

help: ## List what there is.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: bin/devcluster bin/tidelock bin/tidelock-external-secrets ## Build the programs into bin/. Minutes the first time.

bin/tidelock: $(companions:%=bin/tidelock-%)
	builds=$$(for p in $(companions); do printf '%s=%s,' $$p $$(go tool buildid bin/tidelock-$$p); done) && \
	go build -ldflags "-s -w -X main.companions=$$builds" -o $@ ./cmd/tidelock

$(companions:%=bin/tidelock-%): bin/tidelock-%:
	go build -ldflags '-s -w' -o $@ ./cmd/tidelock-$*

bin/tidelock-external-secrets:
	go build -C plugins/external -ldflags '-s -w' -o $(CURDIR)/$@ .

bin/devcluster:
	go build -C cmd/devcluster -ldflags '$(devcluster_ldflags)' -o $(CURDIR)/$@ .

bin/devvault:
	go build -C cmd/devvault -ldflags '-s -w' -o $(CURDIR)/$@ .

bin/devargocd:
	go build -C cmd/devargocd -ldflags '-s -w -X github.com/argoproj/argo-cd/v3/common.version=$(patsubst v%,%,$(shell cd cmd/devargocd && go list -m -f '{{.Version}}' github.com/argoproj/argo-cd/v3))' -o $(CURDIR)/$@ .

# Beside a real Argo CD, and in its place. It is no part of test, for to compile it takes
# many minutes.
argocd: build tools bin/devargocd ## Test beside a real Argo CD. Many minutes the first time.
	TIDELOCK_TEST_ARGOCD=$(CURDIR)/bin/devargocd go test ./cmd/tidelock -run 'TestArgoCD$$' -parallel 1 -timeout 30m -count=1 -v

# What tests compare with and the Vault that they ask: built before, so that it
# takes no time from those that wait for a cluster.
tools: bin/devvault
	go test -count=1 ./cmd/testenv -run 'TestTools$$' -timeout 30m

# The control plane and the providers are other people's code, tested here
# without the race detector, which would mean to compile them once more. So are
# the many seeds of the simulation: a few of them run with it.
SEEDS ?= 10000
REPLICATED ?= 25
# Tests of how much memory plugins may take skip themselves under the race detector.
# Without it they have plugins served by the programs that are installed; so do those
# of the sandbox and of what comes of a tree.
limited = Bombs|Memory|Hostile|Rogue|Kernel|Programs|Sandbox|Weak|Limits
confined = Suite|Golden|Confined
# With RERUN=FILE a test that fails is run once more by itself, and FILE names it:
# stories run whole clusters, on machines of which nobody knows who else is there.
tests = go test $2 -timeout 30m $1
ifdef RERUN
tests = go run $(gotestsum) --format standard-quiet --hide-summary=skipped --packages $1 --rerun-fails=1 --rerun-fails-max-failures=6 \
	--rerun-fails-abort-on-data-race --rerun-fails-report=$(RERUN).$@ -- $2 -timeout 30m
endif
# Three lines of tests run side by side, for each waits for much of its time. What they
# start is built before.
test: ## Build, then run all tests, with the race detector if there is a C compiler.
	$(MAKE) --no-print-directory -j 2 build tools
	status=0; TIDELOCK_TEST_BUILT=yes $(MAKE) --no-print-directory -j 3 test-all $(if $(race),test-stories) test-beside || status=$$?; \
	$(if $(RERUN),cat $(RERUN).test-* >>$(RERUN) 2>/dev/null; rm -f $(RERUN).test-*;) exit $$status

test-all:
	CGO_ENABLED=$(if $(race),1,0) $(call tests,./...,$(if $(race),-race))

# Stories of processes on real clusters, which have no race detector in them whoever
# looks on, and all of what test-all runs a sample of.
test-stories:
	$(call tests,./cmd/tidelock)

test-beside:
	go test ./agent/simtest -run 'Seeds$$' -seeds $(SEEDS) -replicas $(REPLICATED) -timeout 30m
	TIDELOCK_TEST_COMPANIONS=$(CURDIR)/bin go test ./plugins/pluginstest ./plugins/directory ./plugins/helm ./plugins/kustomize ./render -run '$(limited)|$(confined)'
	CGO_ENABLED=$(if $(race),1,0) go test -C plugins/sdk $(if $(race),-race) ./...
	go test -C plugins/external ./...
	go test -C examples/plugin-go ./...
	go test -C examples/monitoring ./...
	go test -C cmd/devcluster ./...
	go test -C cmd/devvault ./...

# A target needs no registration: whatever `go test -list` shows is run, in each
# package that has any, in the module that it is of.
FUZZTIME ?= 20s
fuzz: ## Run every fuzz target of every module, FUZZTIME=20s each.
	@for file in $$(grep -rl --include='*_test.go' '^func Fuzz' .); do dirname $$file; done | sort -u | while read -r package; do \
		targets=$$(go test -C $$package -list '^Fuzz' .) || { echo "$$targets"; exit 1; }; \
		for target in $$(echo "$$targets" | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			go test -C $$package -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) . || exit 1; \
		done; \
	done

# Not by go run, which fails when Ctrl-C ends what it runs.
demo: ## Run the main job and show it. KEEP=1 leaves it running at the end.
	go build -o bin/demo ./examples/infra-gitops/demo
	bin/demo $(if $(KEEP),-keep) $(ARGS)

bench: ## Measure the agent with 100 services. ARGS='--services 10' and so on.
	go run ./cmd/bench $(ARGS)

image: ## Build the container image.
	docker build --build-arg VERSION=$(version) -t tidelock:$(version) .

lint: ## Run golangci-lint over every module.
	for module in . plugins/sdk plugins/external examples/plugin-go examples/monitoring cmd/devcluster cmd/devvault cmd/devargocd; do \
		(cd $$module && go run $(golangci) run --config $(CURDIR)/.golangci.yaml ./...) || exit 1; \
	done
