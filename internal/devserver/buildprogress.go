package devserver

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// progress is how far a go command is.
type progress interface {
	// read takes a line of its stderr, and tells whether that was of the progress.
	read(line string, now time.Time) bool
	// show says how much is done, of 1, and the same in words.
	show(now time.Time) (done float64, text string)
}

// downloads counts the modules that are downloaded. How many there will be is not
// known before they are there.
type downloads int

func (d *downloads) read(line string, _ time.Time) bool {
	if !strings.HasPrefix(line, "go: downloading ") {
		return false
	}
	*d++
	return true
}

func (d *downloads) show(time.Time) (float64, string) {
	return 0, fmt.Sprintf("下载模块 downloading modules: %d", *d)
}

// What compiling a package costs, in bytes: those of its source, and 250 for each
// package that it depends on. Fitted to the CPU time of all 1,297 packages of v1.5.1,
// this tells the remaining time to a fifth where the machine is steady; counting
// packages, or bytes alone, tells half to three quarters of it. Linking takes three
// hundredths of the time that compiling takes on two cores.
const (
	dependencyBytes = 250
	linkShare       = 0.03
)

// paceShare is how much is built before the pace tells when the rest will be.
const paceShare = 0.05

// listFormat has `go list -deps` print what readPackages reads.
const listFormat = "{{.ImportPath}}\t{{.Stale}}\t{{len .Deps}}\t{{.Dir}}\t{{join .GoFiles \"\t\"}}"

// listed is a package that the command consists of.
type listed struct {
	path  string
	stale bool  // not in Go's cache
	cost  int64 // of compiling it
}

func readPackages(list io.Reader, size func(file string) (int64, error)) ([]listed, error) {
	var packages []listed
	lines := bufio.NewScanner(list)
	lines.Buffer(nil, 1<<20) // a package can have hundreds of files
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		if len(fields) < 5 {
			return nil, fmt.Errorf("go list: %q", lines.Text())
		}
		dependencies, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("go list: %q: %w", lines.Text(), err)
		}
		p := listed{path: fields[0], stale: fields[1] == "true", cost: dependencyBytes * dependencies}
		for _, name := range fields[4:] {
			if name == "" {
				continue // there is none
			}
			bytes, err := size(filepath.Join(fields[3], name))
			if err != nil {
				return nil, err
			}
			p.cost += bytes
		}
		packages = append(packages, p)
	}
	return packages, lines.Err()
}

func fileSize(file string) (int64, error) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// compilation is how far `go build -v` is, which prints the path of each package as
// it begins to compile it.
type compilation struct {
	waiting map[string]int64 // what each package costs that has not begun
	needed  int              // packages to compile
	all     int64            // what they cost
	link    int64            // what linking costs
	built   int64            // what those cost that began, but for the last
	current int64            // what that one costs
	// When the first and the last began.
	first, last time.Time
}

func newCompilation(packages []listed) *compilation {
	c := &compilation{waiting: map[string]int64{}}
	var everything int64
	for _, p := range packages {
		everything += p.cost
		if p.stale {
			c.waiting[p.path] = p.cost
			c.all += p.cost
		}
	}
	c.needed = len(c.waiting)
	c.link = int64(linkShare * float64(everything))
	return c
}

func (c *compilation) read(line string, now time.Time) bool {
	cost, ok := c.waiting[line]
	if !ok {
		return false
	}
	delete(c.waiting, line)
	c.built += c.current
	c.current = cost
	if c.first.IsZero() {
		c.first = now
	}
	c.last = now
	return true
}

func (c *compilation) show(now time.Time) (float64, string) {
	text := fmt.Sprintf("编译 compiling %d/%d", c.needed-len(c.waiting), c.needed)
	if c.linking() {
		text = "链接 linking"
	}
	if left, known := c.remaining(now); known {
		text += fmt.Sprintf(" · 约剩 about %s left", roughly(left))
	}
	return float64(c.built) / float64(max(1, c.all+c.link)), text
}

// linking tells whether nothing is left but to link. The command itself is compiled
// last; if the cache has it, it is stale all the same for want of the linked file,
// and is not printed.
func (c *compilation) linking() bool { return len(c.waiting) == 0 || c.needed == 1 }

// remaining is how long the rest takes at the pace so far. It is not known while too
// little is built, and once linking has taken longer.
func (c *compilation) remaining(now time.Time) (left time.Duration, known bool) {
	switch {
	case c.built == 0 || float64(c.built) < paceShare*float64(c.all):
		return 0, false
	case c.linking():
		left = scale(c.last.Sub(c.first), c.link, c.built) - now.Sub(c.last)
	default:
		left = scale(now.Sub(c.first), c.all-c.built+c.link, c.built)
	}
	return left, left > 0
}

func scale(d time.Duration, part, whole int64) time.Duration {
	return time.Duration(float64(d) * float64(part) / float64(whole))
}

// roughly rounds to what an estimate is good for.
func roughly(d time.Duration) time.Duration {
	if d < time.Minute {
		return max(d.Round(5*time.Second), 5*time.Second)
	}
	return d.Round(10 * time.Second)
}
