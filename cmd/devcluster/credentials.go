package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/csv"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Files of the credentials directory.
const (
	caCertFile            = credentialsDir + "/ca.crt"
	serverCertFile        = credentialsDir + "/server.crt"
	serverKeyFile         = credentialsDir + "/server.key"
	serviceAccountKeyFile = credentialsDir + "/service-account.key"
	tokensFile            = credentialsDir + "/tokens.csv"
)

// The users of a cluster. All are in system:masters, which RBAC lets do
// everything; the names tell them apart in an audit log.
const (
	adminUser      = "devcluster-admin"
	controllerUser = "system:kube-controller-manager"
	nodeUser       = "system:node:" + nodeName
)

const mastersGroup = "system:masters"

// credentials is what a client needs to be one of the users.
type credentials struct {
	ca     []byte            // PEM
	tokens map[string]string // by user
}

// credentials reads the directory's credentials, having made them if there are
// none. They appear by one rename, so that a half-made set is never used.
func (d *directory) credentials() (*credentials, error) {
	if _, err := os.Stat(d.file(credentialsDir)); errors.Is(err, fs.ErrNotExist) {
		if err := makeCredentials(d.path); err != nil {
			return nil, fmt.Errorf("make credentials: %w", err)
		}
	}
	ca, err := os.ReadFile(d.file(caCertFile))
	if err != nil {
		return nil, err
	}
	table, err := os.ReadFile(d.file(tokensFile))
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tokensFile, err)
	}
	c := &credentials{ca: ca, tokens: make(map[string]string)}
	for _, row := range rows {
		c.tokens[row[1]] = row[0]
	}
	return c, nil
}

// config is how user reaches the API server at address. It has no rate limit.
func (c *credentials) config(user, address string) *rest.Config {
	return &rest.Config{
		Host:            "https://" + address,
		BearerToken:     c.tokens[user],
		TLSClientConfig: rest.TLSClientConfig{CAData: c.ca},
		QPS:             -1,
	}
}

// kubeconfig is a kubeconfig file for user, complete in itself.
func (c *credentials) kubeconfig(user, address string) ([]byte, error) {
	const name = "devcluster"
	return clientcmd.Write(api.Config{
		Clusters:       map[string]*api.Cluster{name: {Server: "https://" + address, CertificateAuthorityData: c.ca}},
		AuthInfos:      map[string]*api.AuthInfo{user: {Token: c.tokens[user]}},
		Contexts:       map[string]*api.Context{name: {Cluster: name, AuthInfo: user}},
		CurrentContext: name,
	})
}

// makeCredentials writes a new set of keys, certificates and tokens under dir.
// The key of the certificate authority is used once and forgotten.
func makeCredentials(dir string) error {
	fresh, err := os.MkdirTemp(dir, "credentials-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)

	caKey, err := newKey()
	if err != nil {
		return err
	}
	serverKey, err := newKey()
	if err != nil {
		return err
	}
	serviceAccountKey, err := newKey()
	if err != nil {
		return err
	}
	ca := certificateTemplate("devcluster-ca")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return err
	}
	server := certificateTemplate("kube-apiserver")
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback, net.ParseIP(apiServiceIP)}
	server.DNSNames = []string{
		"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}
	serverDER, err := x509.CreateCertificate(rand.Reader, server, ca, serverKey.Public(), caKey)
	if err != nil {
		return err
	}
	serverKeyPEM, err := keyPEM(serverKey)
	if err != nil {
		return err
	}
	serviceAccountKeyPEM, err := keyPEM(serviceAccountKey)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		caCertFile:            certificatePEM(caDER),
		serverCertFile:        certificatePEM(serverDER),
		serverKeyFile:         serverKeyPEM,
		serviceAccountKeyFile: serviceAccountKeyPEM,
		tokensFile:            tokenTable(adminUser, controllerUser, nodeUser),
	} {
		if err := os.WriteFile(filepath.Join(fresh, filepath.Base(name)), content, 0o600); err != nil {
			return err
		}
	}
	return os.Rename(fresh, filepath.Join(dir, credentialsDir))
}

// certificateTemplate is valid from an hour ago, for clocks that differ, and for
// longer than any development cluster lives.
func certificateTemplate(commonName string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: commonName},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(10, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
}

func newKey() (*ecdsa.PrivateKey, error) {
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// keyPEM encodes a key in SEC 1 form, the one form in which the API server
// takes a service account key of this kind.
func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// tokenTable is a static token file: a line "token,user,uid,group" per user.
func tokenTable(users ...string) []byte {
	var table bytes.Buffer
	for _, user := range users {
		fmt.Fprintf(&table, "%s,%s,%s,%s\n", rand.Text(), user, user, mastersGroup)
	}
	return table.Bytes()
}
