package codecserver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// sessionLength is how long a person stays signed in: a working day.
const sessionLength = 10 * time.Hour

// sessions are stateless: each holds the time of its end, and is signed. A session is in
// the path of a request, never in a cookie: a browser would send a cookie to whatever
// listens on another port of the same host.
type sessions struct {
	secret []byte
	now    func() time.Time
}

func (s sessions) begin() string {
	until := strconv.FormatInt(s.now().Add(sessionLength).Unix(), 10)
	return until + "." + s.signature(until)
}

func (s sessions) valid(session string) bool {
	until, signature, _ := strings.Cut(session, ".")
	if !hmac.Equal([]byte(signature), []byte(s.signature(until))) {
		return false
	}
	seconds, err := strconv.ParseInt(until, 10, 64)
	return err == nil && s.now().Unix() < seconds
}

func (s sessions) signature(until string) string {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte("codec server session until " + until))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
