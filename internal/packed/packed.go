// Package packed compresses long JSON for Temporal, which refuses payloads over 2 MiB.
package packed

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// longest bounds what is unpacked, in bytes. It is far more than what is ever packed.
const longest = 32 << 20

// Pack compresses JSON with gzip.
func Pack(raw []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	// Writing to a buffer never fails.
	_, _ = w.Write(raw)
	_ = w.Close()
	return b.Bytes()
}

// Unpack reverses Pack. It returns an error for what Pack never makes: what is not gzip,
// contains no JSON, or is over 32 MiB.
func Unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(r, longest+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > longest {
		return nil, fmt.Errorf("more than %d bytes", longest)
	}
	if !json.Valid(raw) {
		return nil, errors.New("no JSON")
	}
	return raw, nil
}
