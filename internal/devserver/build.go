package devserver

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// buildFlags are the same where the packages are listed as where they are built: by
// them the list tells which the cache has.
var buildFlags = []string{"-mod=readonly", "-buildvcs=false", "-ldflags=-s -w"}

// build compiles the CLI to the path, and tells how it goes.
func (p pinned) build(ctx context.Context, path string, log io.Writer) error {
	fmt.Fprintf(log, "正在构建 Temporal 开发服务器 %[1]s，只需一次。 Building the Temporal dev server %[1]s, only once.\n", p.version)
	began := time.Now()
	if err := p.listAndBuild(ctx, path, newBuildView(log)); err != nil {
		return fmt.Errorf("构建 Temporal 开发服务器失败，请检查网络和 GOPROXY，或把 temporal 放到 PATH 中。 "+
			"Building the Temporal dev server failed: check the network and GOPROXY, or put temporal on PATH: %w", err)
	}
	fmt.Fprintf(log, "Temporal 开发服务器已构建，用时 %[1]s。 Built the Temporal dev server in %[1]s.\n", time.Since(began).Round(time.Second))
	return nil
}

func (p pinned) listAndBuild(ctx context.Context, path string, view *buildView) error {
	defer view.end()
	var list bytes.Buffer
	args := slices.Concat([]string{"list"}, buildFlags, []string{"-deps", "-f", listFormat, cliPackage})
	if err := p.runGo(ctx, args, &list, new(downloads), view); err != nil {
		return err
	}
	packages, err := readPackages(&list, fileSize)
	if err != nil {
		return err
	}
	args = slices.Concat([]string{"build", "-v"}, buildFlags, []string{"-o", path, cliPackage})
	return p.runGo(ctx, args, io.Discard, newCompilation(packages), view)
}

// runGo runs a go command in the folder of tools/go.mod and shows its progress. What
// else it writes to stderr is in the error.
func (p pinned) runGo(ctx context.Context, args []string, stdout io.Writer, progress progress, view *buildView) error {
	lines := make(chan string)
	stderr := &lineWriter{line: func(line string) { lines <- line }}
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = p.folder
	command.Env = append(os.Environ(), "GOWORK=off")
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = stopTimeout
	command.Stdout, command.Stderr = stdout, stderr
	ended := make(chan error, 1)
	go func() { ended <- command.Run() }()

	var words strings.Builder
	read := func(line string) {
		if !progress.read(line, time.Now()) {
			fmt.Fprintln(&words, line)
		}
	}
	ticker := time.NewTicker(view.interval)
	defer ticker.Stop()
	for {
		select {
		case line := <-lines:
			read(line)
		case <-ticker.C:
			view.show(progress.show(time.Now()))
		case err := <-ended:
			read(string(stderr.rest))
			if err != nil {
				return fmt.Errorf("%w: %s", err, strings.TrimSpace(words.String()))
			}
			return nil
		}
	}
}

// lineWriter hands over each line as soon as it is whole.
type lineWriter struct {
	line func(string)
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, whole := bytes.Cut(w.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		w.line(string(line))
		w.rest = rest
	}
}

// buildView shows how far a build is: on a terminal as a bar, elsewhere as a line now
// and then.
type buildView struct {
	log      io.Writer
	bar      *progressbar.ProgressBar // nil elsewhere
	interval time.Duration
}

func newBuildView(log io.Writer) *buildView {
	if file, ok := log.(*os.File); !ok || !term.IsTerminal(int(file.Fd())) {
		return &buildView{log: log, interval: 10 * time.Second}
	}
	return &buildView{interval: time.Second / 2, bar: progressbar.NewOptions(1000,
		progressbar.OptionSetWriter(log),
		progressbar.OptionSetWidth(20),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(true),
	)}
}

func (v *buildView) show(done float64, text string) {
	if v.bar == nil {
		fmt.Fprintf(v.log, "%s (%.0f%%)\n", text, 100*done)
		return
	}
	v.bar.Describe(text)
	_ = v.bar.Set(int(1000 * done))
}

func (v *buildView) end() {
	if v.bar != nil {
		_ = v.bar.Exit()
		_ = v.bar.Clear()
	}
}
