package setup

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"refundsync/internal/literal"
	"refundsync/internal/text"
)

// SetConstant gives a field of the bill another constant, in the text of a flow file, with a
// comment. Everything else stays as it is. The field is written as KEY: { constant: … } on a
// line of its own.
func SetConstant(file, key, value, comment string) (string, error) {
	form := regexp.MustCompile(`(?m)^(\s+` + regexp.QuoteMeta(key) + `:\s*\{\s*constant:\s*)("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s,}]+)(\s*[,}][^#\n]*?)(\s*#.*)?$`)
	if !form.MatchString(file) {
		return "", text.Errorf("the flow file has no line %s: { constant: … }", key)
	}
	return form.ReplaceAllStringFunc(file, func(line string) string {
		parts := form.FindStringSubmatch(line)
		if unquoted(parts[2]) == value {
			return line
		}
		// A number that was written as one stays one.
		written := value
		if _, err := strconv.ParseFloat(parts[2], 64); err != nil {
			written = strconv.Quote(value)
		}
		return parts[1] + written + strings.TrimRight(parts[3], " ") + " # " + strings.Join(strings.Fields(comment), " ")
	}), nil
}

func unquoted(value string) string {
	if plain, err := strconv.Unquote(value); err == nil {
		return plain
	}
	return strings.Trim(value, `'`)
}

// SetCompany gives a flow file another name, and the company whose orders it is about.
func SetCompany(file, name, company string) (string, error) {
	form := regexp.MustCompile(`(?m)^name:.*$`)
	if !form.MatchString(file) {
		return "", text.Errorf("the flow file has no line name: …")
	}
	file = regexp.MustCompile(`(?m)^company:.*\n`).ReplaceAllString(file, "")
	return form.ReplaceAllLiteralString(file, "name: "+name+"\ncompany: "+company), nil
}

// SetPrefix puts a prefix, of letters and digits, before the number of each bill. The number
// is written as KEY: { field: … } or KEY: { expression: '"…" + … }, on a line of its own.
func SetPrefix(file, key, prefix string) (string, error) {
	form := regexp.MustCompile(`(?m)^(\s+` + regexp.QuoteMeta(key) + `:\s*)\{\s*(?:field:\s*(\w+)|expression:\s*'"([^'\n]*)')\s*\}`)
	if !form.MatchString(file) {
		return "", text.Errorf("the flow file has no line %s: { field: … }", key)
	}
	return form.ReplaceAllStringFunc(file, func(line string) string {
		parts := form.FindStringSubmatch(line)
		rest := parts[3]
		if parts[2] != "" {
			rest = `" + ` + parts[2]
		}
		return parts[1] + `{ expression: '"` + prefix + rest + `' }`
	}), nil
}

// SetTable has a table of a flow file take its rows from a file; fallback is its default,
// "" for none. The comments above the table stay, those within it go with its rows.
func SetTable(file, name, path, fallback string) (string, error) {
	lines := strings.Split(file, "\n")
	within, at := false, -1
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "tables:"):
			within = true
		case line != "" && line[0] != ' ' && line[0] != '#':
			within = false
		case within && strings.HasPrefix(strings.TrimLeft(line, " "), name+":") && line[0] == ' ':
			at = i
		}
		if at >= 0 {
			break
		}
	}
	if at < 0 {
		return "", text.Errorf("the flow file has no table %s on a line of its own", name)
	}
	indent := indentOf(lines[at])
	end := at + 1
	for end < len(lines) && strings.TrimSpace(lines[end]) != "" && indentOf(lines[end]) > indent {
		end++
	}
	blank := strings.Repeat(" ", indent)
	block := []string{blank + name + ":"}
	if fallback != "" {
		block = append(block, fmt.Sprintf("%s  default: %s", blank, strconv.Quote(fallback)))
	}
	block = append(block, fmt.Sprintf("%s  file: %s", blank, path))
	return strings.Join(append(append(append([]string{}, lines[:at]...), block...), lines[end:]...), "\n"), nil
}

// SetFile has the tables of a flow file that take their rows from a file take them from
// another.
func SetFile(file, path, other string) string {
	form := regexp.MustCompile(`(\bfile:\s*["']?)` + regexp.QuoteMeta(path))
	return form.ReplaceAllStringFunc(file, func(found string) string { return strings.TrimSuffix(found, path) + other })
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// TableFile writes the rows of a table as Excel opens it: UTF-8 with a byte-order mark and
// CRLF. Codes and values stand as they are, because they are read back; only a remark is
// escaped. A code or value that a spreadsheet would take for a formula is an error.
func TableFile(rows []Row) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	out := csv.NewWriter(&b)
	out.UseCRLF = true
	cells := [][]string{{"code", "value", "remark"}}
	for _, row := range rows {
		for _, cell := range []string{row.Code, row.Target.Code} {
			if literal.CSV(cell) != cell {
				return nil, text.Errorf("a spreadsheet would take %q for a formula; put this row into values in the flow file", cell)
			}
		}
		remark := row.Name
		if row.Target.Name != "" && row.Target.Name != row.Name {
			remark = strings.TrimSpace(remark + " → " + row.Target.Name)
		}
		cells = append(cells, []string{row.Code, row.Target.Code, literal.CSV(remark)})
	}
	if err := out.WriteAll(cells); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
