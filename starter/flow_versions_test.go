package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/beijing"
	"refundsync/internal/flow"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

func TestVersionOf(t *testing.T) {
	kept := []visibility.FlowVersion{{Flow: "f", Version: "4be012d7a1c3"}, {Flow: "f", Version: "4be012000000"}, {Flow: "g", Version: "9c07de000000"}}
	for _, c := range []struct{ digits, want, fails string }{
		{"9c07de", "9c07de000000", ""},
		{"4be012d", "4be012d7a1c3", ""},
		{"4be012", "", "several versions begin with 4be012: f 4be012d7a1c3, f 4be012000000"},
		{"000000", "", "no version that begins with 000000 is kept"},
	} {
		t.Run(c.digits, func(t *testing.T) {
			found, err := versionOf(kept, c.digits)
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, found.Version)
		})
	}
}

// What could not be kept is not taken for an empty file.
func TestShowSaysWhatWasNotKept(t *testing.T) {
	at := time.Date(2024, 3, 1, 8, 0, 0, 0, beijing.Zone)
	shown := keptVersion{
		FlowVersion: visibility.FlowVersion{Flow: "f", Version: "4be012d7a1c3", FlowVersionUses: workflows.FlowVersionUses{First: at, Last: at.AddDate(0, 0, 9)}},
		Files:       []flow.File{{Name: "f.yaml", Text: "name: f\n"}, {Name: "a.csv", Text: "code,value\n"}, {Name: "b.csv", Omitted: 7}},
	}
	var stdout, stderr bytes.Buffer
	shown.print(&stdout, &stderr)
	require.Equal(t, "name: f\n\n# a.csv\ncode,value\n\n# b.csv\n# 7 bytes, too large to be kept\n\n", stdout.String())
	require.Equal(t, "Flow f, version 4be012d7a1c3, first used 2024-03-01 08:00:00, last used 2024-03-10 08:00:00.\n", stderr.String())
}

func TestPrintDiff(t *testing.T) {
	v := func(digits string) visibility.FlowVersion { return visibility.FlowVersion{Flow: "f", Version: digits} }
	for _, c := range []struct {
		name           string
		after          string
		changes        []string
		stdout, stderr string
	}{
		{"the same", "1", nil, "", "Flow f, from version 1 to 1:\nThe versions are the same.\n"},
		{"comments", "2", nil, "", "Flow f, from version 1 to 2:\nOnly comments or layout differ.\n"},
		{"changes", "2", []string{"a", "b"}, "- a\n- b\n", "Flow f, from version 1 to 2:\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			printDiff(&stdout, &stderr, v("1"), v(c.after), c.changes)
			require.Equal(t, c.stdout, stdout.String())
			require.Equal(t, c.stderr, stderr.String())
		})
	}
}
