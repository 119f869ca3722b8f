package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// copyInto copies a file, or the files of a folder that are in git except tests, from
// root into the folder.
func copyInto(folder, root, name string) error {
	files, err := git(root, "ls-files", "-z", "--", name, ":(exclude)*_test.go")
	if err != nil {
		return err
	}
	if files == "" {
		return fmt.Errorf("git has no %s", name)
	}
	for file := range strings.SplitSeq(strings.TrimSuffix(files, "\x00"), "\x00") {
		to := filepath.Join(folder, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
		if err != nil {
			return err
		}
		if err := os.WriteFile(to, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// mode makes programs executable wherever the archive is built: Windows has no such
// permission.
func mode(name string) fs.FileMode {
	for _, program := range programs {
		if name == program || name == program+".exe" {
			return 0o755
		}
	}
	return 0o644
}

// eachFile calls add with every file of a folder in order, with slashes in its name.
func eachFile(folder string, add func(name string, content []byte) error) error {
	return fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		return add(name, content)
	})
}

// writeTarGz writes an archive of a folder's files below top, without owners and with
// only the time at.
func writeTarGz(archive, folder, top string, at time.Time) error {
	return create(archive, func(w io.Writer) error {
		compressed := gzip.NewWriter(w)
		files := tar.NewWriter(compressed)
		err := eachFile(folder, func(name string, content []byte) error {
			header := &tar.Header{
				Name: path.Join(top, name), Mode: int64(mode(name)), Size: int64(len(content)), ModTime: at, Format: tar.FormatUSTAR,
			}
			if err := files.WriteHeader(header); err != nil {
				return err
			}
			_, err := files.Write(content)
			return err
		})
		return errors.Join(err, files.Close(), compressed.Close())
	})
}

// writeZip is writeTarGz for Windows.
func writeZip(archive, folder, top string, at time.Time) error {
	return create(archive, func(w io.Writer) error {
		files := zip.NewWriter(w)
		err := eachFile(folder, func(name string, content []byte) error {
			header := &zip.FileHeader{Name: path.Join(top, name), Method: zip.Deflate, Modified: at}
			header.SetMode(mode(name))
			file, err := files.CreateHeader(header)
			if err != nil {
				return err
			}
			_, err = file.Write(content)
			return err
		})
		return errors.Join(err, files.Close())
	})
}

// writeSums writes the SHA-256 sums of files in the format of `sha256sum -c`.
func writeSums(sums string, files []string) error {
	return create(sums, func(w io.Writer) error {
		for _, name := range files {
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "%x  %s\n", sha256.Sum256(content), filepath.Base(name)); err != nil {
				return err
			}
		}
		return nil
	})
}

// create creates a file and calls write to write it.
func create(name string, write func(io.Writer) error) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
