package jushuitan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"refundsync/internal/fault"
)

// readReply reads a page, or the failure that a reply tells of. A text of the
// vendor's beside no order is a failure, whatever else the reply says: nothing
// that can't be read is an empty page.
func readReply(raw []byte, contentType string, params map[string]string) (Page, error) {
	e, err := openEnvelope(raw)
	if err != nil {
		f := malformed(fmt.Sprintf("不是完整的 JSON 对象（%d 字节，%s）", len(raw), shorten(contentType)),
			fmt.Sprintf("not a whole JSON object (%d bytes, %s)", len(raw), shorten(contentType)))
		f.Err = err
		return Page{}, f
	}
	if e.failed {
		return Page{}, e.failure()
	}
	// The decoder replaces such bytes, which would give an order another shop
	// and another customer.
	if !utf8.Valid(raw) {
		return Page{}, malformed(fmt.Sprintf("编码不是 UTF-8（%s）", shorten(contentType)), fmt.Sprintf("its text is not UTF-8 (%s)", shorten(contentType)))
	}
	page, err := readPage(e.inner, params)
	if len(page.Datas) == 0 && e.message {
		return Page{}, e.failure()
	}
	return page, err
}

// failureIn finds the failure that the reply of another HTTP status than 200
// tells of, or nil.
func failureIn(raw []byte) *fault.Error {
	e, err := openEnvelope(raw)
	if err != nil || !e.failed && !e.message {
		return nil
	}
	return e.failure()
}

func decodeObject(raw []byte) (map[string]any, error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	decoder := json.NewDecoder(bytes.NewReader(cleanControls(raw)))
	decoder.UseNumber()
	var root map[string]any
	if err := decoder.Decode(&root); err != nil {
		return nil, err
	}
	if root == nil {
		return nil, errors.New("null instead of an object")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("more text after the object")
	}
	return root, nil
}

var escapes = map[byte]byte{'\t': 't', '\n': 'n', '\r': 'r'}

// cleanControls makes JSON with raw control characters in its strings readable.
// The vendor's sample strips them, but for tab and line breaks, which its
// parser takes in strings. Go's does not, so those are escaped there.
func cleanControls(raw []byte) []byte {
	clean := make([]byte, 0, len(raw))
	inString, escaped := false, false
	for _, b := range raw {
		switch {
		case b == '\t' || b == '\n' || b == '\r':
			if inString {
				clean = append(clean, '\\', escapes[b])
				escaped = false
				continue
			}
		case b < 0x20:
			continue
		case escaped:
			escaped = false
		case b == '\\':
			escaped = inString
		case b == '"':
			inString = !inString
		}
		clean = append(clean, b)
	}
	return clean
}
