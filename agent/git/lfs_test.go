package git

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skeema/knownhosts"
	"github.com/tidelock-io/tidelock/secrets"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"
)

// An lfsServer is the batch API and the store behind it, for bob with hunter22 or
// whoever has the header that ssh gives.
type lfsServer struct {
	*httptest.Server
	batches, gets atomic.Int32

	mu      sync.Mutex
	objects map[string][]byte // guarded by mu
	at      string            // before an object's name, where it is said to be; guarded by mu
}

// serveLFS answers below /shop.git/info/lfs, and leaves all else to git.
func (u *upstream) serveLFS(web *webServer) *lfsServer {
	s := &lfsServer{Server: web.Server, objects: map[string][]byte{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /shop.git/info/lfs/objects/batch", s.batch)
	mux.HandleFunc("GET /lfs/{oid}", s.get)
	mux.HandleFunc("GET /moved/{oid}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/lfs/"+r.PathValue("oid"), http.StatusFound)
	})
	answer := func(w http.ResponseWriter, r *http.Request) bool {
		_, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
		}
		return pattern != ""
	}
	web.before.Store(&answer)
	s.point("/lfs/")
	return s
}

// point says where objects are to be had.
func (s *lfsServer) point(at string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = at
}

func (s *lfsServer) admits(w http.ResponseWriter, r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	if user == "bob" && password == "hunter22" || r.Header.Get("Authorization") == "RemoteAuth hunter-ssh" {
		return true
	}
	http.Error(w, `{"message": "who are you?"}`, http.StatusUnauthorized)
	return false
}

