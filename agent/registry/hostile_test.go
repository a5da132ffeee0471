package registry_test

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/registry"
)

var small = registry.Limits{Index: 1 << 20, Archive: 1 << 16, Unpacked: 1 << 16, Files: 20}

func TestHostileArchives(t *testing.T) {
	w := newWeb(t)
	entry := func(name string, flag byte, size int64, link string) tar.Header {
		return tar.Header{Name: name, Typeflag: flag, Size: size, Linkname: link, Mode: 0o644}
	}
	good := entry("shop/Chart.yaml", tar.TypeReg, 4, "")
	many := make([]tar.Header, 21)
	for i := range many {
		many[i] = entry(fmt.Sprintf("shop/%d", i), tar.TypeReg, 0, "")
	}
	for _, tt := range []struct {
		name, want string
		kind       error
		data       []byte
	}{
		{"absolute", `has an entry /etc/passwd, which is absolute`, git.ErrMalformed, headers(t, good, entry("/etc/passwd", tar.TypeReg, 4, ""))},
		{"climbing", "shop/../../x, which leads out of it", git.ErrMalformed, headers(t, good, entry("shop/../../x", tar.TypeReg, 4, ""))},
		{"drive", "which is absolute", git.ErrMalformed, headers(t, good, entry("C:/x", tar.TypeReg, 4, ""))},
		{"backslash", "has a backslash", git.ErrMalformed, headers(t, good, entry(`shop\..\x`, tar.TypeReg, 4, ""))},
		{"symbolic link", "shop/values.yaml is a symbolic link; only files are taken", git.ErrMalformed, headers(t, good, entry("shop/values.yaml", tar.TypeSymlink, 0, "/etc/passwd"))},
		{"hard link", "is a hard link", git.ErrMalformed, headers(t, good, entry("shop/x", tar.TypeLink, 0, "shop/Chart.yaml"))},
		{"device", "is a device", git.ErrMalformed, headers(t, good, entry("shop/x", tar.TypeChar, 0, ""))},
		{"pipe", "is a pipe", git.ErrMalformed, headers(t, good, entry("shop/x", tar.TypeFifo, 0, ""))},
		{"twice", "Chart.yaml twice", git.ErrMalformed, headers(t, good, good)},
		{"file and directory", "as a file and as a directory", git.ErrMalformed, headers(t, good, entry("shop/Chart.yaml/x", tar.TypeReg, 4, ""))},
		{"beside", "lies beside the chart's directory", git.ErrMalformed, headers(t, good, entry("x", tar.TypeReg, 4, ""))},
		{"two charts", "several directories at the top, such as shop and other", git.ErrMalformed, headers(t, good, entry("other/Chart.yaml", tar.TypeReg, 4, ""))},
		{"empty", "it holds no file", git.ErrMalformed, headers(t)},
		{"many", "more than 20 entries", git.ErrTooLarge, headers(t, many...)},
		{"long name", "a name of 2005 bytes", git.ErrTooLarge, headers(t, entry("shop/"+strings.Repeat("x", 2000), tar.TypeReg, 0, ""))},
		{"deep", "more than 32 directories deep", git.ErrTooLarge, headers(t, entry(strings.Repeat("d/", 40)+"x", tar.TypeReg, 0, ""))},
		{"bomb", "unpacks to more than 65536 bytes", git.ErrTooLarge, headers(t, entry("shop/zero", tar.TypeReg, 1<<20, ""))},
		{"large", "sends more than 65536 bytes", git.ErrTooLarge, make([]byte, 1<<17)},
		{"no archive", "the archive cannot be read", git.ErrMalformed, []byte("<html>welcome</html>")},
		{"cut", "the archive cannot be read", git.ErrMalformed, chart(t, "shop", "1.0.0")[:100]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.put("/shop.tgz", tt.data)
			w.index(t, "shop 1.0.0 /shop.tgz")
			_, _, err := bring(t.Context(), newStore(t, small), registry.Chart(w.repo(), "shop"), "1.0.0")
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), w.URL) {
				t.Errorf("got %v, want %v: %s", err, tt.kind, tt.want)
			}
		})
	}
}

