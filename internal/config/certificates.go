package config

import (
	"crypto/x509"
	"encoding/pem"

	"refundsync/internal/text"
)

// certificates adds the certificates of a PEM file to those that the system
// trusts; nil, which trusts the system's alone, where there is no path.
func (c *checker) certificates(name, path string) *x509.CertPool {
	if path == "" {
		return nil
	}
	data, err := readSmallFile(path)
	if err != nil {
		c.wrong(name, text.New("The file %q can't be read (%v)", path, err))
		return nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // the system has none
	}
	found := 0
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			c.wrong(name, text.New("Certificate %d in it can't be understood (%v)", found+1, err))
			return nil
		}
		pool.AddCert(certificate)
		found++
	}
	if found == 0 {
		c.wrong(name, text.New("The file holds no certificate in PEM"))
	}
	return pool
}
