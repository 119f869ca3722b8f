package jushuitan

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
)

// published are the parameters of the platform's own example; its secret is
// "helloworld".
func published(method SignMethod) map[string]string {
	return map[string]string{
		"method": "taobao.item.seller.get", "app_key": "12345678", "session": "test",
		"timestamp": "2016-01-01 12:00:00", "format": "json", "v": "2.0",
		"sign_method": string(method), "fields": "num_iid,title,nick,price,num", "num_iid": "11223344",
	}
}

func TestSignVectors(t *testing.T) {
	for _, test := range []struct {
		name   string
		method SignMethod
		params map[string]string
		secret string
		want   string
	}{
		{"published md5", SignMD5, published(SignMD5), "helloworld", "66987CB115214E59E6EC978214934FB8"},
		{"published hmac-sha256", SignHMACSHA256, published(SignHMACSHA256), "helloworld",
			"04DB15AD0774D5CFCE2C837DE43E3FCEA9011ED74F3038FB6AB5F3C4CEA119E8"},
		// RFC 2202, HMAC-MD5 test case 2: key "Jefe", data "what do ya want for nothing?".
		{"rfc 2202 hmac", SignHMAC, map[string]string{"what do ya want": " for nothing?"}, "Jefe",
			"750C783E6AB0B503EAA86E310A5DB738"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Sign(test.method, test.secret, test.params)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

func TestSignLeavesOutSignAndBlankValues(t *testing.T) {
	params := published(SignMD5)
	maps.Copy(params, map[string]string{"sign": "OLD", "shop_id": "", "wms_co_id": " \t"})
	got, err := Sign(SignMD5, "helloworld", params)
	require.NoError(t, err)
	require.Equal(t, "66987CB115214E59E6EC978214934FB8", got)
	require.Equal(t, "OLD", params["sign"], "the caller's map stays as it was")
}

func TestSignSortsByByteNotByLetter(t *testing.T) {
	// "Z" comes before "a" in byte order: the text is Z1_2a3.
	got, err := Sign(SignMD5, "", map[string]string{"a": "3", "_": "2", "Z": "1"})
	require.NoError(t, err)
	same, err := Sign(SignMD5, "", map[string]string{"Z1_2a": "3"})
	require.NoError(t, err)
	require.Equal(t, same, got)
}

func TestSignRefusesUnknownMethod(t *testing.T) {
	_, err := Sign("sha1", "secret", published("sha1"))
	require.ErrorContains(t, err, `"sha1"`)
}
