package codecserver

import (
	"bytes"
	"io"
	"net/http"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"refundsync/internal/text"
)

// Bounds of a request. Temporal takes no payload over 2 MiB and no message over
// 4 MiB, and a request has the payloads of one event.
const (
	mostBytes = 8 << 20
	// mostDecoded bounds the decoded payloads of a request, in bytes: a small payload can
	// hold a large one, compressed.
	mostDecoded = 16 << 20
	// mostObjects bounds the JSON objects, two for each payload: an empty one has two
	// bytes, and takes a hundred times as much memory.
	mostObjects = 20_000
	// atOnce bounds the requests served at a time; others wait.
	atOnce = 4
)

func tooLarge() error { return text.Errorf("The request is too large") }

// bounded reads the body. The error says that it is too large.
func bounded(r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return tooLarge() // or the client is gone, and gets no answer
	}
	if bytes.Count(body, []byte("{")) > mostObjects {
		return tooLarge()
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// boundedCodec refuses payloads that are too large together once decoded.
type boundedCodec struct{ converter.PayloadCodec }

func (c boundedCodec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded, sum := make([]*commonpb.Payload, len(payloads)), 0
	for i, payload := range payloads {
		one, err := c.PayloadCodec.Decode([]*commonpb.Payload{payload})
		if err != nil {
			return nil, err
		}
		if sum += proto.Size(one[0]); sum > mostDecoded {
			return nil, tooLarge()
		}
		decoded[i] = one[0]
	}
	return decoded, nil
}
