package flowfile

import "strings"

// Bounds of the files, so that no YAML or CSV, however odd, takes much memory to
// read. The largest flow of any use is far below them.
const (
	maxFlowFile  = 256 << 10 // bytes
	maxTableFile = 16 << 20  // bytes
	maxFlowLines = 5000
	maxLine      = 4000 // bytes of a line of YAML
	maxSigns     = 2000 // brackets and other signs that may begin something in YAML
	maxProblems  = 1000 // of one file
)

// bounded reports a file that is more than YAML may be given.
func (d *document) bounded() bool {
	if len(d.lines) > maxFlowLines {
		d.report(span{maxFlowLines + 1, 1, 1}, say("文件超过 %d 行；长的对照表请放进 CSV 文件。", "The file has more than %d lines; put long tables into CSV files.", maxFlowLines))
		return false
	}
	signs := 0
	for i, line := range d.lines {
		if len(line) > maxLine {
			d.report(span{i + 1, 1, 1}, say("这一行超过 %d 字节，请分行写。", "This line has more than %d bytes; break it up.", maxLine))
			return false
		}
		for _, sign := range []byte("[{&*!?|>") {
			signs += strings.Count(line, string(sign))
		}
		if signs > maxSigns {
			d.report(span{i + 1, 1, 1}, say("到这一行为止已有 %d 个以上的括号或特殊符号，太多了。", "Up to this line there are more than %d brackets and signs, which is too many.", maxSigns))
			return false
		}
	}
	return true
}
