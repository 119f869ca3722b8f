# Short names for the commands of the documents; each works without make too.

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## the whole sync, simulated, on a real Temporal server
	go run ./starter demo

.PHONY: worker
worker: ## the worker, with the settings of the environment
	go run ./worker

.PHONY: quick
quick: ## the tests that need no server and no process, in under a minute
	go test -short ./...

.PHONY: test
test: ## the tests, on a real Temporal server
	go test ./...

.PHONY: test-long
test-long: ## these and the long ones: chaos at length, a soak, upgrades, the image
	REFUNDSYNC_TESTS=long go test -v -timeout 60m ./e2e

.PHONY: release
release: ## archives for all systems in dist/, with checksums; VERSION=v1.2.3 names them, else git does
	go -C tools/release run . -version "$(VERSION)"

.PHONY: bundle
bundle: ## an archive with all images, for a server without internet; VERSION=v1.2.3, as for a release
	deploy/bundle.sh "$(or $(VERSION),$(shell git describe --tags --always))"

.PHONY: e2e-postgres
e2e-postgres: ## the end-to-end tests, the long ones too, on docker-compose.yml's server and a PostgreSQL of this machine
	REFUNDSYNC_TESTS=long REFUNDSYNC_E2E_SERVER=postgres go test ./e2e -count=1 -v -timeout 60m

.PHONY: bench
bench: ## how fast the sync is on this machine, as tables of docs/performance.md
	go run ./bench

.PHONY: check-alerts
check-alerts: ## the alert rules, with Prometheus' promtool
	promtool check rules deploy/prometheus/alerts.yaml
	promtool test rules deploy/prometheus/alerts_test.yaml

.PHONY: check-deploy
check-deploy: ## the Kubernetes manifests and the dashboards, by the schemas and types of what reads them
	go -C tools/deploy test -count=1 ./...

.PHONY: vulnerabilities
vulnerabilities: ## known vulnerabilities that the code reaches, by a pinned database
	.ci/vulnerabilities

.PHONY: fuzz
fuzz: ## each fuzz target, one after the other: TIME=10m
	.ci/fuzz "$(or $(TIME),10m)"

.PHONY: check
check: ## all that CI checks: formatting, linters, tests, the long ones with the race detector
	.ci/run
