package git

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// sshTransport runs git-upload-pack on a server by SSH. go-git's own transport
// cannot be told to give up during the handshake, and reads the configuration
// of whoever runs it.
type sshTransport struct {
	config *ssh.ClientConfig
	way    Credentials           // to the server
	hosts  *knownhosts.HostKeyDB // nil: any host key will do
	limits serverLimits
}

func newSSH(c Credentials, ep *transport.Endpoint, limits serverLimits) (*sshTransport, error) {
	t := &sshTransport{limits: limits, way: c, config: &ssh.ClientConfig{User: cmp.Or(ep.User, c.Username, "git")}}
	switch key, password := c.SSHPrivateKey.Reveal(), c.Password.Reveal(); {
	case len(key) > 0:
		signer, err := parseKey(key, c.SSHPassphrase.Reveal())
		if err != nil {
			return nil, err
		}
		t.config.Auth = []ssh.AuthMethod{ssh.PublicKeys(signer)}
	case len(password) > 0:
		t.config.Auth = []ssh.AuthMethod{ssh.Password(string(password))}
	case c.Personal != nil && c.Personal.Signers != nil:
		user, host := t.config.User, strings.Trim(ep.Host, "[]")
		t.config.Auth = []ssh.AuthMethod{ssh.PublicKeysCallback(func() ([]ssh.Signer, error) { return c.Personal.Signers(user, host) })}
	default:
		return nil, refuse("add sshPrivateKey to the repository's Secret", "there is no SSH private key for it")
	}
	if c.InsecureIgnoreHostKey {
		t.config.HostKeyCallback = ssh.InsecureIgnoreHostKey() //nolint:gosec // as the repository's owner says
		return t, nil
	}
	var err error
	if t.hosts, err = parseKnownHosts(c.KnownHosts); err != nil {
		return nil, err
	}
	t.config.HostKeyCallback = t.known
	return t, nil
}

// known checks a host's key. A host that is not known on its port may be known
// without one, as in OpenSSH.
func (t *sshTransport) known(address string, at net.Addr, key ssh.PublicKey) error {
	check := t.hosts.HostKeyCallback()
	err := check(address, at, key)
	var revoked *xknownhosts.RevokedError
	var named *xknownhosts.KeyError
	switch plain, ok := withoutSSHPort(address); {
	case err == nil:
		return nil
	case errors.As(err, &revoked):
		return refuse("somebody may be in between", "the server's SSH host key is revoked in the known hosts")
	case ok && !knownhosts.IsHostKeyChanged(err) && check(plain, at, key) == nil:
		return nil
	case errors.As(err, &named):
		return err
	}
	return refuse("correct the known hosts, or the server's certificate", "the server's SSH host certificate is not accepted: %s", strings.TrimPrefix(err.Error(), "ssh: "))
}

// algorithms are those of the keys that a host is known by, so that it shows one
// of these.
func (t *sshTransport) algorithms(address string) []string {
	found := t.hosts.HostKeyAlgorithms(address)
	if plain, ok := withoutSSHPort(address); ok && len(found) == 0 {
		return t.hosts.HostKeyAlgorithms(plain)
	}
	return found
}

// withoutSSHPort is the address with ssh's own port, if it has another.
func withoutSSHPort(address string) (string, bool) {
	host, port, err := net.SplitHostPort(address)
	return net.JoinHostPort(host, "22"), err == nil && port != "22"
}

// parseKey never puts a piece of the key into its error.
func parseKey(pem, passphrase []byte) (ssh.Signer, error) {
	signer, err := ssh.ParsePrivateKey(pem)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		if signer, err = ssh.ParsePrivateKeyWithPassphrase(pem, passphrase); err != nil {
			return nil, refuse("", "the SSH private key needs another passphrase")
		}
	}
	if err != nil {
		return nil, refuse("", "the SSH private key is not one in PEM")
	}
	return signer, nil
}

// parseKnownHosts goes by a file, for the library reads nothing else.
func parseKnownHosts(lines string) (*knownhosts.HostKeyDB, error) {
	f, err := os.CreateTemp("", "known_hosts_")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(lines)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	db, err := knownhosts.NewDB(f.Name())
	if err != nil {
		return nil, refuse("correct or remove that line", "known hosts: %s", strings.ReplaceAll(err.Error(), f.Name(), "line"))
	}
	return db, nil
}

func (t *sshTransport) NewUploadPackSession(ep *transport.Endpoint, _ transport.AuthMethod) (transport.UploadPackSession, error) {
	return &sshSession{transport: t, endpoint: ep}, nil
}

func (t *sshTransport) NewReceivePackSession(*transport.Endpoint, transport.AuthMethod) (transport.ReceivePackSession, error) {
	return nil, errors.New("mirrors are read-only")
}

