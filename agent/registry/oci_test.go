package registry_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/registry"
	"github.com/tidelock-io/tidelock/secrets"
)

func TestOCIChart(t *testing.T) {
	r := newOCI(t)
	r.user, r.password = "robot", "canary-5571"
	for _, v := range []string{"1.0.0", "1.2.0", "1.10.0", "2.0.0-rc.1"} {
		r.push(t, "charts/shop", v, chartType, chart(t, "shop", v))
	}
	r.push(t, "charts/shop", "0.9.0_build.7", proofType, []byte("proof"), chartType, chart(t, "shop", "0.9.0+build.7"))
	r.push(t, "charts/shop", "0.1.0", "application/tar+gzip", chart(t, "shop", "0.1.0"))
	r.push(t, "charts/shop", "not-a-version", chartType, chart(t, "shop", "3.0.0"))
	s := newStore(t, registry.Limits{})
	bare := r.repo("charts")
	bare.URL = strings.TrimPrefix(bare.URL, "oci://")
	marked := r.repo("charts")
	marked.URL, marked.OCI = strings.Replace(marked.URL, "oci:", "https:", 1), true
	for _, tt := range []struct {
		name     string
		place    registry.Place
		revision string
		want     string
	}{
		{"exact", registry.Chart(bare, "shop"), "1.0.0", "1.0.0"},
		{"marked", registry.Chart(marked, "shop"), "1.0.0", "1.0.0"},
		{"in the address", registry.Chart(r.repo("charts/shop"), ""), "1.0.0", "1.0.0"},
		{"range", registry.Chart(bare, "shop"), "1.x", "1.10.0"},
		{"patches", registry.Chart(bare, "shop"), "~1.2.0", "1.2.0"},
		{"prerelease", registry.Chart(bare, "shop"), ">1.0.0-0", "2.0.0-rc.1"},
		{"newest", registry.Chart(bare, "shop"), "", "1.10.0"},
		{"build and provenance", registry.Chart(bare, "shop"), "0.9.0+build.7", "0.9.0+build.7"},
		{"old type", registry.Chart(bare, "shop"), "0.1.0", "0.1.0"},
		{"tag", registry.Chart(bare, "shop"), "not-a-version", "not-a-version"},
		{"none", registry.Chart(bare, "shop"), "7.x", `unknown revision: "7.x" is no tag of it, nor a constraint that one meets (it has 2.0.0-rc.1, 1.10.0, 1.2.0, 1.0.0, 0.9.0+build.7)`},
		{"no chart", registry.Chart(bare, "none"), "1.x", "the server has no such OCI chart"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, files, err := bring(t.Context(), s, tt.place, tt.revision)
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got error %v, want %s", err, tt.want)
				}
				return
			}
			if got != tt.want || files != chartFiles {
				t.Errorf("got %s with %s, want %s", got, files, tt.want)
			}
		})
	}
}

func TestOCIArtifact(t *testing.T) {
	r := newOCI(t)
	manifests := pack(t, map[string]string{"./shop/map.yaml": "a", "shop/deep/er.yaml": "b"})
	first := r.push(t, "team/manifests", "v1.0.0", layerType, manifests)
	latest := r.push(t, "team/manifests", "latest", "application/vnd.cncf.flux.content.v1.tar+gzip", pack(t, map[string]string{"x.yaml": "x"}))
	helm := r.push(t, "team/manifests", "chart", chartType, chart(t, "shop", "1.0.0"))
	r.push(t, "team/manifests", "two", layerType, manifests, layerType, pack(t, map[string]string{"x.yaml": "x"}))
	r.push(t, "team/manifests", "image", "application/vnd.docker.container.image.v1+json", []byte("{}"))
	s := newStore(t, registry.Limits{})
	for _, tt := range []struct{ name, revision, want, files string }{
		{"tag", "v1.0.0", first, "shop/deep/er.yaml shop/map.yaml"},
		{"range", "1.x", first, "shop/deep/er.yaml shop/map.yaml"},
		{"digest", first, first, "shop/deep/er.yaml shop/map.yaml"},
		{"latest", "HEAD", latest, "x.yaml"},
		{"chart", "chart", helm, chartFiles},
		{"two layers", "two", "the OCI artifact has 2 layers (push all files as one layer)", ""},
		{"image", "image", "it is no OCI artifact: it has layers of the types application/vnd.docker.container.image.v1+json", ""},
		{"lost", "sha256:" + digest(nil), "is not in the registry", ""},
		{"none", "main", `"main" is no tag of it`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, files, err := bring(t.Context(), s, registry.Artifact(r.repo("team/manifests")), tt.revision)
			if err != nil {
				if tt.files != "" || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got error %v, want %s", err, tt.want)
				}
				return
			}
			if got != tt.want || files != tt.files {
				t.Errorf("got %s with %s, want %s with %s", got, files, tt.want, tt.files)
			}
		})
	}
}

