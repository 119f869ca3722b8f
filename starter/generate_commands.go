package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"refundsync/internal/text"
)

// commandsDocument is docs/commands.md in the language in use: what --help says of each
// command, on one page.
func commandsDocument() []byte {
	root := newRootCommand()
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!-- Written by go generate ./starter from the commands. Change them there. -->\n# %s\n\n%s\n\n", text.Sprintf("Commands"), paragraphs(root.Short))
	fmt.Fprintf(&b, "%s\n\n| %s |\n|---|---|\n", text.Sprintf("`starter COMMAND --help` says the same of each command."), text.Sprintf("command | what it is for"))
	each(root, func(cmd *cobra.Command) {
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", cmd.CommandPath(), strings.ReplaceAll(cmd.CommandPath(), " ", "-"), cell(cmd.Short))
	})
	fmt.Fprintf(&b, "\n| %s |\n|---|---|\n", text.Sprintf("exit code | meaning"))
	for _, exit := range exitsOf(root) {
		fmt.Fprintf(&b, "| %s | %s |\n", exit[0], cell(exit[1]))
	}
	each(root, func(cmd *cobra.Command) { writeCommand(&b, cmd) })
	return b.Bytes()
}

// each calls do with every command that does something and is not hidden, in the order of
// --help.
func each(parent *cobra.Command, do func(*cobra.Command)) {
	for _, cmd := range parent.Commands() {
		switch {
		case !cmd.IsAvailableCommand():
		case cmd.HasAvailableSubCommands():
			each(cmd, do)
		default:
			do(cmd)
		}
	}
}

func writeCommand(w io.Writer, cmd *cobra.Command) {
	fmt.Fprintf(w, "\n## %s\n\n%s\n\n```sh\n%s\n```\n", cmd.CommandPath(), paragraphs(cmp.Or(cmd.Long, cmd.Short)), usageLine(cmd))
	var rows strings.Builder
	cmd.NonInheritedFlags().VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden || flag.Name == "help" {
			return
		}
		kind, meaning := pflag.UnquoteUsage(flag)
		if flag.Value.Type() == "bool" {
			kind = ""
		}
		name := strings.TrimSpace("--" + flag.Name + " " + kind)
		if flag.Shorthand != "" {
			name = "-" + flag.Shorthand + ", " + name
		}
		otherwise := ""
		if !slices.Contains([]string{"", "[]", "false", "0", "0s"}, flag.DefValue) {
			otherwise = "`" + flag.DefValue + "`"
		}
		fmt.Fprintf(&rows, "| `%s` | %s | %s |\n", strings.ReplaceAll(name, "|", `\|`), cell(meaning), otherwise)
	})
	if rows.Len() > 0 {
		fmt.Fprintf(w, "\n| %s |\n|---|---|---|\n%s", text.Sprintf("flag | meaning | default"), rows.String())
	}
	if cmd.HasExample() {
		fmt.Fprintf(w, "\n```sh\n%s\n```\n", unindented(cmd.Example))
	}
	var codes []string
	for _, exit := range exitsOf(cmd) {
		codes = append(codes, exit[0])
	}
	fmt.Fprintf(w, "\n%s\n", text.Sprintf("Exit codes: %s", strings.Join(codes, ", ")))
}

var markdown = strings.NewReplacer("<", `\<`, "*", `\*`, "_", `\_`, "|", `\|`)

// cell is a text within a table.
func cell(text string) string { return markdown.Replace(strings.ReplaceAll(text, "\n", " ")) }

// paragraphs makes a paragraph of each line; indented ones stay as they are.
func paragraphs(text string) string {
	var b strings.Builder
	code := false
	for line := range strings.Lines(strings.TrimSpace(text)) {
		line = strings.TrimRight(line, "\n")
		indented := strings.HasPrefix(line, "  ")
		if indented != code {
			b.WriteString("```\n")
			if !indented {
				b.WriteString("\n")
			}
			code = indented
		}
		switch {
		case indented:
			b.WriteString(line + "\n")
		case line != "":
			b.WriteString(markdown.Replace(line) + "\n\n")
		}
	}
	if code {
		b.WriteString("```\n")
	}
	return strings.TrimSpace(b.String())
}

// unindented takes from each line the blanks that --help indents examples by.
func unindented(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimPrefix(strings.TrimRight(line, "\n"), "  "))
	}
	return strings.Join(lines, "\n")
}
