package qimen

import (
	"net/http"
	"strings"
)

// maxBody bounds a request: the parameters of a call are a few hundred bytes.
const maxBody = 1 << 20

// readParams merges the parameters of the URL and of the form body: some clients send all
// of them in the body, the vendor's own SDK splits them. Parameters without a value count
// as absent.
func readParams(r *http.Request) (map[string]string, error) {
	r.Body = http.MaxBytesReader(nil, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	params := make(map[string]string, len(r.Form))
	for name, values := range r.Form {
		if value := values[0]; strings.TrimSpace(value) != "" {
			params[name] = value
		}
	}
	return params, nil
}
