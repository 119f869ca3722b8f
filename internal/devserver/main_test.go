package devserver

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// parentVariable makes the test binary a parent that starts a server, prints
// where it is, and waits to be killed.
const parentVariable = "DEVSERVER_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parentVariable) != "" {
		server, err := Start(context.Background(), Options{})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(server.Address)
		<-server.Done()
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
