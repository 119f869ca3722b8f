package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"refundsync/internal/text"
)

// The exit codes of every command.
const (
	exitDone         = 0
	exitFailed       = 1
	exitUsage        = 2
	exitWithFailures = 3
	exitBehind       = 4
	exitDiffers      = 5
	// exitInterrupted is what a shell gives for a process that Ctrl-C ended.
	exitInterrupted = 130
)

// exitMeanings say what the exit codes mean, in the order of the codes.
var exitMeanings = []struct {
	code    int
	meaning text.Text
}{
	{exitDone, text.New("done, everything in order")},
	{exitFailed, text.New("failed; the message says why and what to do")},
	{exitUsage, text.New("wrong usage")},
	{exitWithFailures, text.New("done, with orders parked or failed; of a preview: with orders that would be parked, or are not there")},
	{exitBehind, text.New("a flow lags by more than its checks.lag_limit")},
	{exitDiffers, text.New("the two systems differ")},
	{exitInterrupted, text.New("interrupted (Ctrl-C) while waiting")},
}

// exitsAnnotation holds the exit codes that a command has beside those of every command.
const exitsAnnotation = "exits"

// alsoExits says which exit codes a command has beside 0, 1 and 2, for its help.
func alsoExits(cmd *cobra.Command, codes ...int) {
	names := make([]string, len(codes))
	for i, code := range codes {
		names[i] = strconv.Itoa(code)
	}
	cmd.Annotations = map[string]string{exitsAnnotation: strings.Join(names, " ")}
}

// setUpHelp makes help and usage errors speak the language of the program.
func setUpHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().BoolP("help", "h", false, text.Sprintf("show this help"))
	root.Flags().BoolP("version", "v", false, text.Sprintf("show the version"))
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		fmt.Fprint(cmd.OutOrStdout(), helpOf(cmd, terminalColumns(cmd.OutOrStdout())))
	})
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError(cmd, flagError(err)) })
	refuseWrongArguments(root)
}

// refuseWrongArguments makes wrong arguments a usage error, of this command and those below
// it.
func refuseWrongArguments(cmd *cobra.Command) {
	takes := cmd.Args
	if takes == nil {
		takes = cobra.NoArgs
	}
	if cmd.Name() == "help" {
		cmd.Short, cmd.Long = text.Sprintf("show the help of a command"), ""
		takes = cobra.ArbitraryArgs
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		switch {
		case takes(cmd, args) == nil:
			return nil
		case cmd.HasSubCommands():
			return usageError(cmd, text.Errorf("there is no command %q", cmd.CommandPath()+" "+args[0]))
		}
		return usageError(cmd, text.Errorf("%d arguments, but the usage is: %s", len(args), usageLine(cmd)))
	}
	for _, child := range cmd.Commands() {
		refuseWrongArguments(child)
	}
}

// requireFlags makes a missing flag a usage error.
func requireFlags(cmd *cobra.Command, names ...string) {
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		var missing []string
		for _, name := range names {
			if !cmd.Flags().Changed(name) {
				missing = append(missing, "--"+name)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		return usageError(cmd, missingFlags(missing...))
	}
}

func missingFlags(flags ...string) error {
	return text.Errorf("missing: %s", strings.Join(flags, ", "))
}

func usageError(cmd *cobra.Command, err error) error {
	return &exitError{code: exitUsage, err: text.Errorf("%w\nSee: %s --help", err, cmd.CommandPath())}
}

// flagError translates the errors of the flag library, which are English alone.
func flagError(err error) error {
	var unknown *pflag.NotExistError
	var incomplete *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		return text.Errorf("there is no flag %s", dashed(unknown.GetSpecifiedName()))
	case errors.As(err, &incomplete):
		return text.Errorf("%s needs a value", dashed(incomplete.GetSpecifiedName()))
	case errors.As(err, &invalid):
		return text.Errorf("--%s %q: %w", invalid.GetFlag().Name, invalid.GetValue(), invalid.Unwrap())
	}
	return err
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// helpOf is the help of a command, in so many columns; 0 for any width.
func helpOf(cmd *cobra.Command, columns int) string {
	var b strings.Builder
	b.WriteString(wrap(cmp.Or(cmd.Long, cmd.Short), columns) + "\n")
	section := func(title, body string) {
		if body != "" {
			b.WriteString("\n" + title + "\n" + strings.TrimRight(body, "\n") + "\n")
		}
	}
	section(text.Sprintf("Usage:"), wrap("  "+usageLine(cmd), columns))
	var commands [][2]string
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() || child.Name() == "help" {
			commands = append(commands, [2]string{child.Name(), child.Short})
		}
	}
	section(text.Sprintf("Commands:"), described(commands, columns))
	section(text.Sprintf("Examples:"), cmd.Example)
	section(text.Sprintf("Flags:"), described(flagsOf(cmd.LocalFlags()), columns))
	section(text.Sprintf("Flags of every command:"), described(flagsOf(cmd.InheritedFlags()), columns))
	section(text.Sprintf("Exit codes:"), described(exitsOf(cmd), columns))
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\n" + wrap(text.Sprintf("More about a command: %s COMMAND --help", cmd.CommandPath()), columns) + "\n")
	}
	return b.String()
}

func usageLine(cmd *cobra.Command) string {
	if cmd.HasAvailableSubCommands() {
		return text.Sprintf("%s COMMAND [flags]", cmd.CommandPath())
	}
	return text.Sprintf("%s [flags]", strings.TrimSuffix(cmd.UseLine(), " [flags]"))
}

// flagsOf lists flags with what they are for.
func flagsOf(flags *pflag.FlagSet) (list [][2]string) {
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden {
			return
		}
		placeholder, usage := pflag.UnquoteUsage(flag)
		name := "    --" + flag.Name
		if flag.Shorthand != "" {
			name = "-" + flag.Shorthand + ", --" + flag.Name
		}
		name = strings.TrimRight(name+" "+placeholder, " ")
		if !slices.Contains([]string{"", "0", "0s", "false", "[]"}, flag.DefValue) {
			usage = text.Sprintf("%s (default %s)", usage, flag.DefValue)
		}
		list = append(list, [2]string{name, usage})
	})
	return list
}

// exitsOf lists the exit codes of a command; those of the root are all. One that only has
// commands has none of its own.
func exitsOf(cmd *cobra.Command) (list [][2]string) {
	if cmd.HasSubCommands() && cmd.HasParent() {
		return nil
	}
	also := strings.Fields(cmd.Annotations[exitsAnnotation])
	for _, exit := range exitMeanings {
		code := strconv.Itoa(exit.code)
		if !cmd.HasParent() || exit.code <= exitUsage || slices.Contains(also, code) {
			list = append(list, [2]string{code, exit.meaning.String()})
		}
	}
	return list
}

// described sets what each name means beside it, or below where there is no room.
func described(list [][2]string, columns int) string {
	const widest = 26 // names that are longer have a line of their own
	beside := 0
	for _, entry := range list {
		if width := widths.StringWidth(entry[0]); width <= widest {
			beside = max(beside, width)
		}
	}
	indent := strings.Repeat(" ", 2+beside+2)
	var b strings.Builder
	for _, entry := range list {
		lines := wrap(indent+entry[1], columns)
		if width := widths.StringWidth(entry[0]); width <= beside {
			b.WriteString("  " + entry[0] + strings.Repeat(" ", beside-width+2) + strings.TrimPrefix(lines, indent) + "\n")
		} else {
			b.WriteString("  " + entry[0] + "\n" + lines + "\n")
		}
	}
	return b.String()
}
