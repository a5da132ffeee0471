package external

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// Why an ExternalSecret is not resolved. Every error of this package is one of
// these, or of the plugin or the API server.
var (
	// ErrInvalid says that the ExternalSecret or its store is malformed.
	ErrInvalid = errors.New("invalid")
	// ErrUnsupported says that only its controller can do what it asks for.
	ErrUnsupported = errors.New("not resolved without its controller")
	// ErrRefused says that it asks for an object that it may not see.
	ErrRefused = errors.New("refused")
)

const group = "external-secrets.io"

// versions are those of group that are read, as far as they mean the same; the
// plugin refuses what does not.
var versions = []string{"v1", "v1beta1", "v1alpha1"}

// IsKind reports whether o is an ExternalSecret.
func IsKind(o *manifest.Object) bool { return o.Key.Group == group && o.Key.Kind == "ExternalSecret" }

// IsStore reports whether o is a SecretStore or a ClusterSecretStore.
func IsStore(o *manifest.Object) bool {
	return o.Key.Group == group && (o.Key.Kind == storeKind || o.Key.Kind == clusterStoreKind)
}

const (
	storeKind        = "SecretStore"
	clusterStoreKind = "ClusterSecretStore"
)

// Limits on what one ExternalSecret may ask for.
const (
	maxItems  = 1000
	maxStores = 50
)

// spec is what the host needs of an ExternalSecret; the plugin reads it whole,
// with external-secrets' own types.
type spec struct {
	StoreRef        storeRef `json:"secretStoreRef"`
	RefreshPolicy   string   `json:"refreshPolicy"`
	RefreshInterval *string  `json:"refreshInterval"`
	SyncWindows     *windows `json:"syncWindows"`
	Target          target   `json:"target"`
	Data            []source `json:"data"`
	DataFrom        []source `json:"dataFrom"`
}

type storeRef struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
}

type source struct {
	SourceRef *struct {
		StoreRef     *storeRef     `json:"storeRef"`
		GeneratorRef *generatorRef `json:"generatorRef"`
	} `json:"sourceRef"`
}

type target struct {
	Name           string          `json:"name"`
	CreationPolicy string          `json:"creationPolicy"`
	DeletionPolicy string          `json:"deletionPolicy"`
	Immutable      bool            `json:"immutable"`
	Manifest       json.RawMessage `json:"manifest"`
	Template       *template       `json:"template"`
}

type template struct {
	Metadata struct {
		Annotations map[string]string `json:"annotations"`
		Finalizers  []string          `json:"finalizers"`
	} `json:"metadata"`
	TemplateFrom []struct {
		ConfigMap *named `json:"configMap"`
		Secret    *named `json:"secret"`
	} `json:"templateFrom"`
}

type named struct {
	Name string `json:"name"`
}

// parse reads and checks o.
func parse(o *manifest.Object) (*spec, error) {
	if !slices.Contains(versions, o.Version) {
		return nil, fmt.Errorf("%w: version %q is not known, %s are", ErrInvalid, o.Version, strings.Join(versions, ", "))
	}
	if o.Key.Namespace == "" || o.Key.Name == "" {
		return nil, fmt.Errorf("%w: it needs a name and a namespace", ErrInvalid)
	}
	var body struct {
		Spec spec `json:"spec"`
	}
	if err := json.Unmarshal(o.JSON(), &body); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	s := &body.Spec
	if s.Target.Name == "" {
		s.Target.Name = o.Key.Name
	}
	if s.Target.Template == nil {
		s.Target.Template = &template{}
		s.Target.Template.Metadata.Annotations = o.Annotations // what the Secret has, then
	}
	return s, s.check()
}

func (s *spec) check() error {
	if len(s.Data)+len(s.DataFrom) > maxItems {
		return fmt.Errorf("%w: %w: more than %d items in spec.data and spec.dataFrom", ErrInvalid, manifest.ErrLimit, maxItems)
	}
	if _, err := s.refresh(); err != nil {
		return err
	}
	if s.Target.Manifest != nil {
		return fmt.Errorf("%w: spec.target.manifest makes objects that are no Secrets", ErrUnsupported)
	}
	if s.SyncWindows != nil {
		if err := s.SyncWindows.check(); err != nil {
			return err
		}
	}
	return s.checkPolicies()
}

// checkPolicies refuses what would not mean the same without the controller.
func (s *spec) checkPolicies() error {
	switch policy := s.Target.CreationPolicy; policy {
	case "", "Owner", "Orphan", "None", "Merge", "CreateOrMerge":
	default:
		return fmt.Errorf("%w: spec.target.creationPolicy %q is not known", ErrInvalid, policy)
	}
	switch policy := s.Target.DeletionPolicy; policy {
	case "", "Retain", "Merge":
	case "Delete":
		if s.Target.CreationPolicy != "" && s.Target.CreationPolicy != "Owner" {
			return fmt.Errorf("%w: spec.target.deletionPolicy Delete needs creationPolicy Owner", ErrInvalid)
		}
	default:
		return fmt.Errorf("%w: spec.target.deletionPolicy %q is not known", ErrInvalid, policy)
	}
	switch s.RefreshPolicy {
	case "", "Periodic", "OnChange", "CreatedOnce":
		return nil
	}
	return fmt.Errorf("%w: spec.refreshPolicy %q is not known", ErrInvalid, s.RefreshPolicy)
}

// outlives says that the Secret stays when the ExternalSecret goes: it is not
// its owner.
func (s *spec) outlives() bool { return s.Target.CreationPolicy == "Orphan" || s.merges() }

// merges says that the Secret is another's, which gets the data in addition.
func (s *spec) merges() bool {
	return s.Target.CreationPolicy == "Merge" || s.Target.CreationPolicy == "CreateOrMerge"
}

// stores lists the distinct stores that s refers to, kinds filled in.
func (s *spec) stores() ([]storeRef, error) {
	var refs []storeRef
	seen := map[storeRef]bool{}
	for _, item := range slices.Concat(s.Data, s.DataFrom) {
		if item.generator() != nil {
			continue
		}
		ref := s.StoreRef
		if item.SourceRef != nil && item.SourceRef.StoreRef != nil {
			ref = *item.SourceRef.StoreRef
		}
		if ref.Kind == "" {
			ref.Kind = storeKind
		}
		if ref.Name == "" || (ref.Kind != storeKind && ref.Kind != clusterStoreKind) {
			return nil, fmt.Errorf("%w: secretStoreRef needs the name of a %s or %s, it has %s %q", ErrInvalid, storeKind, clusterStoreKind, ref.Kind, ref.Name)
		}
		if !seen[ref] {
			seen[ref] = true
			refs = append(refs, ref)
		}
	}
	if len(refs) > maxStores {
		return nil, fmt.Errorf("%w: %w: more than %d stores", ErrInvalid, manifest.ErrLimit, maxStores)
	}
	return refs, nil
}
