package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"refundsync/internal/literal"
	"refundsync/internal/text"
)

const (
	// toolPatience is how long a tool waits for its command. Most clients give a call up
	// after a minute.
	toolPatience = 45 * time.Second
	// answerKept is how long an answer that came after that is kept for the same question.
	answerKept = 10 * time.Minute
)

// runReadOnly runs a command within this process.
func runReadOnly(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(""))
	root.SetOut(stdout)
	root.SetErr(stderr)
	return root.ExecuteContext(ctx)
}

// toolRunner answers tools by commands. A command that takes long goes on after its call,
// and the same call joins it.
type toolRunner struct {
	ctx context.Context // of the commands
	log io.Writer
	run func(ctx context.Context, args []string, stdout, stderr io.Writer) error

	mutex   sync.Mutex
	running map[string]*commandRun
	// turns let one command of a kind run at a time, as each
	// counts its calls to the vendors for itself.
	turns map[string]chan struct{}
}

func newToolRunner(ctx context.Context, log io.Writer, run func(ctx context.Context, args []string, stdout, stderr io.Writer) error) *toolRunner {
	return &toolRunner{ctx: ctx, log: log, run: run, running: map[string]*commandRun{}, turns: map[string]chan struct{}{}}
}

// commandRun is a command under way, or that has ended.
type commandRun struct {
	done chan struct{}
	said lastLines
	// The rest is set once it is done.
	ended  time.Time
	stdout bytes.Buffer
	err    error
}

// answer runs a command, or joins the same one under way.
func (r *toolRunner) answer(ctx context.Context, args []string) (toolAnswer, error) {
	key := strings.Join(args, "\x00")
	run := r.join(key, args)
	late := time.NewTimer(toolPatience)
	defer late.Stop()
	select {
	case <-ctx.Done():
		return toolAnswer{}, ctx.Err()
	case <-late.C:
		return toolAnswer{Command: shellLine(args), Notes: append(run.said.all(), text.Sprintf("It is still running. Call the tool with the same arguments for the answer."))}, nil
	case <-run.done:
	}
	r.mutex.Lock()
	if r.running[key] == run {
		delete(r.running, key)
	}
	r.mutex.Unlock()
	return newToolAnswer(args, run)
}

// join gives the run of a command that is under way, or whose answer nobody has taken yet,
// or else begins one.
func (r *toolRunner) join(key string, args []string) *commandRun {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for other, run := range r.running {
		if !run.ended.IsZero() && time.Since(run.ended) > answerKept {
			delete(r.running, other)
		}
	}
	if run, ok := r.running[key]; ok {
		return run
	}
	run := &commandRun{done: make(chan struct{})}
	r.running[key] = run
	turn, ok := r.turns[args[0]]
	if !ok {
		turn = make(chan struct{}, 1)
		r.turns[args[0]] = turn
	}
	go func() {
		turn <- struct{}{}
		defer func() { <-turn }()
		run.err = r.run(r.ctx, args, &literal.Writer{To: &run.stdout}, &literal.Writer{To: io.MultiWriter(r.log, &run.said)})
		r.mutex.Lock()
		run.ended = time.Now()
		r.mutex.Unlock()
		close(run.done)
	}()
	return run
}

// toolAnswer is the structured answer of a tool.
type toolAnswer struct {
	// Command gives a person the whole answer.
	Command string `json:"command"`
	// Answer is what the command prints; null while it runs.
	Answer json.RawMessage `json:"answer"`
	// LeftOff are the lists and texts of the answer that were cut.
	LeftOff []leftOff `json:"left_off,omitempty"`
	// Notes are in the language of the program.
	Notes []string `json:"notes,omitempty"`
}

// newToolAnswer is the answer of a command that has ended. A command may print its answer
// and fail, as status does if a flow lags; without an answer, the tool fails as well.
func newToolAnswer(args []string, run *commandRun) (toolAnswer, error) {
	answer := toolAnswer{Command: shellLine(args), Notes: run.said.all()}
	if run.err != nil && run.err.Error() != "" {
		answer.Notes = append(answer.Notes, literal.Terminal(run.err.Error()))
	}
	if run.err != nil && !json.Valid(run.stdout.Bytes()) {
		return answer, errors.New(strings.Join(answer.Notes, "\n"))
	}
	var err error
	if answer.Answer, answer.LeftOff, err = shorten(run.stdout.Bytes()); err != nil {
		return answer, err
	}
	if len(answer.LeftOff) > 0 {
		answer.Notes = append(answer.Notes, text.Sprintf("The answer was too long; left_off names the lists and texts that were cut. Ask for less, or run the command for all of it."))
	}
	return answer, nil
}

// result has the answer as text, for clients that show assistants no structured content:
// the command and the notes, then the JSON.
func (a toolAnswer) result() *mcp.CallToolResult {
	lines := append([]string{a.Command}, a.Notes...)
	for _, left := range a.LeftOff {
		lines = append(lines, left.String())
	}
	result := &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: strings.Join(lines, "\n")}}}
	if a.Answer != nil {
		result.Content = append(result.Content, &mcp.TextContent{Text: string(a.Answer)})
	}
	return result
}

var plainArgument = regexp.MustCompile(`^[\w./:@=+-]+$`)

// shellLine is a command as it is typed into a shell.
func shellLine(args []string) string {
	line := "starter"
	for _, arg := range args {
		if !plainArgument.MatchString(arg) {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		line += " " + arg
	}
	return line
}

// linesKept bounds the messages of a command that go with its answer.
const linesKept = 5

// lastLines keeps the last messages that were written. It is safe for concurrent use.
type lastLines struct {
	mutex sync.Mutex
	lines []string
}

func (l *lastLines) Write(written []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for line := range strings.Lines(string(written)) {
		if line = strings.TrimSpace(line); line != "" {
			l.lines = append(l.lines, line)
		}
	}
	l.lines = slices.Clone(l.lines[max(0, len(l.lines)-linesKept):])
	return len(written), nil
}

func (l *lastLines) all() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return slices.Clone(l.lines)
}
