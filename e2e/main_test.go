// Package e2e tests the sync against a real Temporal server, with both outside
// systems over HTTP. What becomes of each order is compared with what its generator
// says. Workers run inside the tests, each with a namespace of its own, and are
// processes only where a process is what is tested.
//
// `go test -short` leaves all of it out. REFUNDSYNC_TESTS=long adds what takes
// minutes: chaos at length, a soak, upgrades, the image.
package e2e

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	code := shared.Run(m)
	_ = os.RemoveAll(binFolder)
	os.Exit(code)
}
