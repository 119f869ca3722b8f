package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"refundsync/internal/text"
)

// fileSuffix after the name of a secret setting makes the variable with the path of the
// secret's file, which is how Docker and Kubernetes provide secrets.
const fileSuffix = "_FILE"

// maxSmallFile bounds files of secrets and certificates, in bytes.
const maxSmallFile = 1 << 20

// readSecret gives the value of a secret setting, from its variable or from the file
// that the variable with _FILE names, without one line break at its end. Problems show
// the value of neither variable: the secret may be in the wrong one.
func (e Environment) readSecret(name string) (string, *Problem) {
	value, path := e[name], e[name+fileSuffix]
	if strings.TrimSpace(path) == "" {
		return value, nil
	}
	problem := &Problem{
		Name:     e.SetName(name + fileSuffix),
		Expected: text.New("the path of a file with %s", e.SetName(name)),
		Example:  "/run/secrets/" + strings.ToLower(e.SetName(name)),
	}
	if strings.TrimSpace(value) != "" {
		problem.Wrong = text.New("%s is set too; set only one of them", e.SetName(name))
		return "", problem
	}
	data, err := readSmallFile(path)
	if err != nil {
		problem.Wrong = text.New("can't read the file (%v)", err)
		return "", problem
	}
	value = strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if strings.TrimSpace(value) == "" {
		problem.Wrong = text.New("the file is empty")
		return "", problem
	}
	return value, nil
}

// readSmallFile reads a file of at most maxSmallFile. Its error does not show the path.
func readSmallFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSmallFile+1))
	if err != nil {
		return nil, withoutPath(err)
	}
	if len(data) > maxSmallFile {
		return nil, text.Errorf("over %d bytes", maxSmallFile)
	}
	return data, nil
}

func withoutPath(err error) error {
	var inPath *fs.PathError
	if errors.As(err, &inPath) {
		return inPath.Err
	}
	return err
}
