package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWrittenDocumentsAreCurrent(t *testing.T) {
	for name, want := range written() {
		kept, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(name)))
		require.NoError(t, err)
		// Git may check text out with the line ends of Windows.
		assert.Equal(t, string(want), strings.ReplaceAll(string(kept), "\r\n", "\n"), "%s: write it with go generate ./starter", name)
	}
}
