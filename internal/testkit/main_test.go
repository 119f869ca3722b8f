package testkit

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
)

// childVariable makes the test binary play the child that it names.
const childVariable = "TESTKIT_TEST_CHILD"

var shared = Temporal{SearchAttributes: map[string]enumspb.IndexedValueType{"Shop": enumspb.INDEXED_VALUE_TYPE_KEYWORD}}

func TestMain(m *testing.M) {
	if what := os.Getenv(childVariable); what != "" {
		os.Exit(child(what))
	}
	os.Exit(shared.Run(m))
}

// child plays a child. Only "ends" exits by itself.
func child(what string) (code int) {
	asked := make(chan os.Signal, 1)
	if what == "tidy" {
		signal.Notify(asked, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	}
	fmt.Println("said")
	fmt.Fprintln(os.Stderr, "complained")
	if what == "ends" {
		return 7
	}
	select {
	case <-asked:
		fmt.Println("tidied")
	case <-time.After(time.Hour):
	}
	return 0
}
