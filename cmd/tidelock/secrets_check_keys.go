package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/check"
	"github.com/tidelock-io/tidelock/secrets/recipients"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// place finds what to check: files on disk, or a commit.
func (o *secretsCheckOptions) place(ctx context.Context, name string) (*subtree, func(), error) {
	if o.repo == "" && o.revision == "" {
		p, err := subtreeOf(name)
		return p, func() {}, err
	}
	p := &subtree{at: "."}
	trees := &checkouts{revision: o.revision, log: quietLogger(), find: func(string, string) (string, bool) { return p.dir, p.dir != "" }}
	repo := newGitUser().repo(o.repo)
	if o.repo == "" {
		on, err := subtreeOf(name)
		if err != nil {
			return nil, nil, err
		}
		p.dir, p.at, repo = on.dir, on.at, git.Repo{URL: on.dir}
	} else if name != "" {
		p.at = strings.Trim(name, "/")
	}
	sha, err := trees.Resolve(ctx, repo, o.revision)
	if err != nil {
		return nil, nil, err
	}
	tree, err := trees.Tree(ctx, repo, sha)
	if err != nil {
		trees.close()
		return nil, nil, err
	}
	p.tree, p.dir = tree, "" // of which nothing is on disk
	return p, trees.close, nil
}

// keys are those to check with.
func (o *secretsCheckOptions) keys(ctx context.Context, talk io.Writer) (*check.Keys, func(), error) {
	keys := &check.Keys{}
	private, err := readSealingKeys(o.sealingKeys)
	if err != nil {
		return nil, nil, err
	}
	var found []sdk.Key
	end := func() {}
	switch {
	case o.recipients != "":
		text, err := os.ReadFile(o.recipients)
		if err == nil {
			keys.Held, err = recipients.Parse(text)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("--recipients %s: %w", o.recipients, err)
		}
	case o.local:
		reader, err := newReaderKeys(ctx, nil, talk)
		if err != nil {
			return nil, nil, err
		}
		keys.Held, keys.Ambient = reader.held, true
		if found, err = localSOPSKeys(); err != nil {
			return nil, nil, err
		}
	case o.open:
		ring, err := o.ring(ctx)
		if err != nil {
			return nil, nil, err
		}
		keys.Held, found = ring.Recipients(), o.all(ring)
		cluster, err := ring.Keys(ctx)
		if err != nil {
			return nil, nil, err
		}
		private = private.Join(cluster)
	default:
		if keys.Held, err = o.published(ctx); err != nil {
			return nil, nil, err
		}
	}
	keys.Held = o.ofProject(keys.Held)
	if o.open {
		host, err := newHost(quietLogger(), pluginOptions{surroundings: surroundings{inCluster: !o.local}})
		if err != nil {
			return nil, nil, err
		}
		keys.Open, end = opener(host, found), func() { _ = host.Close() }
	}
	keys.OpenSealed = openSealed(private)
	return keys, end, nil
}

// openSealed opens SealedSecrets, if there is a key at all.
func openSealed(private sealed.Keys) func(ctx context.Context, object *manifest.Object) error {
	if len(private.Fingerprints()) == 0 {
		return nil
	}
	return func(ctx context.Context, object *manifest.Object) error {
		// Templates are not run, for which the values need not be known.
		if _, err := (sealed.Opener{Keys: private}).Open(ctx, object); !errors.Is(err, sealed.ErrTemplate) {
			return err
		}
		return nil
	}
}

// opener decrypts as the agent does, in the confined processes of its plugins.
func opener(host *plugins, keys []sdk.Key) func(ctx context.Context, path, format string, data []byte) error {
	return func(ctx context.Context, path, format string, data []byte) error {
		_, err := renderers{host}.Decrypt(ctx, &sdk.DecryptRequest{Application: "check", Path: path, Format: format, Data: data, Keys: keys})
		if errors.Is(err, sdk.ErrNoKey) {
			return err
		}
		if err != nil && strings.Contains(err.Error(), sops.ErrDamaged.Error()) { // errors of processes are texts
			return fmt.Errorf("%w: %w", check.ErrDamaged, err)
		}
		return err
	}
}

// ofProject leaves the keys that Applications of the project may use.
func (o *secretsCheckOptions) ofProject(held []recipients.Recipient) []recipients.Recipient {
	if o.project == "" {
		return held
	}
	var mine []recipients.Recipient
	for _, r := range held {
		if r.Project == "" || r.Project == o.project {
			mine = append(mine, r)
		}
	}
	return mine
}

// published reads what the agent has published.
func (o *secretsCheckOptions) published(ctx context.Context) ([]recipients.Recipient, error) {
	const way = "(hint: --recipients FILE needs no cluster, --local takes the keys of this machine)"
	cfg, err := o.config()
	if err != nil {
		return nil, fmt.Errorf("%w %s", err, way)
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	config, err := client.CoreV1().ConfigMaps(o.namespace).Get(ctx, recipients.ConfigMap, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("there is no ConfigMap %s in namespace %s: give the agent's namespace with -n; the agent publishes it when it runs %s", recipients.ConfigMap, o.namespace, way)
	}
	if err != nil {
		return nil, fmt.Errorf("read the public halves of the cluster's keys: %w %s", err, way)
	}
	held, err := recipients.Parse([]byte(config.Data[recipients.Entry]))
	if err != nil {
		return nil, fmt.Errorf("ConfigMap %s/%s: %w", o.namespace, recipients.ConfigMap, err)
	}
	return held, nil
}

// ring reads the key Secrets, with the person's own rights.
func (o *secretsCheckOptions) ring(ctx context.Context) (*keyring.Keyring, error) {
	cfg, err := o.config()
	if err != nil {
		return nil, err
	}
	ring, err := keyring.New(cfg, keyring.Namespaces{Agent: o.namespace, Sealing: o.sealingNamespace}, quietLogger(), func() {})
	if err != nil {
		return nil, err
	}
	// With some of the keys only, what they do not open would seem wrong.
	if err := ring.ReadKeys(ctx); err != nil {
		return nil, fmt.Errorf("%w (hint: without --open the public halves suffice)", err)
	}
	return ring, nil
}

// all are the keys of the project, or of all.
func (o *secretsCheckOptions) all(ring *keyring.Keyring) []sdk.Key {
	projects := map[string]bool{o.project: true}
	if o.project == "" {
		for _, r := range ring.Recipients() {
			projects[r.Project] = true
		}
	}
	var keys []sdk.Key
	seen := map[string]bool{}
	for project := range projects {
		for _, key := range ring.SOPS(project) {
			if !seen[key.Name+key.Kind] {
				seen[key.Name+key.Kind] = true
				keys = append(keys, key)
			}
		}
	}
	return keys
}
