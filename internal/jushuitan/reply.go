package jushuitan

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

// readReply reads a page, or the failure that a reply reports. A vendor's text
// without an order is a failure, whatever else the reply says: what can't be read
// is never an empty page.
func (c call) readReply(raw []byte, contentType string) (Page, error) {
	e, err := openEnvelope(raw)
	if err != nil {
		return Page{}, c.malformed(text.Errorf("not a complete JSON object (%d bytes, %s)", len(raw), shorten(contentType)))
	}
	if e.failed {
		return Page{}, c.failure(e)
	}
	// The decoder replaces invalid bytes, which would give an order another shop
	// and another customer.
	if !utf8.Valid(raw) {
		return Page{}, c.malformed(text.Errorf("it is not UTF-8 (%s)", shorten(contentType)))
	}
	page, err := c.readPage(e.inner)
	if len(page.Datas) == 0 && e.message {
		return Page{}, c.failure(e)
	}
	return page, err
}

// failureIn finds the failure that a reply with an HTTP status other than 200
// reports, or nil.
func (c call) failureIn(raw []byte) *fault.Error {
	e, err := openEnvelope(raw)
	if err != nil || !e.failed && !e.message {
		return nil
	}
	return c.failure(e)
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
// The vendor's sample strips them, except tabs and line breaks, which its parser
// accepts in strings. Go's does not, so they are escaped.
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
