// Package packed keeps long JSON short on its way through Temporal, which refuses
// a payload over 2 MiB.
package packed

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// longest bounds what is unpacked, in bytes: far above all that is packed.
const longest = 32 << 20

// Pack compresses JSON with gzip.
func Pack(raw []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	// A buffer takes all that is written to it.
	_, _ = w.Write(raw)
	_ = w.Close()
	return b.Bytes()
}

// Unpack gives back what was packed. The error is about what Pack never made: no
// gzip, no JSON in it, or more than 32 MiB.
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
