package jushuitan

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"refundsync/internal/text"
)

// sealedFor separates the key that seals tokens from others made of the same secret.
const sealedFor = "refundsync: tokens of Jushuitan's open platform"

// Seal encrypts a grant, so that it can be stored where only the holders of the application's
// secret may read it: with AES-256-GCM and a random nonce, the key made of the secret by
// HKDF-SHA256, and the app_key authenticated as well.
func (a OpenApp) Seal(grant Grant) ([]byte, error) {
	aead, err := a.aead()
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(grant)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, []byte(a.Key)), nil
}

// Unseal reads what Seal gave. It fails for another application or another secret.
func (a OpenApp) Unseal(sealed []byte) (Grant, error) {
	aead, err := a.aead()
	if err != nil {
		return Grant{}, err
	}
	plain, err := aead.Open(nil, nil, sealed, []byte(a.Key))
	if err != nil {
		return Grant{}, text.Errorf("the token was sealed with another JUSHUITAN_OPEN_APP_SECRET, or damaged: %w", err)
	}
	var grant Grant
	return grant, json.Unmarshal(plain, &grant)
}

func (a OpenApp) aead() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(a.Secret), nil, sealedFor, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// TokenID identifies a token without telling it; "" for none.
func TokenID(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:8])
}
