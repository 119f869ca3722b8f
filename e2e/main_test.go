// Package e2e tests the sync against a real Temporal server, with both outside systems
// over HTTP. The outcome of each order is compared with what its generator says. Workers
// run inside the tests, each with its own namespace, and are processes only if the
// process is what is tested.
//
// `go test -short` skips all of it. REFUNDSYNC_TESTS=long adds what takes minutes: long
// chaos tests, a soak test, upgrades, the image.
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
	if err := saveCPU(); err != nil {
		panic(err)
	}
	code := shared.Run(m)
	_ = os.RemoveAll(binFolder)
	os.Exit(code)
}

// atOnce is how many tests run at a time, unless -parallel says otherwise: they mostly
// wait, for timeouts and retries.
const atOnce = 12

func setAtOnce() error {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if said {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(atOnce))
}

// saveCPU has the Temporal servers collect garbage less often: it would be a seventh of
// their time, and memory is not what the tests lack. Workers set theirs themselves.
func saveCPU() error {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	return os.Setenv("GOGC", "400")
}
