package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/inventory"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/yaml"
)

// A sealedRekeyer seals SealedSecrets anew, for the newest key: here, with the old
// keys, or by their controller, for whom nothing has to be known.
type sealedRekeyer struct {
	to           sealingFor
	byController bool
	namespace    string

	reseal sealed.Resealer
}

func (r *sealedRekeyer) flags(f *pflag.FlagSet) {
	r.to.certificateFlags(f)
	r.to.controllerFlags(f)
	f.StringArrayVar(&r.to.keys, "sealed-secrets-key", nil, "`FILE` with private keys that open the SealedSecrets, in PEM or as their Secrets; may be given several times. Without it $"+sealingKeysVariable+" counts")
	f.BoolVar(&r.byController, "by-controller", false, "have the sealed-secrets controller seal anew; nothing is decrypted here")
	f.StringVarP(&r.namespace, "namespace", "n", "", "namespace of SealedSecrets that state none, and whose kustomization does not")
}

func (*sealedRekeyer) kind() string { return "SealedSecret" }

// prepare finds what to seal with. Without keys, and without a controller to ask,
// SealedSecrets are left.
func (r *sealedRekeyer) prepare(ctx context.Context, talk io.Writer) error {
	if r.byController {
		client, err := r.to.client()
		if err != nil {
			return err
		}
		r.reseal = sealed.ByController{Rotate: func(ctx context.Context, raw []byte) ([]byte, error) {
			return patiently(ctx, func() ([]byte, error) { return r.to.proxy(ctx, client, http.MethodPost, "/v1/rotate", raw) })
		}}
		return nil
	}
	keys, err := readSealingKeys(r.to.keys)
	if err != nil {
		return err
	}
	if len(keys.Fingerprints()) == 0 {
		fmt.Fprintln(talk, "note: SealedSecrets are left: give --sealed-secrets-key, or --by-controller")
		return nil
	}
	to, err := r.to.recipient(ctx, keys)
	r.reseal = sealed.WithKeys{Keys: keys, To: to}
	return err
}

// patiently tries again as long as the controller has had too many requests, of
// which it takes two a second.
func patiently(ctx context.Context, ask func() ([]byte, error)) ([]byte, error) {
	for wait := 500 * time.Millisecond; ; wait *= 2 {
		raw, err := ask()
		if !apierrors.IsTooManyRequests(err) || wait > 10*time.Second {
			return raw, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (r *sealedRekeyer) rekey(ctx context.Context, p *subtree, data []byte, items []*inventory.Item, dryRun bool) ([]byte, []string, error) {
	if r.reseal == nil {
		return nil, nil, errLeft
	}
	for _, item := range items {
		if item.Problem != "" {
			return nil, nil, errors.New(item.Problem)
		}
	}
	file, err := sealed.ReadFile(data, items[0].Path)
	if err != nil {
		return nil, nil, err
	}
	if r.byController && dryRun {
		return []byte{}, []string{"all items, for the controller cannot tell which are for its newest key"}, nil
	}
	var changes []string
	for _, d := range file.Documents {
		o, err := r.placed(p, d.Object)
		if err != nil {
			return nil, changes, err
		}
		fresh, err := r.reseal.Reseal(ctx, o)
		if err != nil {
			return nil, changes, fmt.Errorf("%s: %w", o.Key, err)
		}
		for _, item := range slices.Sorted(maps.Keys(fresh)) {
			d.Set(item, fresh[item])
		}
		if len(fresh) > 0 {
			changes = append(changes, fmt.Sprintf("%s: %s", o.Key, strings.Join(slices.Sorted(maps.Keys(fresh)), ", ")))
		}
	}
	if changes == nil {
		return nil, nil, nil
	}
	out, err := file.Bytes()
	return out, changes, err
}

// placed gives a SealedSecret the namespace that it is opened in, if it states
// none: that of the kustomization beside it, or the one that is given.
func (r *sealedRekeyer) placed(p *subtree, o *manifest.Object) (*manifest.Object, error) {
	if o.Key.Namespace != "" || sealed.ScopeOf(o.Annotations).Needs("", o.Key.Name) == nil && r.namespace == "" {
		return o.Edit(func(body map[string]any) {
			meta := body["metadata"].(map[string]any)
			if meta["namespace"] == nil {
				meta["namespace"] = "default" // which is not part of what it is sealed for
			}
		})
	}
	namespace := orElse(kustomizedNamespace(p.tree, path.Dir(o.Origin.File)), r.namespace)
	if namespace == "" {
		return nil, fmt.Errorf("%s: it states no namespace, and neither does a kustomization beside it (hint: give -n)", o.Key)
	}
	return o.Edit(func(body map[string]any) { body["metadata"].(map[string]any)["namespace"] = namespace })
}

// kustomizedNamespace is what the kustomization of a directory sets, "" if none.
func kustomizedNamespace(tree fs.FS, dir string) string {
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		text, err := fs.ReadFile(tree, path.Join(dir, name))
		if err != nil {
			continue
		}
		var kustomization struct {
			Namespace string `json:"namespace"`
		}
		if yaml.Unmarshal(text, &kustomization) == nil {
			return kustomization.Namespace
		}
	}
	return ""
}