// An sshSession is one connection that runs one git-upload-pack. It closes
// itself when the context of its first call ends.
type sshSession struct {
	transport *sshTransport
	endpoint  *transport.Endpoint

	client  *ssh.Client
	session *ssh.Session
	stdin   io.WriteCloser
	stdout  io.Reader
	stderr  tail
	refs    *packp.AdvRefs
	stop    func() bool
}

var _ transport.UploadPackSession = (*sshSession)(nil)

func (s *sshSession) AdvertisedReferences() (*packp.AdvRefs, error) {
	return s.AdvertisedReferencesContext(context.Background())
}

func (s *sshSession) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	if s.refs != nil {
		return s.refs, nil
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	refs := packp.NewAdvRefs()
	err := refs.Decode(atMost(s.stdout, s.transport.limits.refs))
	switch {
	case errors.Is(err, packp.ErrEmptyAdvRefs), err == nil && refs.IsEmpty():
		return nil, transport.ErrEmptyRemoteRepository
	case err != nil:
		return nil, errors.Join(ctx.Err(), s.refused(err))
	}
	transport.FilterUnsupportedCapabilities(refs.Capabilities)
	s.refs = refs
	return refs, nil
}

// refused prefers what the server said to how it did not fit the protocol.
func (s *sshSession) refused(err error) error {
	if !errors.Is(err, packp.ErrEmptyInput) {
		return err
	}
	_ = s.session.Wait() // for the rest of what it says; ends with the context
	said := s.stderr.String()
	lower := strings.ToLower(said)
	for _, words := range []string{"not found", "does not exist", "not a git repository", "not appear to be a git repository"} {
		if strings.Contains(lower, words) {
			return transport.ErrRepositoryNotFound
		}
	}
	return fmt.Errorf("the server says %q", said)
}

func (s *sshSession) start(ctx context.Context) (err error) {
	if s.client, s.stop, err = s.transport.connect(ctx, s.endpoint); err != nil {
		return err
	}
	return s.run()
}

// connect logs in to a server. The connection ends with ctx until stop is called.
func (t *sshTransport) connect(ctx context.Context, ep *transport.Endpoint) (_ *ssh.Client, stop func() bool, err error) {
	host, port := strings.Trim(ep.Host, "[]"), strconv.Itoa(cmp.Or(ep.Port, 22))
	address := net.JoinHostPort(host, port)
	conn, err := t.way.dialSSH(ctx, host, port)
	if err != nil {
		return nil, nil, err
	}
	stop = context.AfterFunc(ctx, func() { conn.Close() })
	config := *t.config
	if t.hosts != nil {
		config.HostKeyAlgorithms = t.algorithms(address)
	}
	c, channels, requests, err := ssh.NewClientConn(conn, address, &config)
	if err != nil {
		stop()
		conn.Close()
		return nil, nil, err
	}
	return ssh.NewClient(c, channels, requests), stop, nil
}

// output runs a command on a repository and returns what it prints, of which no
// more than limit bytes are read.
func (t *sshTransport) output(ctx context.Context, ep *transport.Endpoint, command string, limit int64) ([]byte, error) {
	client, stop, err := t.connect(ctx, ep)
	if err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	defer client.Close()
	defer stop()
	session, err := client.NewSession()
	if err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	defer session.Close()
	out, err := session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := session.Start(command); err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	text, err := io.ReadAll(atMost(out, limit))
	if err == nil {
		err = session.Wait()
	}
	if err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	return text, nil
}

// quoted is a path as a shell takes it for one word.
func quoted(path string) string { return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'" }

func (s *sshSession) run() error {
	var err error
	if s.session, err = s.client.NewSession(); err != nil {
		return err
	}
	s.session.Stderr = &s.stderr
	if s.stdin, err = s.session.StdinPipe(); err != nil {
		return err
	}
	if s.stdout, err = s.session.StdoutPipe(); err != nil {
		return err
	}
	return s.session.Start("git-upload-pack " + quoted(s.endpoint.Path))
}

func (s *sshSession) UploadPack(ctx context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	if _, err := s.AdvertisedReferencesContext(ctx); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	if err := req.UploadRequest.Encode(&body); err != nil {
		return nil, err
	}
	if err := req.UploadHaves.Encode(&body, false); err != nil {
		return nil, err
	}
	if err := pktline.NewEncoder(&body).EncodeString("done\n"); err != nil {
		return nil, err
	}
	if _, err := s.stdin.Write(body.Bytes()); err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	res := packp.NewUploadPackResponse(req)
	if err := res.Decode(io.NopCloser(atMost(s.stdout, s.transport.limits.pack))); err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	return res, nil
}

// Close ends the connection; the server's process ends with it.
func (s *sshSession) Close() error {
	if s.stop != nil {
		s.stop()
	}
	if s.client == nil {
		return nil
	}
	return s.client.Close()
}

// A tail keeps the first bytes of what a server prints on its standard error.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[:min(len(p), 512-len(t.text))]...)
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