func (s *lfsServer) batch(w http.ResponseWriter, r *http.Request) {
	s.batches.Add(1)
	var body struct {
		Operation string
		Transfers []string
		Objects   []struct {
			OID  string
			Size int64
		}
	}
	if !s.admits(w, r) {
		return
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.Operation != "download" || len(body.Objects) != 1 ||
		r.Header.Get("Accept") != "application/vnd.git-lfs+json" || strings.Join(body.Transfers, "") != "basic" {
		http.Error(w, "no", http.StatusUnprocessableEntity)
		return
	}
	o := body.Objects[0]
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/vnd.git-lfs+json")
	if _, ok := s.objects[o.OID]; !ok {
		fmt.Fprintf(w, `{"objects": [{"oid": %q, "size": %d, "error": {"code": 404, "message": "Object does not exist"}}]}`, o.OID, o.Size)
		return
	}
	fmt.Fprintf(w, `{"transfer": "basic", "objects": [{"oid": %q, "size": %d, "actions": {"download": {"href": %q, "header": {"X-Ask": "yes"}}}}]}`, o.OID, o.Size, s.at+o.OID)
}

func (s *lfsServer) get(w http.ResponseWriter, r *http.Request) {
	s.gets.Add(1)
	if !s.admits(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = w.Write(s.objects[r.PathValue("oid")])
}

// put keeps a content and returns its pointer.
func (s *lfsServer) put(content string) string {
	sum := sha256.Sum256([]byte(content))
	p := pointer{hex.EncodeToString(sum[:]), int64(len(content))}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[p.oid] = []byte(content)
	return p.String()
}

func TestLFS(t *testing.T) {
	u := newUpstream(t)
	web := u.serve("bob", "hunter22")
	lfs := u.serveLFS(web)
	kept, gone, forged := lfs.put("kept by LFS\n"), lfs.put("gone"), lfs.put("forged")
	delete(lfs.objects, oidOf(t, gone))
	lfs.objects[oidOf(t, forged)] = []byte("FORGED")
	long := strings.Replace(lfs.put("long"), "size 4", "size 3", 1)
	sha := u.commit(map[string]string{
		"kept": kept, "gone": gone, "forged": forged, "long": long, "plain": "x",
		"big": lfs.put(strings.Repeat("x", 2000)), "odd": strings.Replace(kept, "spec/v1", "spec/v9", 1), "more": kept + "more\n",
	})
	c := Credentials{Username: "bob", Password: secrets.New([]byte("hunter22"))}
	repo := Repo{URL: web.url(), Credentials: c, LFS: true}

	s := newStore(t, Options{Limits: Limits{FileSize: 1000}})
	files := tree(t, s, repo, sha)
	if got := content(t, files, "kept") + content(t, files, "plain"); got != "kept by LFS\nx" {
		t.Errorf("got %q", got)
	}
	for name, tt := range map[string]struct {
		kind error
		says string
	}{
		"gone":   {ErrLFS, "the server does not have it: 404"},
		"forged": {ErrLFS, "not what the pointer says"},
		"long":   {ErrTooLarge, "sends more than 3 bytes"},
		"big":    {ErrTooLarge, "has 2000 bytes, more than the limit of 1000"},
		"odd":    {ErrLFS, "pointer of an unknown version"},
		"more":   {ErrLFS, "pointer that is malformed"},
	} {
		if _, err := files.ReadFile(name); !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, want %q", name, err, tt.says)
		}
	}
	if _, err := tree(t, s, Repo{URL: web.url(), Credentials: c}, sha).ReadFile("kept"); !errors.Is(err, ErrLFS) || !strings.Contains(err.Error(), "is a Git LFS pointer") {
		t.Errorf("without LFS: %v", err)
	}

	// That LFS is enabled is no change of the commit, and counts all the same.
	without := NewRecorder(tree(t, s, Repo{URL: web.url(), Credentials: c}, sha))
	_, _ = without.ReadFile("kept")
	if without.Facts().HoldAfter(&Changes{}, files) || !without.Facts().HoldAfter(&Changes{}, tree(t, s, Repo{URL: web.url(), Credentials: c}, sha)) {
		t.Errorf("facts without LFS: %s", without.Facts())
	}

	// The fact is the pointer, and what failed is asked for again.
	r := NewRecorder(files)
	content(t, files, "kept")
	_, err := r.ReadFile("kept")
	must(t, err)
	if facts := r.Facts().String(); !strings.Contains(facts, u.work("rev-parse", sha+":kept")) || !r.Facts().Hold(tree(t, s, repo, sha)) {
		t.Errorf("facts: %s", facts)
	}
	_, _ = r.ReadFile("gone")
	if r.Facts().Hold(files) {
		t.Error("a file that could not be had is a fact of the commit")
	}
	lfs.mu.Lock()
	lfs.objects[oidOf(t, gone)] = []byte("gone")
	lfs.mu.Unlock()
	if got := content(t, files, "gone"); got != "gone" {
		t.Errorf("pushed later: %q", got)
	}
}

func oidOf(t *testing.T, text string) string {
	p, err := parsePointer([]byte(text))
	must(t, err)
	return p.oid
}

// A file is fetched once, whoever asks, kept, and checked each time.
func TestLFSIsKept(t *testing.T) {
	u := newUpstream(t)
	web := u.serve("bob", "hunter22")
	lfs := u.serveLFS(web)
	a, b := lfs.put(strings.Repeat("a", 600)), lfs.put(strings.Repeat("b", 600))
	sha := u.commit(map[string]string{"a": a, "b": b})
	repo := Repo{URL: web.url(), LFS: true, Credentials: Credentials{Username: "bob", Password: secrets.New([]byte("hunter22"))}}
	s := newStore(t, Options{MaxLFS: 1000})
	expect := func(what string, gets int32) {
		t.Helper()
		if n := lfs.gets.Swap(0); n != gets {
			t.Errorf("%s: %d downloads, want %d", what, n, gets)
		}
	}
	var g errgroup.Group
	for range 20 {
		g.Go(func() error { _, err := tree(t, s, repo, sha).ReadFile("a"); return err })
	}
	must(t, g.Wait())
	if n := lfs.gets.Swap(0); n < 1 || n > 2 { // who comes between the download and its end asks again
		t.Errorf("%d downloads for twenty", n)
	}
	content(t, tree(t, s, repo, sha), "a")
	expect("once more", 0)
	kept := lfsStore{path: onlyMirror(t, s).path}
	must(t, os.WriteFile(kept.file(oidOf(t, a)), []byte(strings.Repeat("A", 600)), 0o600))
	if got := content(t, tree(t, s, repo, sha), "a"); got != strings.Repeat("a", 600) {
		t.Errorf("a damaged file reads %q", got)
	}
	expect("damaged", 1)
	content(t, tree(t, s, repo, sha), "b")
	expect("another", 1)
	content(t, tree(t, s, repo, sha), "b")
	expect("another, kept", 0)
	content(t, tree(t, s, repo, sha), "a")
	expect("the first had to go", 1)
}

// Where a server points to gets none of our credentials, and is not this machine.
func TestLFSElsewhere(t *testing.T) {
	u := newUpstream(t)
	web := u.serve("bob", "hunter22")
	lfs := u.serveLFS(web)
	text := lfs.put("kept elsewhere")
	sha := u.commit(map[string]string{"kept": text})
	var shown []string
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown = append(shown, r.Header.Get("Authorization")+r.Header.Get("X-Ask"))
		fmt.Fprint(w, "kept elsewhere")
	}))
	t.Cleanup(store.Close)
	p := &fakeProxy{target: strings.TrimPrefix(store.URL, "http://")}
	proxy := "http://bob:hunter22@" + p.serveHTTP(t)
	port := store.URL[strings.LastIndexByte(store.URL, ':'):]

	for _, tt := range []struct{ name, at, proxy, says, shown string }{
		{"absolute, its own", web.URL + "/lfs/", "", "", ""},
		{"redirected at home", "/moved/", "", "", ""},
		{"another port", store.URL + "/", "", "", "yes"},
		{"another host", "http://objects.example.com/", proxy, "", "yes"},
		{"this machine", "http://localhost" + port + "/", "", "which is not followed", ""},
		{"links only", "http://169.254.169.254/", "", "which is not followed", ""},
		{"no scheme of ours", "file:///etc/passwd?", "", "not followed", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			shown = nil
			lfs.point(tt.at)
			c := Credentials{Username: "bob", Password: secrets.New([]byte("hunter22")), Proxy: secrets.New([]byte(tt.proxy))}
			files := tree(t, newStore(t, Options{}), Repo{URL: web.url(), Credentials: c, LFS: true}, sha)
			got, err := files.ReadFile("kept")
			if tt.says == "" && string(got) != "kept elsewhere" || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("got %q, %v", got, err)
			}
			if text := strings.Join(shown, ""); text != tt.shown {
				t.Errorf("shown %q, want %q", text, tt.shown)
			}
		})
	}
}

