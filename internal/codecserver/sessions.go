package codecserver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

const (
	cookieName = "refundsync_codec"
	// sessionLength is how long a person stays signed in.
	sessionLength = 12 * time.Hour
)

// sessions makes the cookies of people who signed in. A cookie says until when it
// is good, and is signed, so that nothing has to be kept; with another token, all
// end.
type sessions struct {
	secret []byte
	now    func() time.Time
}

func (s sessions) begin() string {
	until := strconv.FormatInt(s.now().Add(sessionLength).Unix(), 10)
	return until + "." + s.signature(until)
}

func (s sessions) valid(cookie string) bool {
	until, signature, _ := strings.Cut(cookie, ".")
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
