package devserver

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestDownloadsAreCounted(t *testing.T) {
	var d downloads
	assert.True(t, d.read("go: downloading go.temporal.io/server v1.29.0", time.Time{}))
	assert.True(t, d.read("go: downloading modernc.org/sqlite v1.39.0", time.Time{}))
	assert.False(t, d.read("go: modernc.org/sqlite@v1.39.0: no such host", time.Time{}))
	_, step := d.show(time.Time{})
	assert.Equal(t, "downloading modules: 2", step)
}

func TestReadPackages(t *testing.T) {
	noFile := errors.New("no such file")
	size := func(file string) (int64, error) {
		if file == filepath.Join("net", "gone.go") {
			return 0, noFile
		}
		return int64(len(file)), nil
	}
	tests := []struct {
		name, list string
		packages   []listed
		wrong      string
	}{
		{"the bytes of its files, and its dependencies", "net\ttrue\t2\tnet\ta.go\tb.go\n",
			[]listed{{"net", true, int64(len("net/a.go")+len("net/b.go")) + 2*dependencyBytes}}, ""},
		{"in the cache, and without a file", "unsafe\tfalse\t0\tunsafe\t\n", []listed{{"unsafe", false, 0}}, ""},
		{"a folder with a space", "m\ttrue\t0\tmy files\ta.go\n", []listed{{"m", true, int64(len("my files/a.go"))}}, ""},
		{"of another format", "net\n", nil, `"net"`},
		{"dependencies that are no number", "net\ttrue\tmany\tnet\ta.go\n", nil, "many"},
		{"a file that is gone", "net\ttrue\t0\tnet\tgone.go\n", nil, "no such file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			packages, err := readPackages(strings.NewReader(test.list), size)
			if test.wrong != "" {
				require.ErrorContains(t, err, test.wrong)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.packages, packages)
		})
	}
}

func TestCompilation(t *testing.T) {
	// Linking costs 30 of them all, whichever are in the cache.
	all := []listed{{"a", true, 100}, {"b", true, 300}, {"c", true, 500}, {"main", true, 100}}
	cached := []listed{{"a", false, 100}, {"b", false, 300}, {"c", true, 500}, {"main", true, 100}}
	linkOnly := []listed{{"a", false, 100}, {"b", false, 300}, {"c", false, 500}, {"main", true, 100}}
	type begin struct {
		path string
		at   time.Duration
	}
	tests := []struct {
		name     string
		packages []listed
		begins   []begin
		now      time.Duration
		step     string
		percent  float64
	}{
		{"nothing has begun", all, nil, time.Minute, "compiling 0/4", 0},
		{"one has begun, none is built", all, []begin{{"a", 0}}, time.Minute, "compiling 1/4", 0},
		{"a tenth is built", all, []begin{{"a", 0}, {"b", 10 * time.Second}}, 10 * time.Second,
			"compiling 2/4 · about 1m30s remaining", 10},
		{"on a machine a tenth as fast", all, []begin{{"a", 0}, {"b", 100 * time.Second}}, 100 * time.Second,
			"compiling 2/4 · about 15m30s remaining", 10},
		{"the pace counts from the first, not from the start", all, []begin{{"a", time.Hour}, {"b", time.Hour + 10*time.Second}}, time.Hour + 10*time.Second,
			"compiling 2/4 · about 1m30s remaining", 10},
		{"one that takes long", all, []begin{{"a", 0}, {"b", 10 * time.Second}}, 20 * time.Second,
			"compiling 2/4 · about 3m10s remaining", 10},
		{"the last began, so linking is left", all, []begin{{"a", 0}, {"b", 10 * time.Second}, {"c", 40 * time.Second}, {"main", 90 * time.Second}}, 91 * time.Second,
			"linking · about 5s remaining", 87},
		{"linking takes longer than its share", all, []begin{{"a", 0}, {"b", 10 * time.Second}, {"c", 40 * time.Second}, {"main", 90 * time.Second}}, 2 * time.Minute,
			"linking", 87},
		{"the cache has some", cached, nil, 0, "compiling 0/2", 0},
		{"the cache has all but the linked file", linkOnly, nil, time.Minute, "linking", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			c := newCompilation(test.packages)
			for _, b := range test.begins {
				require.True(t, c.read(b.path, start.Add(b.at)))
			}
			done, step := c.show(start.Add(test.now))
			assert.Equal(t, test.step, step)
			assert.InDelta(t, test.percent, 100*done, 1)
		})
	}
}

func TestCompilationReadsPackagesAlone(t *testing.T) {
	c := newCompilation([]listed{{"net", true, 1}, {"errors", false, 1}})
	for _, line := range []string{"", "# net", "net/a.go:1:1: syntax error", "errors", "other"} {
		assert.False(t, c.read(line, time.Time{}), line)
	}
	assert.True(t, c.read("net", time.Time{}))
	assert.False(t, c.read("net", time.Time{}), "it begins once")
}

// Where all takes as long as it costs, what remains is known to the second.
func TestRemainingIsTrueAtASteadyPace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		costs := rapid.SliceOfN(rapid.Int64Range(1, 1000), 2, 50).Draw(t, "costs")
		unit := time.Duration(rapid.Int64Range(int64(time.Second), int64(10*time.Second)).Draw(t, "time of one byte"))
		var packages []listed
		var left int64
		for i, cost := range costs {
			packages = append(packages, listed{fmt.Sprint(i), true, cost})
			left += cost
		}
		c := newCompilation(packages)
		left += c.link
		now, built := time.Now(), 0.0
		for i, cost := range costs {
			require.True(t, c.read(fmt.Sprint(i), now))
			done, _ := c.show(now)
			require.GreaterOrEqual(t, done, built)
			built = done
			if remaining, known := c.remaining(now); known && !c.linking() {
				require.InEpsilon(t, float64(left)*float64(unit), float64(remaining), 1e-6)
			}
			left -= cost
			now = now.Add(time.Duration(cost) * unit)
		}
		require.True(t, c.linking())
	})
}

func TestLineWriter(t *testing.T) {
	var lines []string
	w := &lineWriter{line: func(line string) { lines = append(lines, line) }}
	for _, part := range []string{"net\nnet/", "http\n", "\n", "exit"} {
		n, err := w.Write([]byte(part))
		require.NoError(t, err)
		require.Equal(t, len(part), n)
	}
	assert.Equal(t, []string{"net", "net/http", ""}, lines)
	assert.Equal(t, "exit", string(w.rest))
}
