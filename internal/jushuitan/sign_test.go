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

// The first two are the open platform's own, the third an integrator's.
func TestSignOpenVectors(t *testing.T) {
	const demoSecret = "e9c5ca33fecb404b8e6cdbd0ef4a6d25"
	for _, test := range []struct {
		name, secret string
		params       map[string]string
		want         string
	}{
		{"token call", demoSecret, map[string]string{
			"app_key": "5b53060f23d84ddf9703056e84fa5a2d", "charset": "utf-8", "timestamp": "1639128407",
			"code": "123456", "grant_type": "authorization_code",
		}, "05e3a51e19e0883afd1882ccd309e0b9"},
		{"business call", demoSecret, map[string]string{
			"app_key": "5b53060f23d84ddf9703056e84fa5a2d", "charset": "utf-8", "timestamp": "1639128407",
			"access_token": "d7b01bf0842a4742a9450e21ffd95f60", "version": "2",
			"biz": `{"page_index":"1","page_size":"100","nicks":["老板"]}`,
		}, "395f5a78b446be465ac03a02491296c7"},
		{"an integrator's", "test_secret", map[string]string{
			"access_token": "test_token", "app_key": "test_key", "biz": `{"page_index":1,"page_size":50}`, "charset": "utf-8",
			"timestamp": "1704164645", "version": "2", "sign": "OLD", "shop_id": "",
		}, "dd4eb707620e2ec2a0f38d51ff8586c5"},
	} {
		t.Run(test.name, func(t *testing.T) { require.Equal(t, test.want, SignOpen(test.secret, test.params)) })
	}
}
