// Package version tells which version of the program runs.
package version

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is the version of a binary that does not get it from Go: one built
// where git's data are not at hand, such as in an image. It is set by
//
//	go build -ldflags "-X refundsync/internal/version.release=v1.2.3"
var release string

// Unknown is the version of a binary that nobody told its version: one of a test
// or of `go run`.
const Unknown = "devel"

// Version is the release, such as v1.2.3. A binary between two releases has the
// version that Go gives it, which holds the time and the hash of its commit, and
// +dirty if it was built with changes that are in no commit.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return versionOf(release, info.Main.Version)
}

func versionOf(release, module string) string {
	if module == "(devel)" {
		module = ""
	}
	return cmp.Or(release, module, Unknown)
}

// userAgent is made once: every request asks for it.
var userAgent = "refundsync/" + Version()

// UserAgent names the program to the systems that it calls, such as
// refundsync/v1.2.3.
func UserAgent() string { return userAgent }

// Long is the version and what it was built by and for.
func Long() string {
	return fmt.Sprintf("%s (%s %s/%s)", Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
