package sealed

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"

	ssv1alpha1 "github.com/bitnami/sealed-secrets/pkg/apis/sealedsecrets/v1alpha1"
	"github.com/bitnami/sealed-secrets/pkg/crypto"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
	"github.com/tidelock-io/tidelock/secrets/audit"
	"github.com/tidelock-io/tidelock/secrets/crash"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
)

// decrypt opens all items of in. Nearly all of its time goes into one RSA
// operation an item and key, so that items are opened side by side, and first
// with the key that has opened another: they were mostly sealed together.
func decrypt(ctx context.Context, in *ssv1alpha1.SealedSecret, keys Keys) (map[string]secrets.Value, error) {
	label := seal{ssv1alpha1.SecretScope(in), in.Namespace, in.Name}.label()
	items := slices.Sorted(maps.Keys(in.Spec.EncryptedData))
	opened := make([][]byte, len(items))
	var turn fitting
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	broken := first{at: len(items)}
	for i, item := range items {
		if broken.before(i) || ctx.Err() != nil {
			break
		}
		g.Go(func() (failed error) {
			defer crash.Recover(&failed, "open a sealed item")
			sealed, err := base64.StdEncoding.DecodeString(in.Spec.EncryptedData[item])
			if err == nil {
				var by Recipient
				if opened[i], by, err = turn.open(keys, sealed, label); err == nil {
					audit.Key(ctx, by.String())
				}
			}
			if err != nil {
				broken.note(i)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err // a crash: what else failed is noted
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if broken.at < len(items) {
		return nil, explain(in, items[broken.at], keys)
	}
	data := make(map[string]secrets.Value, len(items))
	for i, item := range items {
		data[item] = secrets.New(opened[i])
	}
	return data, nil
}

// first is the first of many items, in their order, that does not open. So an
// error says the same whenever it is made.
type first struct {
	mu sync.Mutex
	at int // guarded by mu
}

func (f *first) note(i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = min(f.at, i)
}

func (f *first) before(i int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at < i
}

// fitting remembers which of the keys has opened an item.
type fitting struct {
	mu sync.Mutex
	at int // guarded by mu
}

// open opens an item with whichever key fits, and says which.
func (f *fitting) open(keys Keys, sealed, label []byte) ([]byte, Recipient, error) {
	f.mu.Lock()
	at := f.at
	f.mu.Unlock()
	for i := range keys.held {
		n := (at + i) % len(keys.held)
		plain, err := crypto.HybridDecrypt(rand.Reader, keys.held[n].alone(), sealed, label)
		if err == nil {
			f.mu.Lock()
			f.at = n
			f.mu.Unlock()
			return plain, keys.held[n].Recipient, nil
		}
	}
	return nil, Recipient{}, ErrNoKey
}

// openDeprecated opens a whole Secret that was sealed in one piece. Its template
// counts for nothing, as with the controller.
func (w Opener) openDeprecated(in *ssv1alpha1.SealedSecret, origin manifest.Origin) (*manifest.Object, error) {
	tried := seal{ssv1alpha1.SecretScope(in), in.Namespace, in.Name}
	plain, _, err := new(fitting).open(w.Keys, in.Spec.Data, tried.label())
	if err != nil {
		return nil, fmt.Errorf("spec.data: %w: tried as %s; %s", ErrNoKey, tried, w.Keys.listed())
	}
	var secret corev1.Secret
	if json.Unmarshal(plain, &secret) != nil { // the error may quote it
		return nil, fmt.Errorf("%w: what is sealed in spec.data is no Secret", ErrBroken)
	}
	data := make(map[string]secrets.Value, len(secret.Data)+len(secret.StringData))
	for key, value := range secret.Data {
		data[key] = secrets.New(value)
	}
	for key, value := range secret.StringData {
		data[key] = secrets.New([]byte(value))
	}
	return object(in, secret, data, origin)
}
