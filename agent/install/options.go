package install

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Names of what is installed.
const (
	// Name is that of the Deployment, the ServiceAccount and all that has no other.
	Name = "tidelock"
	// DefaultNamespace is where it is installed, if nobody says otherwise.
	DefaultNamespace = "tidelock"
	// Image is what runs, without its tag.
	Image = "ghcr.io/tidelock-io/tidelock"
	// DestinationsFlag is the agent's flag that confines it to namespaces.
	DestinationsFlag = "destination-namespaces"
	// ApplicationsFlag is its flag of other namespaces with Applications.
	ApplicationsFlag = "application-namespaces"
	// SetsFlag is its flag of other namespaces with ApplicationSets.
	SetsFlag = "applicationset-namespaces"
)

// HighlyAvailable is how many replicas there are if one may be lost at any time, and
// another is being replaced meanwhile.
const HighlyAvailable = 3

// Options are what installations differ in.
type Options struct {
	// Namespace is where the agent runs, and where its Applications are.
	Namespace string
	// Image is what runs, with tag or digest.
	Image string
	// Replicas divide the Applications among them; 0 is 1.
	Replicas int
	// Namespaces are the only ones that the agent has rights in, beside its own; if
	// there are none, it has rights in the whole cluster.
	Namespaces []string
	// ApplicationNamespaces are patterns of other namespaces with Applications; names,
	// with Impersonate.
	ApplicationNamespaces []string
	// SetNamespaces are the same of ApplicationSets, whose Applications stay there.
	SetNamespaces []string
	// SealingNamespace is where the keys of the sealed-secrets controller are. If
	// empty, it is kube-system, or the agent's own for one that is confined to
	// namespaces.
	SealingNamespace string
	// Impersonate makes the agent write in the name of the ServiceAccounts that
	// projects name. It has no right to write to a destination by itself then.
	Impersonate bool
	// Shadow makes the agent look on at Argo CD, in whose namespace it then is. It may
	// read, and do nothing else.
	Shadow bool
	// ShadowDryRuns makes it ask the API server by dry runs what it would change.
	ShadowDryRuns bool
	// KeepNamespace leaves the Namespace out: it is there, and is somebody else's.
	KeepNamespace bool
	// Monitoring adds a ServiceMonitor and a PrometheusRule, of the Prometheus
	// operator's kinds.
	Monitoring bool
}

// Check says what is wrong with the options.
func (o Options) Check() error {
	var errs []error
	for _, name := range []struct{ option, value string }{
		{"namespace", o.Namespace}, {"sealed-secrets-namespace", o.sealing()},
	} {
		if err := checkNamespace(name.value); err != nil {
			errs = append(errs, fmt.Errorf("%s %w", name.option, err))
		}
	}
	if err := CheckNamespaces(o.Namespaces); err != nil {
		errs = append(errs, fmt.Errorf("scope: %w", err))
	}
	if o.Replicas < 0 || o.Replicas > mostReplicas {
		errs = append(errs, fmt.Errorf("replicas %d: give a number from 1 to %d", o.Replicas, mostReplicas))
	}
	if o.Image == "" || strings.ContainsAny(o.Image, " \t\n\"'") {
		errs = append(errs, fmt.Errorf("image %q: give a name such as %s:v1.0.0", o.Image, Image))
	}
	if o.Shadow && o.confined() {
		errs = append(errs, errors.New("shadow: an agent that looks on reads the whole cluster: leave out the scope"))
	}
	return errors.Join(append(errs, o.contradictions()...)...)
}

// mostReplicas is more than anybody needs, and few enough to know each other.
const mostReplicas = 100

// CheckNamespaces says what is wrong with the namespaces that an agent is confined to.
func CheckNamespaces(names []string) error {
	for i, name := range names {
		if err := checkNamespace(name); err != nil {
			return fmt.Errorf("namespace %w", err)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("namespace %q is named twice", name)
		}
	}
	return nil
}

func checkNamespace(name string) error {
	if wrong := validation.IsDNS1123Label(name); len(wrong) > 0 {
		return fmt.Errorf("%q: %s", name, strings.Join(wrong, "; "))
	}
	return nil
}

// Scopes, as they are written.
const (
	clusterScope    = "cluster"
	namespacesScope = "namespaces="
)

// ParseScope reads "cluster", or "namespaces=a,b": the namespaces that the agent is
// confined to, none if it is not.
func ParseScope(text string) ([]string, error) {
	if text == clusterScope {
		return nil, nil
	}
	list, ok := strings.CutPrefix(text, namespacesScope)
	if !ok || list == "" {
		return nil, fmt.Errorf("%q: give %s, or %sa,b", text, clusterScope, namespacesScope)
	}
	names := strings.Split(list, ",")
	return names, CheckNamespaces(names)
}

// confined says that there are no rights in the whole cluster.
func (o Options) confined() bool { return len(o.Namespaces) > 0 }

// sealing is where the keys of the sealed-secrets controller are. An agent that is
// confined gets rights outside only if they are asked for.
func (o Options) sealing() string {
	switch {
	case o.SealingNamespace != "":
		return o.SealingNamespace
	case o.confined():
		return o.Namespace
	}
	return "kube-system"
}

// Versions of Kubernetes that this version of Tidelock is for.
const (
	// OldestKubernetes is the oldest that it works with.
	OldestKubernetes = "1.33"
	// NewestKubernetes is the newest that it is tested with.
	NewestKubernetes = "1.37"
)
