package deploy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/testkit"
)

// A container does not see the processes of another, so that it is the answer over
// the socket, which both have, that keeps a restore from the data of a running
// server. The programs are stood in for; e2e has the script with the real ones.
func TestRestoreRefusesWhileAServerAnswers(t *testing.T) {
	testkit.SkipIfShort(t)
	for name, test := range map[string]struct {
		status, ready int
		refused       bool
	}{
		"here":                           {status: 0, ready: 2, refused: true},
		"in another container":           {status: 3, ready: 0, refused: true},
		"in another container, starting": {status: 3, ready: 1, refused: true},
		"none":                           {status: 3, ready: 2, refused: false},
	} {
		t.Run(name, func(t *testing.T) {
			bin, data := t.TempDir(), t.TempDir()
			for program, code := range map[string]int{"pg_ctl": test.status, "pg_isready": test.ready, "pg_verifybackup": 0} {
				require.NoError(t, os.WriteFile(filepath.Join(bin, program), fmt.Appendf(nil, "#!/bin/sh\nexit %d\n", code), 0o755))
			}
			require.NoError(t, os.WriteFile(filepath.Join(data, "old"), nil, 0o600))
			script, err := filepath.Abs(filepath.Join("compose", "restore.sh"))
			require.NoError(t, err)
			// From a folder that postgres may not read, as that of root who calls it.
			cmd := exec.CommandContext(t.Context(), "sh", "-c", `chmod 0 . && exec sh "$0"`, script)
			cmd.Dir = t.TempDir()
			cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "PGDATA=" + data}
			cmd.Stdin = backupOf(t, "new")
			out, err := cmd.CombinedOutput()
			if test.refused {
				require.Error(t, err)
				require.Contains(t, string(out), "PostgreSQL still runs")
				require.FileExists(t, filepath.Join(data, "old"))
				require.NoFileExists(t, filepath.Join(data, "new"))
				return
			}
			require.NoError(t, err, string(out))
			require.NoFileExists(t, filepath.Join(data, "old"))
			require.FileExists(t, filepath.Join(data, "new"))
		})
	}
}

// backupOf is an archive with one file.
func backupOf(t *testing.T, file string) *bytes.Buffer {
	t.Helper()
	var archive bytes.Buffer
	compressed := gzip.NewWriter(&archive)
	files := tar.NewWriter(compressed)
	require.NoError(t, files.WriteHeader(&tar.Header{Name: file, Mode: 0o600}))
	require.NoError(t, files.Close())
	require.NoError(t, compressed.Close())
	return &archive
}
