package config

import (
	"crypto/x509"
	"encoding/pem"

	"refundsync/internal/text"
)

// certificates adds the certificates of a PEM file to the system's; without a path it
// gives nil, which trusts only the system's.
func (c *checker) certificates(name, path string) *x509.CertPool {
	if path == "" {
		return nil
	}
	data, err := readSmallFile(path)
	if err != nil {
		c.wrong(name, text.New("can't read the file %q (%v)", path, err))
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
			c.wrong(name, text.New("can't parse certificate %d in it (%v)", found+1, err))
			return nil
		}
		pool.AddCert(certificate)
		found++
	}
	if found == 0 {
		c.wrong(name, text.New("the file contains no PEM certificate"))
	}
	return pool
}
