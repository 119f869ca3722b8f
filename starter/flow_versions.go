package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/booking"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/kingdee"
	"refundsync/internal/syncworker"
	"refundsync/internal/text"
	"refundsync/internal/visibility"
)

func newFlowVersionsCommand() *cobra.Command {
	var flowName string
	var o output
	cmd := &cobra.Command{
		Use:   "versions",
		Short: text.Sprintf("List the versions of the flows that workers have had"),
		Long:  text.Sprintf("Lists the versions of the flows that workers have had, with the times of their first and last use; the latter is at most a day behind. The server keeps their files, so they can be shown and compared for as long as bills may be asked about."),
		Example: `  starter flow versions
  starter flow versions --flow refund_to_return -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return readTemporal(cmd, func(c client.Client) error {
				versions, err := visibility.FlowVersions(cmd.Context(), c, flowName)
				if err != nil {
					return err
				}
				if o == outputJSON {
					return writeJSON(cmd.OutOrStdout(), versions)
				}
				if len(versions) == 0 {
					say(cmd.ErrOrStderr(), text.Sprintf("No version is kept yet: a worker keeps its own when it starts."))
					return nil
				}
				t := newTable(cmd.OutOrStdout())
				t.AppendHeader(table.Row{text.New("flow"), text.New("version"), text.New("first used"), text.New("last used"), text.New("by program version")})
				t.mayDrop(5)
				for _, v := range versions {
					t.AppendRow(table.Row{v.Flow, v.Version, v.First.Format(time.DateTime), v.Last.Format(time.DateTime), v.LastProgram})
				}
				t.Render()
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&flowName, "flow", "", text.Sprintf("only this flow"))
	addOutputFlag(cmd, &o)
	return cmd
}

// keptVersion is what `-o json` prints of a version.
type keptVersion struct {
	visibility.FlowVersion
	// Bill and Mark are those that it was asked for by.
	Bill  string      `json:"bill,omitempty"`
	Mark  string      `json:"mark,omitempty"`
	Files []flow.File `json:"files"`
}

func newFlowShowCommand() *cobra.Command {
	var flowName, version, bill, out string
	var o output
	cmd := &cobra.Command{
		Use:   "show",
		Short: text.Sprintf("Show a flow file and its tables as they were in a version"),
		Long: text.Sprintf("Shows a flow file and its tables as they were in a version, and when that was used. " +
			"The version is given by the 6 digits in a bill's mark or by all 12 (see starter flow versions), or by the number of a bill, whose mark is then read from Kingdee.\n" +
			"With --out, the files are written to a new folder."),
		Example: `  starter flow show --version 4be012
  starter flow show --bill 700000346
  starter flow show --version 4be012 --out data/flows-of-march`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (version == "") == (bill == "") {
				return usageError(cmd, text.Errorf("give --version or --bill"))
			}
			shown := keptVersion{Bill: bill}
			if bill != "" {
				if err := oneCompany(cmd); err != nil {
					return err
				}
				mark, err := markOfBill(cmd.Context(), bill)
				if err != nil {
					return err
				}
				version, shown.Mark = mark.Version, mark.String()
				if mark.Tables != "" {
					say(cmd.ErrOrStderr(), text.Sprintf("The bill also has codes from tables in Kingdee, which are not part of the files."))
				}
			}
			err := readTemporal(cmd, func(c client.Client) (err error) {
				shown.FlowVersion, shown.Files, err = readVersion(cmd, c, flowName, version)
				return err
			})
			switch {
			case err != nil:
				return err
			case out != "":
				return writeFiles(cmd.ErrOrStderr(), out, shown.Files)
			case o == outputJSON:
				return writeJSON(cmd.OutOrStdout(), shown)
			}
			shown.print(cmd.OutOrStdout(), cmd.ErrOrStderr())
			return nil
		},
	}
	cmd.Flags().StringVar(&flowName, "flow", "", text.Sprintf("name of the flow, if several have such a version"))
	cmd.Flags().StringVar(&version, "version", "", text.Sprintf("6 to 12 digits of the version"))
	cmd.Flags().StringVar(&bill, "bill", "", text.Sprintf("number of a bill in Kingdee, instead of --version"))
	cmd.Flags().StringVar(&out, "out", "", text.Sprintf("folder to write the files to; it must not exist"))
	addOutputFlag(cmd, &o)
	return cmd
}

// print writes the flow file, then its tables.
func (s keptVersion) print(stdout, stderr io.Writer) {
	say(stderr, text.Sprintf("Flow %s, version %s, first used %s, last used %s.", s.Flow, s.Version, s.First.Format(time.DateTime), s.Last.Format(time.DateTime)))
	for i, file := range s.Files {
		if i > 0 {
			fmt.Fprintf(stdout, "\n# %s\n", file.Name)
		}
		if file.Omitted > 0 {
			fmt.Fprintf(stdout, "# %s\n", text.Sprintf("%d bytes, too large to be kept", file.Omitted))
		}
		fmt.Fprintln(stdout, strings.TrimSuffix(file.Text, "\n"))
	}
}

// writeFiles writes the files of a version to a new folder.
func writeFiles(stderr io.Writer, folder string, files []flow.File) error {
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		return text.Errorf("--out takes a folder that does not exist: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, file := range files {
		if file.Omitted > 0 {
			say(stderr, text.Sprintf("%s was too large to be kept (%d bytes).", file.Name, file.Omitted))
			continue
		}
		if err := root.MkdirAll(filepath.Dir(filepath.FromSlash(file.Name)), 0o755); err != nil {
			return err
		}
		if err := root.WriteFile(filepath.FromSlash(file.Name), []byte(file.Text), 0o644); err != nil {
			return err
		}
		say(stderr, text.Sprintf("Wrote %s.", filepath.Join(folder, filepath.FromSlash(file.Name))))
	}
	return nil
}

var versionDigits = regexp.MustCompile(`^[0-9a-f]{6,12}$`)

// readVersion reads the kept version that begins with these digits.
func readVersion(cmd *cobra.Command, c client.Client, flowName, digits string) (visibility.FlowVersion, []flow.File, error) {
	digits = strings.ToLower(digits)
	if !versionDigits.MatchString(digits) {
		return visibility.FlowVersion{}, nil, usageError(cmd, text.Errorf("%q is no version: expected 6 to 12 of the digits 0-9 and a-f", digits))
	}
	versions, err := visibility.FlowVersions(cmd.Context(), c, flowName)
	if err != nil {
		return visibility.FlowVersion{}, nil, err
	}
	found, err := versionOf(versions, digits)
	if err != nil {
		return found, nil, err
	}
	files, err := found.Files(cmd.Context(), c)
	return found, files, err
}

// versionOf is the one version that begins with these digits.
func versionOf(versions []visibility.FlowVersion, digits string) (visibility.FlowVersion, error) {
	var matching []visibility.FlowVersion
	var names []string
	for _, v := range versions {
		if strings.HasPrefix(v.Version, digits) {
			matching, names = append(matching, v), append(names, v.Flow+" "+v.Version)
		}
	}
	switch len(matching) {
	case 0:
		return visibility.FlowVersion{}, text.Errorf("no version that begins with %s is kept; see starter flow versions", digits)
	case 1:
		return matching[0], nil
	}
	return visibility.FlowVersion{}, text.Errorf("several versions begin with %s: %s. Give all digits, or --flow", digits, strings.Join(names, ", "))
}

// markOfBill reads the mark of a bill from Kingdee.
func markOfBill(ctx context.Context, number string) (flow.Mark, error) {
	_, flows, err := flowsOf(ctx)
	if err != nil {
		return flow.Mark{}, err
	}
	settings, err := environmentOf(ctx).LoadKingdee()
	if err != nil {
		return flow.Mark{}, err
	}
	ledger, err := syncworker.KingdeeClient(settings)
	if err != nil {
		return flow.Mark{}, err
	}
	forms := map[kingdee.BillForm]bool{}
	for _, f := range flows.OfCompany(environmentOf(ctx).Company()) {
		forms[booking.FormOf(f)] = true
	}
	var bills []kingdee.Bill
	for form := range forms {
		err := within(ctx, func(ctx context.Context) error {
			found, err := ledger.FindBills(ctx, form, []string{number})
			bills = append(bills, found[number]...)
			return err
		})
		if err != nil {
			return flow.Mark{}, text.Errorf("bill %s can't be looked up: %w", number, err)
		}
	}
	if len(bills) == 0 {
		return flow.Mark{}, text.Errorf("Kingdee has no bill %s", number)
	}
	mark, ok := flow.FindMark(bills[0].Text)
	if !ok {
		return flow.Mark{}, text.Errorf("bill %s has no mark at the end of its note: a person or another program made it, or somebody has changed the note", number)
	}
	return mark, nil
}

func newFlowDiffCommand() *cobra.Command {
	var flowName string
	var o output
	cmd := &cobra.Command{
		Use:   "diff V1 [V2]",
		Args:  cobra.RangeArgs(1, 2),
		Short: text.Sprintf("Say what differs between two versions of a flow"),
		Long:  text.Sprintf("Says in words what differs between two versions of a flow: how fields get their values, rows of tables, conditions and options. Without V2, the flow file as it is here now is compared. Comments and layout do not count."),
		Example: `  starter flow diff 4be012
  starter flow diff 4be012 9c07de`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var before, after visibility.FlowVersion
			var old, now []flow.File
			err := readTemporal(cmd, func(c client.Client) (err error) {
				if before, old, err = readVersion(cmd, c, flowName, args[0]); err != nil || len(args) == 1 {
					return err
				}
				after, now, err = readVersion(cmd, c, flowName, args[1])
				return err
			})
			if err != nil {
				return err
			}
			if len(args) == 1 {
				_, f, err := loadFlow(cmd, before.Flow)
				if err != nil {
					return err
				}
				after.Flow, after.Version, now = f.Name, f.Version, f.Files
			}
			changes, err := flowfile.Diff(old, now)
			if err != nil {
				return err
			}
			if o == outputJSON {
				return writeJSON(cmd.OutOrStdout(), shownDiff{before.Flow, before.Version, after.Version, words(changes)})
			}
			printDiff(cmd.OutOrStdout(), cmd.ErrOrStderr(), before, after, words(changes))
			return nil
		},
	}
	cmd.Flags().StringVar(&flowName, "flow", "", text.Sprintf("name of the flow, if several have such a version"))
	addOutputFlag(cmd, &o)
	return cmd
}

// shownDiff is what `-o json` prints of a comparison.
type shownDiff struct {
	Flow   string `json:"flow"`
	Before string `json:"before"`
	After  string `json:"after"`
	// Changes are in the language of the program.
	Changes []string `json:"changes"`
}

func words(texts []text.Text) []string {
	all := []string{}
	for _, t := range texts {
		all = append(all, t.String())
	}
	return all
}

func printDiff(stdout, stderr io.Writer, before, after visibility.FlowVersion, changes []string) {
	say(stderr, text.Sprintf("Flow %s, from version %s to %s:", before.Flow, before.Version, after.Version))
	switch {
	case before.Version == after.Version:
		say(stderr, text.Sprintf("The versions are the same."))
	case len(changes) == 0:
		say(stderr, text.Sprintf("Only comments or layout differ."))
	}
	for _, change := range changes {
		say(stdout, "- "+change)
	}
}
