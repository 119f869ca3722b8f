package flowfile

import (
	"strings"

	"refundsync/internal/text"
)

// Bounds of the files, so that no YAML or CSV, however odd, takes much memory to
// read. Real flows stay far below them.
const (
	maxFlowFile  = 256 << 10 // bytes
	maxTableFile = 16 << 20  // bytes
	maxFlowLines = 5000
	maxLine      = 4000 // bytes of a line of YAML
	maxSigns     = 2000 // brackets and other characters that may open something in YAML
	maxProblems  = 1000 // of one file
)

// bounded reports a file too large to be given to the YAML parser.
func (d *document) bounded() bool {
	if len(d.lines) > maxFlowLines {
		d.report(span{maxFlowLines + 1, 1, 1}, text.New("The file has more than %d lines; put long tables into CSV files.", maxFlowLines))
		return false
	}
	signs := 0
	for i, line := range d.lines {
		if len(line) > maxLine {
			d.report(span{i + 1, 1, 1}, text.New("This line has more than %d bytes; break it up.", maxLine))
			return false
		}
		for _, sign := range []byte("[{&*!?|>") {
			signs += strings.Count(line, string(sign))
		}
		if signs > maxSigns {
			d.report(span{i + 1, 1, 1}, text.New("Too many brackets and special characters: more than %d up to this line.", maxSigns))
			return false
		}
	}
	return true
}
