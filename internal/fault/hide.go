package fault

import (
	"encoding/json"
	"net/url"
	"strings"
)

// leastOfSecret is how much of a secret's beginning is worth hiding, in bytes.
const leastOfSecret = 4

// cut stands where a vendor's text was cut.
const cut = "…"

// Hide masks secrets in the fault in err's chain, for a vendor may quote what it
// was sent: as they are, escaped as in a query or in JSON, and the beginning of one
// where the vendor's text was cut ("…") within it. Empty secrets are none.
func Hide(err error, secrets ...string) {
	f := As(err)
	if f == nil {
		return
	}
	for _, secret := range secrets {
		for _, text := range []*string{&f.Code, &f.Message, &f.Field} {
			*text = hide(*text, secret)
		}
	}
}

func hide(text, secret string) string {
	if secret == "" || text == "" {
		return text
	}
	for _, form := range forms(secret) {
		parts := strings.Split(strings.ReplaceAll(text, form, "***"), cut)
		for i := range parts[:len(parts)-1] {
			parts[i] = hideBeginning(parts[i], form)
		}
		text = strings.Join(parts, cut)
	}
	return text
}

// hideBeginning masks the beginning of a secret at the end of a text.
func hideBeginning(text, secret string) string {
	for length := min(len(secret)-1, len(text)); length >= leastOfSecret; length-- {
		if rest, found := strings.CutSuffix(text, secret[:length]); found {
			return rest + "***"
		}
	}
	return text
}

func forms(secret string) []string {
	inJSON, err := json.Marshal(secret)
	if err != nil {
		inJSON = []byte(`""`) // a string always can be
	}
	return []string{secret, url.QueryEscape(secret), strings.Trim(string(inJSON), `"`)}
}
