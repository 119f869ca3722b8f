package childprocess

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTailKeepsTheEnd(t *testing.T) {
	full := strings.Repeat("x", tailBytes)
	for name, test := range map[string]struct {
		written []string
		want    string
	}{
		"nothing":             {nil, ""},
		"all that fits":       {[]string{"one\n", "two\n"}, "one\ntwo"},
		"as much as it holds": {[]string{full}, full},
		"the end of one":      {[]string{"lost" + full}, full},
		"the end of several":  {[]string{"lost", full[4:], "last"}, full[4:] + "last"},
	} {
		t.Run(name, func(t *testing.T) {
			var tail Tail
			for _, text := range test.written {
				n, err := tail.Write([]byte(text))
				require.NoError(t, err)
				require.Len(t, text, n)
			}
			require.Equal(t, test.want, tail.String())
		})
	}
}
