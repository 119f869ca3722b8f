// Command release builds a release's downloads into dist/: for each system an archive
// with the programs, the flows, the documents and a software bill of materials of each
// program, and SHA256SUMS of the archives. The same commit gives the same bytes on any
// machine.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// platforms are the platforms of a release.
var platforms = []platform{
	{"linux", "amd64"}, {"linux", "arm64"},
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"},
}

// programs are the main packages; documents are the other files of an archive.
var (
	programs  = []string{"worker", "starter", "simulator"}
	documents = []string{"LICENSE", "README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "flows", "deploy", "docker-compose.yml", ".env.example"}
)

type platform struct{ os, arch string }

// fileName gives the file name of a program on the platform.
func (p platform) fileName(program string) string {
	if p.os == "windows" {
		return program + ".exe"
	}
	return program
}

func main() {
	version := flag.String("version", "", "such as v1.2.3; by default the tag of the commit or, if it has none, its time and hash")
	flag.Parse()
	if err := run(*version); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(version string) error {
	root, err := git(".", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	r, err := newRelease(root, version)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(r.dist); err != nil {
		return err
	}
	if err := os.MkdirAll(r.dist, 0o755); err != nil {
		return err
	}
	var archives []string
	for _, p := range platforms {
		archive, err := r.build(p)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", p.os, p.arch, err)
		}
		fmt.Println(archive)
		archives = append(archives, archive)
	}
	return writeSums(filepath.Join(r.dist, "SHA256SUMS"), archives)
}

// release is one version of the project.
type release struct {
	root, dist string
	version    string
	// toolchain is the Go of go.mod, whichever runs this.
	toolchain string
	// time is that of the commit and of every file in the archives.
	time time.Time
}

// versionForm is a semantic version with a leading v, as for Go modules.
var versionForm = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

// toolchainLine is the toolchain line of a go.mod.
var toolchainLine = regexp.MustCompile(`(?m)^toolchain (\S+)$`)

func newRelease(root, version string) (*release, error) {
	changed, err := git(root, "status", "--porcelain")
	if err != nil {
		return nil, err
	}
	if changed != "" {
		return nil, errors.New("the checkout has uncommitted changes; commit or stash them:\n" + changed)
	}
	committed, err := git(root, "log", "-1", "--format=%cI %H")
	if err != nil {
		return nil, err
	}
	when, hash, _ := strings.Cut(committed, " ")
	at, err := time.Parse(time.RFC3339, when)
	if err != nil {
		return nil, err
	}
	at = at.UTC()
	// It fails if the commit has no tag.
	tag, _ := git(root, "describe", "--tags", "--exact-match")
	// The last is Go's pseudo-version for a repository without tags.
	version = cmp.Or(version, tag, "v0.0.0-"+at.Format("20060102150405")+"-"+hash[:12])
	if !versionForm.MatchString(version) {
		return nil, fmt.Errorf("%q is not a version such as v1.2.3", version)
	}
	module, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	toolchain := toolchainLine.FindSubmatch(module)
	if toolchain == nil {
		return nil, errors.New("go.mod has no toolchain line")
	}
	return &release{root: root, dist: filepath.Join(root, "dist"), version: version, toolchain: string(toolchain[1]), time: at}, nil
}

// build makes the archive of a platform and gives its path.
func (r *release) build(p platform) (string, error) {
	name := fmt.Sprintf("refundsync_%s_%s_%s", r.version, p.os, p.arch)
	folder, err := os.MkdirTemp("", name)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	for _, program := range programs {
		if err := r.buildProgram(p, program, folder); err != nil {
			return "", err
		}
	}
	for _, document := range documents {
		if err := copyInto(folder, r.root, document); err != nil {
			return "", err
		}
	}
	if p.os == "windows" {
		archive := filepath.Join(r.dist, name+".zip")
		return archive, writeZip(archive, folder, name, r.time)
	}
	archive := filepath.Join(r.dist, name+".tar.gz")
	return archive, writeTarGz(archive, folder, name, r.time)
}

// buildProgram builds a program and its bill of materials into the folder. The bill
// comes from the binary, so it lists exactly what is in it.
func (r *release) buildProgram(p platform, program, folder string) error {
	binary := filepath.Join(folder, p.fileName(program))
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid= -X refundsync/internal/version.release="+r.version, "-o", binary, "./"+program)
	build.Dir = r.root
	build.Env = append(os.Environ(), "GOTOOLCHAIN="+r.toolchain, "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch, "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=")
	if err := execute(build); err != nil {
		return err
	}
	bill := exec.Command("go", "tool", "cyclonedx-gomod", "bin", "-json", "-std", "-noserial", "-notimestamp",
		"-version", r.version, "-output", filepath.Join(folder, "sbom", program+".cdx.json"), binary)
	bill.Dir = filepath.Join(r.root, "tools", "release")
	if err := os.MkdirAll(filepath.Join(folder, "sbom"), 0o755); err != nil {
		return err
	}
	return execute(bill)
}

// git gives the output of git.
func git(folder string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = folder
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// execute runs a command; the error quotes its output.
func execute(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}
