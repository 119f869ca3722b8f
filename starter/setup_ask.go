package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"refundsync/internal/text"
)

// asker asks a person, or reads the answers of a pipe, a line each.
type asker struct {
	in *bufio.Reader
	// terminal is nil if answers come from a pipe or a file.
	terminal *os.File
	out      io.Writer
	// ended: there are no more answers. told: how to answer has been said.
	ended, told bool
}

func newAsker(in io.Reader, out io.Writer) *asker {
	a := &asker{in: bufio.NewReader(in), out: out}
	if file, ok := in.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		a.terminal = file
	}
	return a
}

// ask asks a question, and gives the answer without white space around it: "" for an empty
// one and at the end of the input. enter is what the prompt says of Enter; "" if an answer is
// needed. A secret is not shown while it is typed. The error is ctx's, or one of reading.
func (a *asker) ask(ctx context.Context, question, enter string, secret bool) (string, error) {
	if !a.told {
		say(a.out, text.Sprintf("Enter takes the [value] in the prompt, or does what the prompt says. What is (hidden) does not show while you type."))
		a.told = true
	}
	say(a.out, "\n"+question)
	fmt.Fprint(a.out, strings.TrimLeft(enter+" > ", " "))
	if a.ended {
		fmt.Fprintln(a.out)
		return "", nil
	}
	read := a.readLine
	// What was pasted ahead is in the buffer.
	if secret && a.terminal != nil && a.in.Buffered() == 0 {
		before, err := term.GetState(int(a.terminal.Fd()))
		if err != nil {
			return "", err
		}
		defer func() { _ = term.Restore(int(a.terminal.Fd()), before) }()
		read = func() (string, error) {
			typed, err := term.ReadPassword(int(a.terminal.Fd()))
			fmt.Fprintln(a.out)
			return string(typed), err
		}
	}
	type result struct {
		line string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		line, err := read()
		done <- result{line, err}
	}()
	select {
	case <-ctx.Done(): // Ctrl-C; the read ends with the process
		fmt.Fprintln(a.out)
		return "", ctx.Err()
	case r := <-done:
		if errors.Is(r.err, io.EOF) {
			a.ended, r.err = true, nil
		}
		if a.terminal == nil {
			fmt.Fprintln(a.out) // nobody has typed a line break
		}
		return strings.TrimSpace(r.line), r.err
	}
}

func (a *asker) readLine() (string, error) { return a.in.ReadString('\n') }

func isYes(answer string) bool {
	switch strings.ToLower(answer) {
	case "y", "yes", "是":
		return true
	}
	return false
}

// noAnswer is the failure of a question that nobody is there to answer.
func noAnswer(what string) error {
	return text.Errorf("there is no answer for %s; give it and run starter setup again: it goes on where it stopped", what)
}
