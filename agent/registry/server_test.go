package registry_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	ociserver "github.com/google/go-containerregistry/pkg/registry"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/registry"
	"github.com/tidelock-io/tidelock/secrets"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// pack makes a compressed archive of files.
func pack(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var headers []tar.Header
	for _, name := range slices.Sorted(maps.Keys(files)) {
		headers = append(headers, tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg})
	}
	return packAs(t, headers, func(name string) string { return files[name] })
}

// packAs makes a compressed archive with headers of any kind.
func packAs(t testing.TB, headers []tar.Header, content func(name string) string) []byte {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	w := tar.NewWriter(zipped)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := io.WriteString(w, content(h.Name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// chart makes the archive of a chart.
func chart(t testing.TB, name, version string) []byte {
	t.Helper()
	return pack(t, map[string]string{
		name + "/Chart.yaml":         fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\n", name, version),
		name + "/templates/map.yaml": "version: " + version + "\n",
	})
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// A web is a server with TLS, of files that it names by their content.
type web struct {
	*httptest.Server
	user, password string // if it asks for them

	mu       sync.Mutex
	files    map[string][]byte
	handlers map[string]http.HandlerFunc
	asked    []string // paths, and who asked
}

func newWeb(t *testing.T) *web {
	t.Helper()
	w := &web{files: map[string][]byte{}, handlers: map[string]http.HandlerFunc{}}
	w.Server = httptest.NewUnstartedServer(w)
	w.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.StartTLS()
	t.Cleanup(w.Close)
	return w
}

func (w *web) ServeHTTP(res http.ResponseWriter, req *http.Request) {
	user, password, _ := req.BasicAuth()
	w.mu.Lock()
	text := req.URL.Path
	switch header := req.Header.Get("Authorization"); {
	case user != "":
		text += " as " + user
	case header != "":
		text += " with " + header
	}
	w.asked = append(w.asked, text)
	handler, data, ok := w.handlers[req.URL.Path], w.files[req.URL.Path], w.files[req.URL.Path] != nil
	w.mu.Unlock()
	switch {
	case w.user != "" && (user != w.user || password != w.password):
		res.Header().Set("WWW-Authenticate", `Basic realm="web"`)
		res.WriteHeader(http.StatusUnauthorized)
	case handler != nil:
		handler(res, req)
	case !ok:
		http.NotFound(res, req)
	default:
		res.Header().Set("ETag", `"`+digest(data)+`"`)
		http.ServeContent(res, req, "", time.Time{}, bytes.NewReader(data))
	}
}

func (w *web) put(path string, data []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files[path] = data
}

func (w *web) handle(path string, h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handlers[path] = h
}

// requests returns what was asked for since the last call.
func (w *web) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = nil
	return asked
}

// publish adds a version of a chart, and returns its archive's address.
func (w *web) publish(t testing.TB, name, version string) string {
	t.Helper()
	path := "/charts/" + name + "-" + version + ".tgz"
	w.put(path, chart(t, name, version))
	return path
}

// index writes an index of lines "name version address [digest]".
func (w *web) index(t testing.TB, lines ...string) {
	t.Helper()
	entries := map[string][]map[string]any{}
	for _, line := range lines {
		f := strings.Fields(line)
		sum := digest(w.files[f[2]])
		if len(f) > 3 {
			sum = f[3]
		}
		entries[f[0]] = append(entries[f[0]], map[string]any{"name": f[0], "version": f[1], "urls": []string{f[2]}, "digest": sum})
	}
	data, err := json.Marshal(map[string]any{"apiVersion": "v1", "entries": entries})
	if err != nil {
		t.Fatal(err)
	}
	w.put("/index.yaml", data)
}

// ca is what to trust to reach a server.
func ca(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// repo reaches a server as a user, nobody if empty.
func repo(s *httptest.Server, address, user, password string) registry.Repo {
	return registry.Repo{Repo: git.Repo{URL: address, Credentials: git.Credentials{
		CA: ca(s), Username: user, Password: secrets.New([]byte(password)),
	}}}
}

func (w *web) repo() registry.Repo { return repo(w.Server, w.URL, w.user, w.password) }

// An ociRegistry is a registry with TLS, which may ask for a token.
type ociRegistry struct {
	*httptest.Server
	user, password string // if it asks for them

	mu    sync.Mutex
	wrap  func(http.ResponseWriter, *http.Request) (done bool)
	token string
}

func newOCI(t *testing.T) *ociRegistry {
	t.Helper()
	r := &ociRegistry{token: "issued"}
	store := ociserver.New(ociserver.Logger(log.New(io.Discard, "", 0)))
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !r.admit(w, req) {
			store.ServeHTTP(w, req)
		}
	}))
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

// admit asks for a token, gives it, and does what a test wants.
func (r *ociRegistry) admit(w http.ResponseWriter, req *http.Request) (done bool) {
	r.mu.Lock()
	wrap := r.wrap
	r.mu.Unlock()
	if wrap != nil && wrap(w, req) {
		return true
	}
	switch user, password, _ := req.BasicAuth(); {
	case r.user == "":
		return false
	case req.URL.Path == "/token" && user == r.user && password == r.password:
		fmt.Fprintf(w, `{"token": %q}`, r.token)
	case req.URL.Path == "/token":
		w.WriteHeader(http.StatusUnauthorized)
	case req.Header.Get("Authorization") != "Bearer "+r.token:
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="registry"`, r.URL))
		w.WriteHeader(http.StatusUnauthorized)
	default:
		return false
	}
	return true
}

func (r *ociRegistry) behave(wrap func(http.ResponseWriter, *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrap = wrap
}

func (r *ociRegistry) host() string { return strings.TrimPrefix(r.URL, "https://") }

func (r *ociRegistry) repo(path string) registry.Repo {
	return repo(r.Server, "oci://"+r.host()+"/"+path, r.user, r.password)
}

const (
	chartType  = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	configType = "application/vnd.cncf.helm.config.v1+json"
	proofType  = "application/vnd.cncf.helm.chart.provenance.v1.prov"
	layerType  = ocispec.MediaTypeImageLayerGzip
)

// push writes layers, each after its type, under a tag, and returns the digest of
// the manifest.
func (r *ociRegistry) push(t testing.TB, path, tag string, layers ...any) string {
	t.Helper()
	to, err := remote.NewRepository(r.host() + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	to.Client = &auth.Client{
		Client:     r.Client(),
		Credential: auth.StaticCredential(r.host(), auth.Credential{Username: r.user, Password: r.password}),
	}
	ctx := context.Background()
	config, err := oras.PushBytes(ctx, to, configType, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	options := oras.PackManifestOptions{ConfigDescriptor: &config}
	for i := 0; i < len(layers); i += 2 {
		layer, err := oras.PushBytes(ctx, to, layers[i].(string), layers[i+1].([]byte))
		if err != nil {
			t.Fatal(err)
		}
		options.Layers = append(options.Layers, layer)
	}
	m, err := oras.PackManifest(ctx, to, oras.PackManifestVersion1_1, "", options)
	if err != nil {
		t.Fatal(err)
	}
	if err := to.Tag(ctx, m, tag); err != nil {
		t.Fatal(err)
	}
	return m.Digest.String()
}

// sparse makes an archive of one sparse file, whose map of data is empty, by hand:
// archive/tar writes none.
func sparse(h tar.Header) ([]byte, error) {
	var records strings.Builder
	for _, key := range slices.Sorted(maps.Keys(h.PAXRecords)) {
		record := " " + key + "=" + h.PAXRecords[key] + "\n"
		n := len(record)
		for len(strconv.Itoa(n))+len(record) != n {
			n = len(strconv.Itoa(n)) + len(record)
		}
		records.WriteString(strconv.Itoa(n) + record)
	}
	var b bytes.Buffer
	block := func(name string, flag byte, content string) {
		var header [512]byte
		copy(header[:], name)
		copy(header[100:], "0000644\x000000000\x000000000\x00")
		copy(header[124:], fmt.Sprintf("%011o\x0000000000000\x00        ", len(content)))
		header[156] = flag
		copy(header[257:], "ustar\x0000")
		sum := 0
		for _, c := range header {
			sum += int(c)
		}
		copy(header[148:], fmt.Sprintf("%06o\x00 ", sum))
		b.Write(header[:])
		b.WriteString(content + strings.Repeat("\x00", (512-len(content)%512)%512))
	}
	block("PaxHeaders/x", 'x', records.String())
	block(h.Name, '0', "0\n"+strings.Repeat("\x00", 510))
	b.Write(make([]byte, 1024))
	return b.Bytes(), nil
}
