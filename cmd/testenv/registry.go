package testenv

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/registry"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// Layers of what a Registry holds.
const (
	ManifestLayer = ocispec.MediaTypeImageLayerGzip
	ChartLayer    = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// A Registry is an OCI registry in memory, over http.
type Registry struct {
	// Host is its address, without a scheme.
	Host string

	login  *url.Userinfo // nil: anyone may read and write
	store  http.Handler
	server http.Server
	group  errgroup.Group
	down   atomic.Bool
}

// StartRegistry serves an empty registry on a free port. With a login every
// request needs it.
func StartRegistry(ctx context.Context, login *url.Userinfo) (*Registry, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Registry{Host: listener.Addr().String(), login: login, store: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	r.server.Handler = r
	r.group.Go(func() error { return r.server.Serve(listener) })
	return r, nil
}

// Close ends the server.
func (r *Registry) Close() error {
	err := r.server.Close()
	if served := r.group.Wait(); !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// Down makes the registry fail all requests, or not.
func (r *Registry) Down(down bool) { r.down.Store(down) }

// ServeHTTP makes it an http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	user, password, _ := req.BasicAuth()
	want, _ := r.login.Password()
	switch {
	case r.down.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.login != nil && (user != r.login.Username() || password != want):
		w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
		w.WriteHeader(http.StatusUnauthorized)
	default:
		r.store.ServeHTTP(w, req)
	}
}

// Push tags an artifact of one layer with files, by their names, and returns its
// digest.
func (r *Registry) Push(ctx context.Context, repository, tag, layer string, files map[string]string) (string, error) {
	to, err := remote.NewRepository(r.Host + "/" + repository)
	if err != nil {
		return "", fmt.Errorf("push %s:%s: %w", repository, tag, err)
	}
	password, _ := r.login.Password()
	to.PlainHTTP = true
	to.Client = &auth.Client{Credential: auth.StaticCredential(r.Host, auth.Credential{Username: r.login.Username(), Password: password})}
	archive, err := pack(files)
	if err != nil {
		return "", err
	}
	blob, err := oras.PushBytes(ctx, to, layer, archive)
	if err != nil {
		return "", fmt.Errorf("push %s:%s: %w", repository, tag, err)
	}
	manifest, err := oras.PackManifest(ctx, to, oras.PackManifestVersion1_1, "application/vnd.tidelock.test", oras.PackManifestOptions{Layers: []ocispec.Descriptor{blob}})
	if err == nil {
		err = to.Tag(ctx, manifest, tag)
	}
	if err != nil {
		return "", fmt.Errorf("push %s:%s: %w", repository, tag, err)
	}
	return manifest.Digest.String(), nil
}

// pack makes a compressed archive.
func pack(files map[string]string) ([]byte, error) {
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	w := tar.NewWriter(zipped)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, files[name]); err != nil {
			return nil, err
		}
	}
	err := errors.Join(w.Close(), zipped.Close())
	return b.Bytes(), err
}
