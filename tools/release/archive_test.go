package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

var at = time.Date(2026, 3, 2, 10, 11, 12, 0, time.UTC)

// entry is a file in an archive.
type entry struct {
	name, content string
	mode          fs.FileMode
	at            time.Time
}

var entries = []entry{
	{"top/flows/a.yaml", "flow", 0o644, at},
	{"top/worker", "program", 0o755, at},
}

// makeFolder makes the files of entries with the current time.
func makeFolder(t *testing.T) string {
	folder := t.TempDir()
	must(t, os.Mkdir(filepath.Join(folder, "flows"), 0o700))
	must(t, os.WriteFile(filepath.Join(folder, "worker"), []byte("program"), 0o600))
	must(t, os.WriteFile(filepath.Join(folder, "flows", "a.yaml"), []byte("flow"), 0o600))
	return folder
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestArchives(t *testing.T) {
	for _, test := range []struct {
		name  string
		write func(archive, folder, top string, at time.Time) error
		read  func(*testing.T, []byte) []entry
	}{
		{"tar.gz", writeTarGz, readTarGz},
		{"zip", writeZip, readZip},
	} {
		t.Run(test.name, func(t *testing.T) {
			var written [2][]byte
			for i := range written {
				archive := filepath.Join(t.TempDir(), "archive")
				must(t, test.write(archive, makeFolder(t), "top", at))
				content, err := os.ReadFile(archive)
				must(t, err)
				written[i] = content
			}
			if !bytes.Equal(written[0], written[1]) {
				t.Error("the same files give different archives")
			}
			if got := test.read(t, written[0]); !reflect.DeepEqual(got, entries) {
				t.Errorf("got %v, want %v", got, entries)
			}
		})
	}
}

func readTarGz(t *testing.T, archive []byte) (got []entry) {
	compressed, err := gzip.NewReader(bytes.NewReader(archive))
	must(t, err)
	files := tar.NewReader(compressed)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		must(t, err)
		content, err := io.ReadAll(files)
		must(t, err)
		got = append(got, entry{header.Name, string(content), header.FileInfo().Mode(), header.ModTime.UTC()})
	}
}

func readZip(t *testing.T, archive []byte) (got []entry) {
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	must(t, err)
	for _, file := range files.File {
		opened, err := file.Open()
		must(t, err)
		content, err := io.ReadAll(opened)
		must(t, err)
		got = append(got, entry{file.Name, string(content), file.Mode(), file.Modified.UTC()})
	}
	return got
}

func TestWriteSums(t *testing.T) {
	folder := t.TempDir()
	file, sums := filepath.Join(folder, "abc"), filepath.Join(folder, "sums")
	must(t, os.WriteFile(file, []byte("abc"), 0o600))
	must(t, writeSums(sums, []string{file}))
	got, err := os.ReadFile(sums)
	must(t, err)
	// The example of FIPS 180-2.
	if want := "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc\n"; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestVersionForm(t *testing.T) {
	for version, want := range map[string]bool{
		"v1.2.3": true, "v1.2.3-rc.1": true, "v0.0.0-20260302101112-0123456789ab": true,
		"1.2.3": false, "v1.2": false, "v1.2.3 -X main.a=b": false, "v1.2.3/..": false, "": false,
	} {
		if got := versionForm.MatchString(version); got != want {
			t.Errorf("%q: %v", version, got)
		}
	}
}