// headers packs entries, of which files hold zeros.
func headers(t *testing.T, list ...tar.Header) []byte {
	t.Helper()
	sizes := map[string]int64{}
	for _, h := range list {
		sizes[h.Name] = h.Size
	}
	return packAs(t, list, func(name string) string { return strings.Repeat("\x00", int(sizes[name])) })
}

// A file of 1 TiB, all of it a hole, takes no place in the stream.
func TestSparseBomb(t *testing.T) {
	r := newOCI(t)
	hole := tar.Header{
		Name: "hole", Typeflag: tar.TypeReg, Mode: 0o644, Format: tar.FormatPAX,
		PAXRecords: map[string]string{"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "hole", "GNU.sparse.realsize": "1099511627776"},
	}
	data, err := sparse(hole)
	if err != nil {
		t.Fatal(err)
	}
	r.push(t, "x", "v1", "application/vnd.oci.image.layer.v1.tar", data)
	_, _, err = bring(t.Context(), newStore(t, registry.Limits{}), registry.Artifact(r.repo("x")), "v1")
	if !errors.Is(err, git.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

// Links of an artifact stay links, and lead nowhere but inside.
func TestArtifactLinks(t *testing.T) {
	r := newOCI(t)
	r.push(t, "x", "v1", layerType, packAs(t, []tar.Header{
		{Name: "a.yaml", Typeflag: tar.TypeReg, Size: 1, Mode: 0o644},
		{Name: "inside", Typeflag: tar.TypeSymlink, Linkname: "a.yaml"},
		{Name: "outside", Typeflag: tar.TypeSymlink, Linkname: "../../etc/passwd"},
		{Name: "root", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
	}, func(string) string { return "a" }))
	s := newStore(t, registry.Limits{})
	place := registry.Artifact(r.repo("x"))
	resolved, err := s.Resolve(t.Context(), place, "v1")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := s.Tree(t.Context(), place, resolved)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := tree.ReadFile("inside"); err != nil || string(data) != "a" {
		t.Errorf("inside: %q, %v", data, err)
	}
	for _, name := range []string{"outside", "root"} {
		if _, err := tree.ReadFile(name); !errors.Is(err, git.ErrLink) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHostileIndex(t *testing.T) {
	w := newWeb(t)
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	for _, tt := range []struct {
		name, data, want string
		kind             error
	}{
		{"huge", "entries: {}\n#" + strings.Repeat("x", 1<<20), "sends more than 1048576 bytes", git.ErrTooLarge},
		{"page", "<html><body>welcome</body></html>", "check that the address is that of a Helm repository", git.ErrRepository},
		{"empty", "", "it has no entries", git.ErrRepository},
		{"list", "- a\n- b\n", "the index cannot be read", git.ErrRepository},
		{"bomb", bomb + "entries: {}\n", "the index cannot be read", git.ErrRepository},
		{"deep", "entries: " + strings.Repeat("[", 100_000), "the index cannot be read", git.ErrRepository},
		{"deep JSON", `{"entries": ` + strings.Repeat("[", 100_000), "the index cannot be read", git.ErrRepository},
		{"scheme", "entries:\n  shop:\n  - version: 1.0.0\n    urls: [\"file:///etc/passwd\"]\n", `it refers to "file:///etc/passwd", which is no address on the web`, git.ErrRepository},
		{"no address", "entries:\n  shop:\n  - version: 1.0.0\n", "the index has no address for shop 1.0.0", git.ErrRepository},
		{"downgrade", "entries:\n  shop:\n  - version: 1.0.0\n    urls: [\"http://127.0.0.1/shop.tgz\"]\n", "of an https repository refers to http", git.ErrRepository},
		{"digest", "entries:\n  shop:\n  - version: 1.0.0\n    urls: [shop.tgz]\n    digest: abcd\n", "and the index says abcd", git.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.put("/shop.tgz", chart(t, "shop", "1.0.0"))
			w.put("/index.yaml", []byte(tt.data))
			_, _, err := bring(t.Context(), newStore(t, small), registry.Chart(w.repo(), "shop"), "1.0.0")
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %v: %s", err, tt.kind, tt.want)
			}
		})
	}
}

// Credentials are for the scheme, host and port of the repository. Another server
// gets none, whether the index or a redirect points to it; another port is another
// server.
func TestCredentialsStayAtHome(t *testing.T) {
	w, other := newWeb(t), newWeb(t)
	w.user, w.password = "robot", "canary-5571"
	w.publish(t, "shop", "1.0.0")
	w.publish(t, "shop", "2.0.0")
	other.put("/elsewhere.tgz", w.files["/charts/shop-1.0.0.tgz"])
	w.handle("/charts/shop-2.0.0.tgz", func(res http.ResponseWriter, req *http.Request) {
		http.Redirect(res, req, other.URL+"/elsewhere.tgz", http.StatusFound)
	})
	w.handle("/file.yaml", w.handlers["/charts/shop-2.0.0.tgz"])
	w.index(t, "shop 1.0.0 "+other.URL+"/elsewhere.tgz "+digest(w.files["/charts/shop-1.0.0.tgz"]),
		"shop 2.0.0 /charts/shop-2.0.0.tgz "+digest(w.files["/charts/shop-1.0.0.tgz"]))
	both := w.repo()
	both.Credentials.CA = append(both.Credentials.CA, ca(other.Server)...)
	single := both
	single.URL += "/file.yaml"
	for _, tt := range []struct {
		place    registry.Place
		revision string
	}{{registry.Chart(both, "shop"), "1.0.0"}, {registry.Chart(both, "shop"), "2.0.0"}, {registry.File(single), ""}} {
		if _, _, err := bring(t.Context(), newStore(t, registry.Limits{}), tt.place, tt.revision); err != nil {
			t.Errorf("%s %s: %v", tt.place, tt.revision, err)
		}
		if asked := other.requests(); len(asked) != 1 || asked[0] != "/elsewhere.tgz" {
			t.Errorf("%s %s: the other server was asked for %v", tt.place, tt.revision, asked)
		}
	}
	generous := registry.Chart(both, "shop")
	generous.PassCredentials = true
	if _, _, err := bring(t.Context(), newStore(t, registry.Limits{}), generous, "1.0.0"); err != nil {
		t.Error(err)
	}
	if asked := other.requests(); len(asked) != 1 || asked[0] != "/elsewhere.tgz as robot" {
		t.Errorf("with passCredentials: the other server was asked for %v", asked)
	}
}

// An answer that never ends has a deadline, after which others get their turn.
func TestSlowServer(t *testing.T) {
	w := newWeb(t)
	begun := make(chan struct{}, 1)
	w.handle("/index.yaml", func(res http.ResponseWriter, req *http.Request) {
		fmt.Fprint(res, "entries:\n")
		res.(http.Flusher).Flush()
		begun <- struct{}{}
		<-req.Context().Done()
	})
	s := registry.NewStore(registry.Options{AskTimeout: 50 * time.Millisecond})
	t.Cleanup(s.Close)
	_, err := s.Resolve(t.Context(), registry.Chart(w.repo(), "shop"), "1.x")
	if !errors.Is(err, git.ErrRepository) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("got %v", err)
	}
	<-begun
	w.handle("/index.yaml", nil)
	w.index(t, "shop 1.0.0 "+w.publish(t, "shop", "1.0.0"))
	patient := newStore(t, registry.Limits{})
	if _, _, err := bring(t.Context(), patient, registry.Chart(w.repo(), "shop"), "1.x"); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := patient.Resolve(ctx, registry.Chart(w.repo(), "shop"), "1.x"); !errors.Is(err, context.Canceled) {
		t.Errorf("who gives up: %v", err)
	}
}

// Redirects lead neither in circles nor out of TLS.
func TestRedirects(t *testing.T) {
	w := newWeb(t)
	plain := http.RedirectHandler("http://127.0.0.1/x", http.StatusFound)
	w.handle("/down", plain.ServeHTTP)
	w.handle("/circle", http.RedirectHandler("/circle", http.StatusFound).ServeHTTP)
	for path, want := range map[string]string{"/down": "from https to http", "/circle": "more than 5 times"} {
		place := w.repo()
		place.URL += path
		if _, err := newStore(t, registry.Limits{}).Resolve(t.Context(), registry.File(place), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
