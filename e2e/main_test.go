// Package e2e tests the programs as they are run: worker and starter as
// processes of their own, a real Temporal server, and both outside systems over
// HTTP. What becomes of each order is compared with what its generator says.
package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// bin is the folder of the programs under test.
var bin string

func TestMain(m *testing.M) {
	code, err := testMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func testMain(m *testing.M) (code int, err error) {
	if err := errors.Join(checkServerVariable(), setAtOnce()); err != nil {
		return 0, err
	}
	if bin, err = os.MkdirTemp("", "refundsync-e2e"); err != nil {
		return 0, err
	}
	defer os.RemoveAll(bin)
	build := exec.Command("go", "build", "-o", bin+string(filepath.Separator), "./starter", "./worker", "./simulator")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("building the programs: %w\n%s", err, out)
	}
	if onPostgres() {
		if err := buildForPostgres(context.Background(), bin, os.Stderr); err != nil {
			return 0, err
		}
	}
	return m.Run(), nil
}

// atOnce is how many tests run at a time, unless -parallel says otherwise: most of
// their time is waiting, for time-outs of servers and for simulated latencies.
const atOnce = 4

func setAtOnce() error {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if said {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(atOnce))
}
