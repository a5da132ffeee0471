package pipeline

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/secrets/leak"
)

// An opener reads "ENC[...]" as what is in the brackets, backwards.
type opener struct{ *world }

func (opener) Decrypt(_ context.Context, req *sdk.DecryptRequest) ([]byte, error) {
	var out []byte
	for line := range bytes.Lines(req.Data) {
		if bytes.HasPrefix(line, []byte("sops")) || bytes.HasPrefix(line, []byte("  mac")) {
			continue
		}
		before, rest, found := bytes.Cut(line, []byte("ENC["))
		text, after, _ := bytes.Cut(rest, []byte("]"))
		if text = bytes.Clone(text); found {
			for i, j := 0, len(text)-1; i < j; i, j = i+1, j-1 {
				text[i], text[j] = text[j], text[i]
			}
			line = bytes.Join([][]byte{before, text, after}, nil)
		}
		out = append(out, line...)
	}
	return out, nil
}

const (
	sealedSecret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData:\n  password: ENC[2retnuh-terces]\nsops:\n  mac: ENC[x]\n"
	plainText    = "secret-hunter2"
)

func newLeaking(t *testing.T) (*world, *Pipeline, *api.Application) {
	w, p, app := newWorld(t)
	p.Render, p.Known = render.New(render.Config{Plugins: opener{w}}), &leak.Known{}
	w.write(t, "db/objects.yaml", sealedSecret)
	app.Spec.Sources = []api.Source{{RepoURL: "https://git.example/shop.git", Path: "db"}, {RepoURL: "https://git.example/shop.git", Path: "shop"}}
	return w, p, app
}

func config(value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {url: 'tcp://app:" + value + "@db'}\n"
}

// A value of one source in an object of another is found, also if what held the
// value is answered from memory; what can be read of it is where, and not what.
func TestLeakAcrossSources(t *testing.T) {
	w, p, app := newLeaking(t)
	if out := desired(t, p, app); len(out.Set) != 3 {
		t.Fatalf("got %v", out.Set)
	}
	w.write(t, "shop/objects.yaml", config(plainText))
	renders := w.renders
	for range 2 {
		out, err := p.Desired(t.Context(), app, nil)
		if !errors.Is(err, ErrLeak) || out != nil {
			t.Fatalf("got %v, %v", out, err)
		}
		want := "ConfigMap front/settings (source 2: shop/objects.yaml:1): data.url has the value of stringData.password of source 1: db/objects.yaml; " +
			"let the object refer to the Secret; or if that is no secret, allow it by its key: annotation tidelock.io/allow-leak: password on the Application"
		if err.Error() != want {
			t.Errorf("\n got %s\nwant %s", err, want)
		}
	}
	if w.renders != renders+1 {
		t.Errorf("%d renders, want the changed source's alone", w.renders-renders)
	}
	if got := p.Known.RedactOf("shop", "x "+plainText); got != "x (hidden)" {
		t.Errorf("texts show %s", got)
	}
}

// It may be allowed by the key, for as long as the annotation is there.
func TestLeakAllowed(t *testing.T) {
	w, p, app := newLeaking(t)
	w.write(t, "shop/objects.yaml", config(plainText))
	app.Annotations = map[string]string{api.AnnotationAllowLeak: "user, password"}
	desired(t, p, app)
	if got := p.Known.RedactOf("shop", plainText); got != plainText {
		t.Errorf("what is allowed is hidden: %s", got)
	}
	app.Annotations = nil
	if _, err := p.Desired(t.Context(), app, nil); !errors.Is(err, ErrLeak) {
		t.Errorf("without the annotation: %v", err)
	}
	p.Forget("shop")
	if got := p.Known.Redact(plainText); got != plainText {
		t.Error("the values of an Application that is gone are known")
	}
	if _, err := p.Desired(t.Context(), app, nil); !errors.Is(err, ErrLeak) { // as after a restart
		t.Errorf("with an empty memory: %v", err)
	}
}

// The errors of an Application do not quote what was decrypted for it.
func TestErrorsAreRedacted(t *testing.T) {
	w, p, app := newLeaking(t)
	desired(t, p, app)
	w.down = errors.New("git: no such user " + plainText)
	p.Renew(app, false)
	_, err := p.Desired(t.Context(), app, nil)
	if err == nil || strings.Contains(err.Error(), plainText) || !strings.Contains(err.Error(), "no such user (hidden)") || !errors.Is(err, w.down) {
		t.Errorf("got %v", err)
	}
}
