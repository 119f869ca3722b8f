// Package e2e tests the sync against a real Temporal server, with both outside
// systems over HTTP. What becomes of each order is compared with what its generator
// says. Workers run inside the tests, each with a namespace of its own, and are
// processes only where a process is what is tested.
//
// `go test -short` leaves all of it out. REFUNDSYNC_TESTS=long adds what takes
// minutes: chaos at length, a soak, upgrades, the image.
package e2e

import (
	"flag"
	"os"
	"strconv"
	"testing"
)

func TestMain(m *testing.M) {
	if err := setAtOnce(); err != nil {
		panic(err)
	}
	code := shared.Run(m)
	_ = os.RemoveAll(binFolder)
	os.Exit(code)
}

// atOnce is how many tests run at a time, unless -parallel says otherwise: most of
// their time is waiting, for time-outs and for retries.
const atOnce = 8

func setAtOnce() error {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if said {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(atOnce))
}
