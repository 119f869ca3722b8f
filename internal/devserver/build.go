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

	"refundsync/internal/text"
)

// buildFlags are the same for go list as for go build: which packages are cached
// depends on them.
var buildFlags = []string{"-mod=readonly", "-buildvcs=false", "-ldflags=-s -w"}

// build compiles the CLI to the path and reports progress to log.
func (p pinned) build(ctx context.Context, path string, log io.Writer) error {
	text.Fprintf(log, "Building the Temporal dev server %s, once.\n", p.version)
	began := time.Now()
	if err := p.listAndBuild(ctx, path, newBuildView(log)); err != nil {
		return text.Errorf("can't build the Temporal dev server; check the network and GOPROXY, or put temporal on PATH: %w", err)
	}
	text.Fprintf(log, "Built the Temporal dev server in %s.\n", time.Since(began).Round(time.Second))
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

// runGo runs a go command in the folder of tools/go.mod and shows its progress. The
// error quotes the rest of stderr.
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

// lineWriter passes each line on once it is complete.
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

// buildView shows the progress of a build: a bar on a terminal, elsewhere a line per
// interval.
type buildView struct {
	log      io.Writer
	bar      *progressbar.ProgressBar // nil unless log is a terminal
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

func (v *buildView) show(done float64, step string) {
	if v.bar == nil {
		fmt.Fprintf(v.log, "%s (%.0f%%)\n", step, 100*done)
		return
	}
	v.bar.Describe(step)
	_ = v.bar.Set(int(1000 * done))
}

func (v *buildView) end() {
	if v.bar != nil {
		_ = v.bar.Exit()
		_ = v.bar.Clear()
	}
}
