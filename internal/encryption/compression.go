package encryption

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"sync"
)

// longest bounds what is decompressed, in bytes. Temporal accepts no payload over
// 2 MiB, and only what we compressed ourselves gets this far.
const longest = 64 << 20

// Both are pooled: a new one takes far more memory than most payloads.
var (
	compressors = sync.Pool{New: func() any {
		w, err := flate.NewWriter(io.Discard, flate.BestSpeed)
		if err != nil {
			panic(err) // the level is a constant
		}
		return w
	}}
	decompressors = sync.Pool{New: func() any { return flate.NewReader(bytes.NewReader(nil)) }}
)

// compress uses DEFLATE without a checksum: GCM authenticates.
func compress(plain []byte) []byte {
	w := compressors.Get().(*flate.Writer)
	defer compressors.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	// Writing to a buffer never fails.
	_, _ = w.Write(plain)
	_ = w.Close()
	return b.Bytes()
}

func decompress(small []byte) ([]byte, error) {
	r := decompressors.Get().(io.ReadCloser)
	defer decompressors.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(small), nil); err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(r, longest+1))
	if err == nil && len(plain) > longest {
		err = fmt.Errorf("more than %d bytes", longest)
	}
	return plain, err
}