func TestOCILogin(t *testing.T) {
	r := newOCI(t)
	r.user, r.password = "robot", "canary-5571"
	r.push(t, "charts/shop", "1.0.0", chartType, chart(t, "shop", "1.0.0"))
	s := newStore(t, registry.Limits{})
	for _, tt := range []struct {
		name string
		git.Credentials
		ok bool
	}{
		{"password", git.Credentials{Username: "robot", Password: secrets.New([]byte("canary-5571"))}, true},
		{"token", git.Credentials{BearerToken: secrets.New([]byte("issued"))}, true},
		{"wrong password", git.Credentials{Username: "robot", Password: secrets.New([]byte("canary-9"))}, false},
		{"nobody", git.Credentials{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			login := r.repo("charts")
			ca := login.Credentials.CA
			login.Credentials = tt.Credentials
			login.Credentials.CA = ca
			_, files, err := bring(t.Context(), s, registry.Chart(login, "shop"), "1.0.0")
			switch {
			case tt.ok && (err != nil || files != chartFiles):
				t.Errorf("got %s, %v", files, err)
			case !tt.ok && (!errors.Is(err, git.ErrAuth) || strings.Contains(err.Error(), "canary")):
				t.Errorf("got %v", err)
			}
		})
	}
	unknown := r.repo("charts")
	unknown.Credentials.CA = nil
	if _, err := s.Resolve(t.Context(), registry.Chart(unknown, "shop"), "1.0.0"); !errors.Is(err, git.ErrAuth) || !strings.Contains(err.Error(), "certificate authority") {
		t.Errorf("an unknown authority: %v", err)
	}
	unknown.Credentials.InsecureSkipTLS = true
	if _, err := s.Resolve(t.Context(), registry.Chart(unknown, "shop"), "1.0.0"); err != nil {
		t.Errorf("any authority: %v", err)
	}
}

// A registry may keep its blobs elsewhere. Its credentials stay at home, though
// the other server asks for them.
func TestOCIBlobsElsewhere(t *testing.T) {
	r, other := newOCI(t), newWeb(t)
	r.user, r.password = "robot", "canary-5571"
	r.push(t, "charts/shop", "1.0.0", chartType, chart(t, "shop", "1.0.0"))
	r.behave(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.Contains(req.URL.Path, "/blobs/") || req.Header.Get("Authorization") == "" {
			return false
		}
		http.Redirect(w, req, other.URL+"/blob", http.StatusTemporaryRedirect)
		return true
	})
	both := r.repo("charts")
	both.Credentials.CA = append(both.Credentials.CA, ca(other.Server)...)
	other.put("/blob", chart(t, "shop", "1.0.0"))
	s := newStore(t, registry.Limits{})
	_, files, err := bring(t.Context(), s, registry.Chart(both, "shop"), "1.0.0")
	if asked := other.requests(); err != nil || files != chartFiles || len(asked) != 1 || asked[0] != "/blob" {
		t.Errorf("got %s, %v; the other server was asked for %v", files, err, asked)
	}
	other.handle("/blob", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="evil"`, other.URL))
		w.WriteHeader(http.StatusUnauthorized)
	})
	_, err = newStore(t, registry.Limits{}).Tree(t.Context(), registry.Chart(both, "shop"), "1.0.0")
	for _, asked := range other.requests() {
		if strings.Contains(asked, "robot") || strings.Contains(asked, "issued") {
			t.Errorf("the other server was asked for %s", asked)
		}
	}
	if !errors.Is(err, git.ErrAuth) {
		t.Errorf("got %v", err)
	}
}

func TestOCILies(t *testing.T) {
	r := newOCI(t)
	r.push(t, "charts/shop", "1.0.0", chartType, chart(t, "shop", "1.0.0"))
	place := registry.Chart(r.repo("charts"), "shop")
	for _, tt := range []struct {
		name, path, body, want string
		kind                   error
	}{
		{"blob", "/blobs/", strings.Repeat("x", len(chart(t, "shop", "1.0.0"))), "the archive is not what the manifest says", git.ErrMalformed},
		{"manifest", "/manifests/sha256", `{"layers":[]}`, "digest", git.ErrRepository},
		{"page of tags", "/tags/list", strings.Repeat(" ", 5<<20), "", git.ErrRepository},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r.behave(func(w http.ResponseWriter, req *http.Request) bool {
				if req.Method == http.MethodGet && strings.Contains(req.URL.Path, tt.path) {
					fmt.Fprint(w, tt.body)
					return true
				}
				return false
			})
			_, _, err := bring(t.Context(), newStore(t, registry.Limits{}), place, "^1")
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A list of tags has an end, even if the server knows none.
func TestOCIEndlessTags(t *testing.T) {
	r := newOCI(t)
	page := 0
	r.behave(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasSuffix(req.URL.Path, "/tags/list") {
			return false
		}
		page++
		w.Header().Set("Link", fmt.Sprintf(`</v2/charts/shop/tags/list?n=1000&last=%d>; rel="next"`, page))
		fmt.Fprintf(w, `{"name":"charts/shop","tags":["1.0.%d"]}`, page)
		return true
	})
	_, err := newStore(t, registry.Limits{Tags: 5}).Resolve(t.Context(), registry.Chart(r.repo("charts"), "shop"), "^1")
	if !errors.Is(err, git.ErrTooLarge) || page > 6 {
		t.Errorf("after %d pages: %v", page, err)
	}
}
