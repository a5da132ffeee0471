package git

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"strings"
)

const (
	lfsType      = "application/vnd.git-lfs+json"
	maxLFSHeader = 32 // that a server may ask for
)

// errLFSAbsent says that a server does not have an object.
var errLFSAbsent = errors.New("the server does not have it")

// object returns the content of a pointer, from the mirror's own store or from
// the server. All who want it at the same time share one download.
func (g *reach) object(p pointer) ([]byte, error) {
	kept := lfsStore{g.remote.mirror.path, g.store.options.MaxLFS}
	if content, ok := kept.read(p); ok {
		return content, nil
	}
	v, err := g.store.share(g.store.ctx, "lfs "+g.remote.key+" "+p.oid, g.store.options.FetchTimeout, func(ctx context.Context) (any, error) {
		content, err := g.remote.download(ctx, p)
		if err != nil {
			return nil, g.remote.classify(err)
		}
		if err := kept.write(p, content); err != nil {
			g.remote.mirror.log.Warn("a file of Git LFS is not kept", "mirror", g.remote.mirror.path, "error", err)
		}
		return content, nil
	})
	if err != nil {
		return nil, err
	}
	return v.([]byte), nil
}

// download gets an object by the batch API
// (https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md).
func (r *remote) download(ctx context.Context, p pointer) ([]byte, error) {
	if local, ok := r.via.(localTransport); ok {
		return local.object(r.endpoint.Path, p)
	}
	api, err := r.lfsEndpoint(ctx)
	if err != nil {
		return nil, err
	}
	from, err := api.locate(ctx, p)
	if err != nil {
		return nil, err
	}
	content, err := api.get(ctx, from, p)
	if err != nil {
		return nil, err
	}
	return content, p.check(content)
}

// check compares a content with what a pointer says of it.
func (p pointer) check(content []byte) error {
	if sum := sha256.Sum256(content); int64(len(content)) != p.size || hex.EncodeToString(sum[:]) != p.oid {
		return &refusal{ErrRepository, "what Git LFS gives is not what the pointer says", "push the file anew: git lfs push --all"}
	}
	return nil
}

// object reads from a repository on this machine what git-lfs has put there.
func (t localTransport) object(path string, p pointer) ([]byte, error) {
	dir, err := t.repository(path)
	if err != nil {
		return nil, err
	}
	content, ok := lfsStore{path: dir}.read(p)
	if !ok {
		return nil, &refusal{ErrRepository, "the file is not in this repository", "git lfs fetch --all"}
	}
	return content, nil
}

// An lfsAPI is where the server's batch API is, and how to get in.
type lfsAPI struct {
	remote *remote
	base   *url.URL
	header map[string]string // that the server itself gave, by ssh; nil for the login
}

// lfsEndpoint guesses the address as git-lfs does, or asks by ssh. A lfs.url of
// the repository's own .lfsconfig does not count: whoever writes it could have our
// credentials sent anywhere.
func (r *remote) lfsEndpoint(ctx context.Context) (*lfsAPI, error) {
	if via, ok := r.via.(*sshTransport); ok {
		return r.lfsBySSH(ctx, via)
	}
	address := strings.TrimRight(r.repo.URL, "/")
	if !strings.HasSuffix(address, ".git") {
		address += ".git"
	}
	base, err := url.Parse(address + "/info/lfs")
	return &lfsAPI{remote: r, base: base}, err
}

// lfsBySSH asks with git-lfs-authenticate, which most servers have.
func (r *remote) lfsBySSH(ctx context.Context, via *sshTransport) (*lfsAPI, error) {
	text, err := via.output(ctx, r.endpoint, "git-lfs-authenticate "+quoted(r.endpoint.Path)+" download", maxAPI)
	var answer struct {
		Href   string            `json:"href"`
		Header map[string]string `json:"header"`
	}
	if err != nil || json.Unmarshal(text, &answer) != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) || r.isAuth(err) {
			return nil, err
		}
		return nil, &refusal{ErrRepository, "the server has no git-lfs-authenticate for ssh", "use the repository's https address"}
	}
	base, err := url.Parse(answer.Href)
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" {
		return nil, &refusal{ErrRepository, "git-lfs-authenticate names no http address", ""}
	}
	if answer.Header == nil {
		answer.Header = map[string]string{}
	}
	return &lfsAPI{remote: r, base: base, header: answer.Header}, nil
}

// isAuth reports whether an error is about getting in.
func (r *remote) isAuth(err error) bool { return err != nil && errors.Is(r.classify(err), ErrAuth) }

// A location is where an object is to be got.
type location struct {
	Href   string            `json:"href"`
	Header map[string]string `json:"header"`
}

