// Package version gives the version of the program.
package version

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is the version of a binary that can't get it from Go, because git's data
// weren't available for the build, such as in an image. It is set by
//
//	go build -ldflags "-X refundsync/internal/version.release=v1.2.3"
var release string

// Unknown is the version of a binary without a version, such as a test's.
const Unknown = "devel"

// Version gives the release, such as v1.2.3. For a binary between two releases it gives
// the version from Go, which has the time and the hash of the commit, and +dirty if
// there were uncommitted changes.
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

// userAgent is computed once: every request needs it.
var userAgent = "refundsync/" + Version()

// UserAgent gives the User-Agent of requests, such as refundsync/v1.2.3.
func UserAgent() string { return userAgent }

// Long gives the version with the Go version and the platform of the build.
func Long() string {
	return fmt.Sprintf("%s (%s %s/%s)", Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
