package jushuitan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"refundsync/internal/fault"
)

// decodeReply gives the object that holds the page. It returns a *fault.Error
// if the reply tells of a failure or is no such object.
func decodeReply(raw []byte) (map[string]any, error) {
	root, err := decodeObject(raw)
	if err != nil {
		f := malformed(fmt.Sprintf("不是完整的 JSON 对象（%d 字节）", len(raw)),
			fmt.Sprintf("not a whole JSON object (%d bytes)", len(raw)))
		f.Err = err
		return nil, f
	}
	if f := failureOf(root); f != nil {
		return nil, f
	}
	return unwrap(root), nil
}

// failureIn finds the failure that a reply tells of, or nil.
func failureIn(raw []byte) *fault.Error {
	root, err := decodeObject(raw)
	if err != nil {
		return nil
	}
	return failureOf(root)
}

func failureOf(root map[string]any) *fault.Error {
	switch platform := root["error_response"].(type) {
	case nil:
	case map[string]any:
		return vendorFailure(platform, true)
	default:
		return vendorFailure(map[string]any{"msg": platform}, true)
	}
	if f := vendorFailure(root, false); f != nil {
		return f
	}
	return vendorFailure(unwrap(root), false)
}

// unwrap takes off the root object. Its name is not documented for this
// method ("response" in the samples), so the only object in it is taken,
// whatever its name. A reply without one is the object itself.
func unwrap(root map[string]any) map[string]any {
	if _, bare := root["datas"]; bare {
		return root
	}
	var inner map[string]any
	for _, value := range root {
		if object, ok := value.(map[string]any); ok {
			if inner != nil {
				return root
			}
			inner = object
		}
	}
	if inner == nil {
		return root
	}
	return inner
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
