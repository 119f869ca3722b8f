package main

import (
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"refundsync/internal/reconcile"
	"refundsync/internal/reconcile/reportfile"
	"refundsync/internal/text"
)

// reportForms are the forms of a report's file; each is the ending of its name.
var reportForms = append([]string{"json"}, reportfile.Formats...)

func reportEndings() string { return "." + strings.Join(reportForms, ", .") }

func formOf(path string) string {
	return strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), ".")
}

// checkReportFile refuses a file of an unknown form; "" is none.
func checkReportFile(path string) error {
	if path == "" || slices.Contains(reportForms, formOf(path)) {
		return nil
	}
	return text.Errorf("--out %s: expected a file ending in %s", path, reportEndings())
}

// writeReportFile writes a report to a file, which is not there if that fails.
func writeReportFile(path string, report reconcile.Report, rows iter.Seq2[reconcile.Row, error]) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return text.Errorf("%s can't be written: %w", path, err)
	}
	defer os.Remove(file.Name())
	err = writeReport(file, formOf(path), report, rows)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return text.Errorf("%s can't be written: %w", path, err)
	}
	return os.Chmod(path, 0o644)
}

func writeReport(w io.Writer, form string, report reconcile.Report, rows iter.Seq2[reconcile.Row, error]) error {
	if form == "json" {
		return writeReportJSON(w, report, rows)
	}
	return reportfile.Write(w, form, report, rows)
}

// writeReportJSON writes a report with rows, one a line, without holding them all.
func writeReportJSON(w io.Writer, report reconcile.Report, rows iter.Seq2[reconcile.Row, error]) error {
	var head bytes.Buffer
	if err := writeJSON(&head, report); err != nil {
		return err
	}
	if _, err := w.Write(append(bytes.TrimSuffix(head.Bytes(), []byte("\n}\n")), ",\n  \"rows\": ["...)); err != nil {
		return err
	}
	separator := "\n    "
	for row, err := range rows {
		if err != nil {
			return err
		}
		raw, err := json.Marshal(row)
		if err != nil {
			return err
		}
		if _, err := w.Write(append([]byte(separator), raw...)); err != nil {
			return err
		}
		separator = ",\n    "
	}
	_, err := io.WriteString(w, "\n  ]\n}\n")
	return err
}
