package codecserver

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

// Bounds of a request. Temporal takes no payload over 2 MiB and no message over
// 4 MiB, and a request has the payloads of one event.
const (
	mostBytes = 8 << 20
	// mostDecoded bounds what comes of a request, in bytes: much can be compressed
	// into little.
	mostDecoded = 16 << 20
	// mostObjects bounds the payloads, each of which is an object with another in it:
	// an empty one takes two bytes, and a hundred times that in memory.
	mostObjects = 20_000
	// atOnce bounds the requests that are worked on; others wait.
	atOnce = 4
)

var errTooLarge = errors.New("请求的内容太多。 The request is too large")

// bounded reads the body, and gives the error to refuse it by.
func bounded(r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return errTooLarge // or the client is gone, and hears nothing
	}
	if bytes.Count(body, []byte("{")) > mostObjects {
		return errTooLarge
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// boundedCodec gives up where the payloads of a call hold too much together.
type boundedCodec struct{ converter.PayloadCodec }

func (c boundedCodec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded, sum := make([]*commonpb.Payload, len(payloads)), 0
	for i, payload := range payloads {
		one, err := c.PayloadCodec.Decode([]*commonpb.Payload{payload})
		if err != nil {
			return nil, err
		}
		if sum += proto.Size(one[0]); sum > mostDecoded {
			return nil, errTooLarge
		}
		decoded[i] = one[0]
	}
	return decoded, nil
}
