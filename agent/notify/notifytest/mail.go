// Package notifytest has receivers of notifications: real servers, for tests.
package notifytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// A Mail is one that was delivered.
type Mail struct {
	User string // who has logged in
	TLS  bool   // since before that
	From string
	To   []string
	Text string // with its headers
}

// A MailServer speaks SMTP with STARTTLS, and takes mail from one user alone.
type MailServer struct {
	Host           string
	Port           int
	User, Password string

	server *smtp.Server
	mu     sync.Mutex // guards mails
	mails  []Mail
}

// StartMail starts a server on the loopback device.
func StartMail(user, password string) (*MailServer, error) {
	certificate, err := selfSigned()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		return nil, fmt.Errorf("listen for mail: %w", err)
	}
	m := &MailServer{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, User: user, Password: password}
	m.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{to: m, conn: c}, nil }))
	m.server.Domain, m.server.TLSConfig = "mail.example", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	m.server.ErrorLog = silent{}
	go func() { _ = m.server.Serve(listener) }() // ends by Close
	return m, nil
}

// Close ends it.
func (m *MailServer) Close() error { return m.server.Close() }

// Mails returns those that have come.
func (m *MailServer) Mails() []Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// A session is one connection.
type session struct {
	to   *MailServer
	conn *smtp.Conn
	mail Mail
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.to.User || password != s.to.Password {
			return errors.New("wrong user or password")
		}
		_, s.mail.TLS = s.conn.TLSConnectionState()
		s.mail.User = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.mail.User == "" {
		return smtp.ErrAuthRequired
	}
	s.mail.From = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = append(s.mail.To, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.Text = string(text)
	s.to.mu.Lock()
	defer s.to.mu.Unlock()
	s.to.mails = append(s.to.mails, s.mail)
	return nil
}

func (s *session) Reset()        { s.mail.From, s.mail.To, s.mail.Text = "", nil, "" }
func (s *session) Logout() error { return nil }

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