// By ssh the server says where its files are, and gives a header for it.
func TestLFSBySSH(t *testing.T) {
	u := newUpstream(t)
	web := u.serve("bob", "hunter22")
	lfs := u.serveLFS(web)
	sha := u.commit(map[string]string{"kept": lfs.put("kept by LFS")})
	host, _ := newKey(t)
	user, private := newKey(t)
	repo := func(address string) Repo {
		return Repo{URL: "ssh://git@" + address + "/shop.git", LFS: true, Credentials: Credentials{
			SSHPrivateKey: secrets.New(private), KnownHosts: knownhosts.Line([]string{address}, host.PublicKey()),
		}}
	}
	files := tree(t, newStore(t, Options{}), repo(u.serveSSH(t, host, user.PublicKey())), sha)
	if _, err := files.ReadFile("kept"); !errors.Is(err, ErrLFS) || !strings.Contains(err.Error(), "no git-lfs-authenticate for ssh") {
		t.Errorf("a server without it: %v", err)
	}
	u.authenticate = func(channel ssh.Channel, path string) {
		if path == "'/shop.git' download" {
			fmt.Fprintf(channel, `{"href": %q, "header": {"Authorization": "RemoteAuth hunter-ssh"}, "expires_in": 600}`, web.url()+"/info/lfs")
		}
	}
	files = tree(t, newStore(t, Options{}), repo(u.serveSSH(t, host, user.PublicKey())), sha)
	if got := content(t, files, "kept"); got != "kept by LFS" {
		t.Errorf("got %q", got)
	}
}

// A repository on this machine has the files beside it.
func TestLFSOnThisMachine(t *testing.T) {
	u := newUpstream(t)
	lfs := &lfsServer{objects: map[string][]byte{}}
	text := lfs.put("kept here")
	sha := u.commit(map[string]string{"kept": text})
	files := tree(t, newStore(t, Options{}), Repo{URL: u.bare(), LFS: true}, sha)
	if _, err := files.ReadFile("kept"); !errors.Is(err, ErrLFS) || !strings.Contains(err.Error(), "git lfs fetch") {
		t.Errorf("not there: %v", err)
	}
	p, err := parsePointer([]byte(text))
	must(t, err)
	must(t, lfsStore{u.bare(), 1 << 20}.write(p, []byte("kept here")))
	if got := content(t, files, "kept"); got != "kept here" {
		t.Errorf("got %q", got)
	}
}
