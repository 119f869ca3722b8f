package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"refundsync/internal/text"
)

// fileSuffix after the name of a secret setting is the variable with the path of
// a file that holds the secret, which is how Docker and Kubernetes hand them out.
const fileSuffix = "_FILE"

// maxSmallFile bounds the files of secrets and of certificates, in bytes.
const maxSmallFile = 1 << 20

// readSecret gives the value of a secret setting, from its variable or from the
// file that the variable's name with _FILE names, less one line break at its end.
// Nothing that either holds is shown: a secret may be in the wrong one.
func (e Environment) readSecret(name string) (string, *Problem) {
	value, path := e[name], e[name+fileSuffix]
	if strings.TrimSpace(path) == "" {
		return value, nil
	}
	problem := &Problem{
		Name:     name + fileSuffix,
		Expected: text.New("the path of a file that holds %s", name),
		Example:  "/run/secrets/" + strings.ToLower(name),
	}
	if strings.TrimSpace(value) != "" {
		problem.Wrong = text.New("%s is set as well; set one of them", name)
		return "", problem
	}
	data, err := readSmallFile(path)
	if err != nil {
		problem.Wrong = text.New("The file can't be read (%v)", err)
		return "", problem
	}
	value = strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if strings.TrimSpace(value) == "" {
		problem.Wrong = text.New("The file is empty")
		return "", problem
	}
	return value, nil
}

// readSmallFile reads a file within the bound. Its error does not hold the path.
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
		return nil, fmt.Errorf("over %d bytes", maxSmallFile)
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
