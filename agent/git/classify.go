package git

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// classify dresses an error of talking to a server. What servers say is quoted
// only where it helps, shortened and without control characters.
func (r *remote) classify(err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	err = unwrapped(err)
	e := &Error{URL: redact(r.repo.URL)}
	e.What, e.Hint, e.Kind = explain(err)
	e.What = r.login.scrub(r.repo.Credentials.scrub(e.What))
	for _, cause := range []error{context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, cause) {
			e.cause = cause
		}
	}
	return e
}

// unwrapped looks into go-git's wrappers, which errors.As does not.
func unwrapped(err error) error {
	var unexpected *plumbing.UnexpectedError
	var permanent *plumbing.PermanentError
	switch {
	case errors.As(err, &unexpected):
		return unwrapped(unexpected.Err)
	case errors.As(err, &permanent):
		return unwrapped(permanent.Err)
	}
	return err
}

func explain(err error) (what, hint string, kind error) {
	var status *githttp.Err
	var hostKey *knownhosts.KeyError
	var cert *tls.CertificateVerificationError
	var exit *ssh.ExitError
	var redirected *url.Error
	var refused *refusal
	var algorithms *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(err, &refused):
		return plain(refused), refused.hint, refused.kind
	case errors.Is(err, ErrTooLarge):
		return plain(err), "", ErrTooLarge
	case errors.Is(err, ErrAuth):
		return plain(err), "check the repository's credentials", ErrAuth
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return "the server asks for credentials, or does not accept those it got", "add or correct the repository's credentials", ErrAuth
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return "the credentials do not allow reading this repository", "grant read access, or use other credentials", ErrAuth
	case errors.As(err, &hostKey) && len(hostKey.Want) > 0:
		return "the server's SSH host key is not the known one", "somebody may be in between; if the key was changed on purpose, update the known hosts", ErrAuth
	case errors.As(err, &hostKey):
		return "the server's SSH host key is unknown", "add it to the known hosts", ErrAuth
	case errors.As(err, &algorithms) && algorithms.What == "host key":
		return "the server has no SSH host key of a kind that the known hosts have", "add another of its keys to the known hosts", ErrAuth
	case errors.As(err, &cert):
		return plain(cert.Err), "add the server's certificate authority to the TLS certificates", ErrAuth
	case strings.Contains(err.Error(), "ssh: unable to authenticate"):
		// golang.org/x/crypto/ssh has no error value for it.
		return "the server does not accept the SSH key", "add the public key to the repository as a deploy key", ErrAuth
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return "the server has no such repository, or hides it without credentials", "check the address and the credentials", ErrRepository
	case errors.As(err, &status):
		return fmt.Sprintf("the server answers with status %d", status.StatusCode()), "", ErrRepository
	case errors.As(err, &exit):
		return fmt.Sprintf("the SSH command ended with status %d", exit.ExitStatus()), "check the repository's path", ErrRepository
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time", "check the network, or that the server is up", ErrRepository
	case errors.As(err, &redirected):
		return plain(redirected.Err), "", ErrRepository
	}
	return plain(err), "", ErrRepository
}

// plain makes foreign text fit for a message: one line, no control characters,
// not too long.
func plain(err error) string {
	text := strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
			return ' '
		}
		return c
	}, err.Error())
	if text = strings.TrimSpace(text); len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	return text
}