// locate asks the batch API for one object.
func (a *lfsAPI) locate(ctx context.Context, p pointer) (*location, error) {
	body := fmt.Sprintf(`{"operation":"download","transfers":["basic"],"hash_algo":"sha256","objects":[{"oid":%q,"size":%d}]}`, p.oid, p.size)
	text, err := a.batch(ctx, []byte(body))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Transfer string `json:"transfer"`
		Objects  []struct {
			OID   string `json:"oid"`
			Error *struct {
				Code    int    `json:"code"`
				Message string `json:"message"`
			} `json:"error"`
			Actions struct {
				Download *location `json:"download"`
			} `json:"actions"`
		} `json:"objects"`
	}
	switch err := json.Unmarshal(text, &answer); {
	case err != nil || len(answer.Objects) != 1 || answer.Objects[0].OID != p.oid:
		return nil, errors.New("the server's answer is not one of Git LFS")
	case answer.Transfer != "" && answer.Transfer != "basic":
		return nil, fmt.Errorf("the server transfers Git LFS files by %q only", answer.Transfer)
	case answer.Objects[0].Error != nil:
		e := answer.Objects[0].Error
		return nil, fmt.Errorf("%w: %d %s", errLFSAbsent, e.Code, e.Message)
	case answer.Objects[0].Actions.Download == nil:
		return nil, errLFSAbsent
	}
	return answer.Objects[0].Actions.Download, nil
}

// batch asks once more if the server wants another login.
func (a *lfsAPI) batch(ctx context.Context, body []byte) ([]byte, error) {
	text, status, err := a.post(ctx, body)
	if status == http.StatusUnauthorized && a.header == nil && a.remote.login.refused() {
		text, status, err = a.post(ctx, body)
	}
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusOK:
		return text, nil
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return nil, refuse("check that they may read files of Git LFS", "Git LFS does not accept the credentials (status %d)", status)
	case status == http.StatusNotFound:
		return nil, &refusal{ErrRepository, "the server has no Git LFS for this repository", "a lfs.url in .lfsconfig is not followed"}
	}
	return nil, fmt.Errorf("the server answers Git LFS with status %d", status)
}

func (a *lfsAPI) post(ctx context.Context, body []byte) ([]byte, int, error) {
	client, err := a.remote.repo.Credentials.client(a.own(a.base))
	if err != nil {
		return nil, 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base.JoinPath("objects", "batch").String(), bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Accept", lfsType)
	req.Header.Set("Content-Type", lfsType)
	if err := a.identify(ctx, req); err != nil {
		return nil, 0, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(atMost(res.Body, maxAPI))
	return text, res.StatusCode, err
}

// identify shows who we are to the batch API.
func (a *lfsAPI) identify(ctx context.Context, req *http.Request) error {
	if a.header != nil {
		return addHeader(req, a.header)
	}
	method, err := a.remote.login.show(ctx)
	if err == nil && method != nil {
		method.SetAuth(req)
	}
	return err
}

// own reports whether an address is on the repository's own host.
func (a *lfsAPI) own(u *url.URL) bool {
	return strings.EqualFold(u.Hostname(), strings.Trim(a.remote.endpoint.Host, "[]"))
}

// addHeader adds what a server asks for, but for what is not its business.
func addHeader(req *http.Request, header map[string]string) error {
	if len(header) > maxLFSHeader {
		return errors.New("the server asks for too many headers")
	}
	for name, value := range header {
		switch http.CanonicalHeaderKey(name) {
		case "Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Proxy-Authorization":
			continue
		}
		req.Header.Set(name, value)
	}
	return nil
}

// get downloads an object. Our own login is for the batch API's own origin, and
// nobody else.
func (a *lfsAPI) get(ctx context.Context, from *location, p pointer) ([]byte, error) {
	at, err := a.base.Parse(from.Href)
	if err != nil || at.Scheme != "https" && at.Scheme != "http" || a.base.Scheme == "https" && at.Scheme != "https" {
		return nil, errors.New("the server names a place that is not followed: no https address")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	if err := addHeader(req, from.Header); err != nil {
		return nil, err
	}
	if sameOrigin(at, a.base) && req.Header.Get("Authorization") == "" {
		if err := a.identify(ctx, req); err != nil {
			return nil, err
		}
	}
	client, err := a.remote.repo.Credentials.wanderer(a.own)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the download from %s ends with status %d", at.Hostname(), res.StatusCode)
	}
	return io.ReadAll(atMost(res.Body, p.size))
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string { return first(u.Port(), proxySchemes[u.Scheme]) }
